// SPDX-License-Identifier: Apache-2.0
/**
 * Adds the other cases of every member to a set, as RE2's `(?i)` does: Unicode simple case folding, in which K, k and
 * KELVIN SIGN are one letter. The orbits come from JavaScript's own case mappings, so no table has to be kept up to date;
 * mappings to several characters (ß to SS) are not simple folding and are left out.
 */
import { canonicalSet } from './code-point-set.js';
import type { CodePointSet } from './code-point-set.js';

/** ADLAM SMALL LETTER SHA, the last character that has another case. */
const LAST_CASED = 0x1e943;

/** Its upper case is I, but the simple folding of CaseFolding.txt keeps the two apart (only its Turkic rows join them). */
const DOTLESS_I = 0x131;

/** Simple foldings of Unicode 15.1 whose case mappings are to several characters, so that JavaScript's do not show them. */
const PAIRS_WITHOUT_MAPPING: readonly (readonly [number, number])[] = [
  [0x390, 0x1fd3],
  [0x3b0, 0x1fe3],
  [0xfb05, 0xfb06],
];

interface Folding {
  /** Ascending code points that have another case. */
  readonly cased: readonly number[];
  readonly orbitOf: ReadonlyMap<number, readonly number[]>;
}

let folding: Folding | undefined;

/** The set with the simple case variants of all members. */
export function foldSet(set: CodePointSet): CodePointSet {
  folding ??= buildFolding();
  const { cased, orbitOf } = folding;
  const ranges = [...set];
  for (let i = 0; i + 1 < set.length; i += 2) {
    const hi = set[i + 1] as number;
    for (let at = lowerBound(cased, set[i] as number); at < cased.length; at++) {
      const codePoint = cased[at] as number;
      if (codePoint > hi) break;
      for (const variant of orbitOf.get(codePoint) ?? []) ranges.push(variant, variant);
    }
  }
  return canonicalSet(ranges);
}

function buildFolding(): Folding {
  const orbitOf = new Map<number, number[]>();
  for (const [left, right] of PAIRS_WITHOUT_MAPPING) join(orbitOf, left, right);
  for (let codePoint = 0; codePoint <= LAST_CASED; codePoint++) {
    if (codePoint === DOTLESS_I) continue;
    const text = String.fromCodePoint(codePoint);
    for (const mapped of [text.toLowerCase(), text.toUpperCase()]) {
      const other = mapped.codePointAt(0) as number;
      if (other !== codePoint && mapped.length === String.fromCodePoint(other).length) join(orbitOf, codePoint, other);
    }
  }
  return { cased: [...orbitOf.keys()].sort((left, right) => left - right), orbitOf };
}

function join(orbitOf: Map<number, number[]>, left: number, right: number): void {
  const leftOrbit = orbitOf.get(left) ?? [left];
  const rightOrbit = orbitOf.get(right) ?? [right];
  const joined = [...new Set([...leftOrbit, ...rightOrbit])];
  for (const member of joined) orbitOf.set(member, joined);
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
