// SPDX-License-Identifier: Apache-2.0
/**
 * Sets of Unicode code points, as the flat list of their inclusive ranges: `[lo, hi, lo, hi, …]`, ascending, disjoint and
 * never adjacent. One canonical form means that equal sets have equal lists, and flat numbers keep `\pL` (hundreds of
 * ranges) cheap.
 */

export type CodePointSet = readonly number[];

export const MAX_CODE_POINT = 0x10ffff;

export const ANY_CODE_POINT: CodePointSet = [0, MAX_CODE_POINT];

/** The canonical form of ranges in any order, which may overlap. */
export function canonicalSet(ranges: readonly number[]): CodePointSet {
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < ranges.length; i += 2) pairs.push([ranges[i] as number, ranges[i + 1] as number]);
  pairs.sort((left, right) => left[0] - right[0]);
  const result: number[] = [];
  for (const [lo, hi] of pairs) {
    const last = result.length - 1;
    const previousHi = result[last];
    if (previousHi !== undefined && lo <= previousHi + 1) result[last] = Math.max(previousHi, hi);
    else result.push(lo, hi);
  }
  return result;
}

export function negateSet(set: CodePointSet): CodePointSet {
  const result: number[] = [];
  let next = 0;
  for (let i = 0; i + 1 < set.length; i += 2) {
    const lo = set[i] as number;
    if (next < lo) result.push(next, lo - 1);
    next = (set[i + 1] as number) + 1;
  }
  if (next <= MAX_CODE_POINT) result.push(next, MAX_CODE_POINT);
  return result;
}

/** The only member of a set of one, else undefined. */
export function onlyMember(set: CodePointSet): number | undefined {
  return set.length === 2 && set[0] === set[1] ? set[0] : undefined;
}
