// SPDX-License-Identifier: Apache-2.0
/** Rounds -> medians and paired ratios. Rounds are compared with the same round of the other, so a slow minute hits both. */

/** Median; NaN of nothing. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The smallest value that at least `share` (0..1) of the values do not exceed; NaN of nothing. Input in rising order. */
export function percentile(rising: ArrayLike<number>, share: number): number {
  if (rising.length === 0) return NaN;
  return rising[Math.max(0, Math.ceil(share * rising.length) - 1)] ?? NaN;
}

export interface Ratio {
  /** Ratio of the medians. */
  readonly ratio: number;
  /** Smallest and largest ratio of one round. */
  readonly min: number;
  readonly max: number;
  /** Rounds in which both were measured. */
  readonly rounds: number;
}

/** `left` against `right`, round by round; undefined in either: not measured in that round. No common round: undefined. */
export function pairedRatio(
  left: readonly (number | undefined)[],
  right: readonly (number | undefined)[],
): Ratio | undefined {
  const lefts: number[] = [];
  const rights: number[] = [];
  left.forEach((value, round) => {
    const other = right[round];
    if (value === undefined || other === undefined || !(other > 0) || !Number.isFinite(value)) return;
    lefts.push(value);
    rights.push(other);
  });
  if (lefts.length === 0) return undefined;
  const ratios = lefts.map((value, index) => value / (rights[index] ?? NaN));
  return {
    ratio: median(lefts) / median(rights),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    rounds: ratios.length,
  };
}

/** The order of a round: rotated by one each round and turned around every second, so that nobody always follows the same. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const shift = items.length === 0 ? 0 : round % items.length;
  const turned = [...items.slice(shift), ...items.slice(0, shift)];
  return round % 2 === 1 ? turned.reverse() : turned;
}
