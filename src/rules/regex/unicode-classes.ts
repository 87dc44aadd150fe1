// SPDX-License-Identifier: Apache-2.0
/**
 * The name in `\p{…}` -> its set of code points. RE2 knows general categories by their short names, scripts by their long
 * names, and `Any`; JavaScript's property escapes know the same data, so a class is read off them by running one over all
 * code points when a pattern first names it (up to a tenth of a second, then cached). The Unicode version is therefore that of the Node.js
 * that compiles.
 */
import { ANY_CODE_POINT, canonicalSet, MAX_CODE_POINT } from './code-point-set.js';
import type { CodePointSet } from './code-point-set.js';

/**
 * RE2's categories. `C` is spelled out because RE2's holds no unassigned code points, unlike Unicode's (and JavaScript's);
 * Cs holds surrogates only, which valid UTF-8 cannot contain.
 */
const CATEGORIES = new Map<string, string>([
  ['C', '[\\p{Cc}\\p{Cf}\\p{Co}]'],
  ...'Cc Cf Co Cs L Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs'
    .split(' ')
    .map((name): [string, string] => [name, `\\p{${name}}`]),
]);

/** JavaScript also takes four-letter script codes, RE2 does not; these are the four-letter names that are long names. */
const FOUR_LETTER_SCRIPTS = new Set(['Ahom', 'Cham', 'Kawi', 'Lisu', 'Miao', 'Modi', 'Newa', 'Thai', 'Toto']);

const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;

/** Code points tested at a time; enough to make the call overhead vanish, few enough for a string on the young heap. */
const CHUNK = 0x1000;

const cache = new Map<string, CodePointSet>();

/** The code points of a category, a script or `Any` (names are case-sensitive); undefined where RE2 knows no such class. */
export function unicodeClass(name: string): CodePointSet | undefined {
  if (name === 'Any') return ANY_CODE_POINT;
  const known = cache.get(name);
  if (known !== undefined) return known;
  const source = CATEGORIES.get(name) ?? scriptSource(name);
  if (source === undefined) return undefined;
  const set = codePointsMatching(new RegExp(`${source}+`, 'gu'));
  cache.set(name, set);
  return set;
}

function scriptSource(name: string): string | undefined {
  if (!/^[A-Z][A-Za-z_]+$/.test(name) || name === 'Unknown') return undefined;
  if (name.length === 4 && !FOUR_LETTER_SCRIPTS.has(name)) return undefined;
  const source = `\\p{Script=${name}}`;
  try {
    new RegExp(source, 'u');
    return source;
  } catch {
    return undefined;
  }
}

function codePointsMatching(runs: RegExp): CodePointSet {
  const ranges: number[] = [];
  const chunk: number[] = [];
  for (let first = 0; first <= MAX_CODE_POINT; first += CHUNK) {
    if (first >= FIRST_SURROGATE && first <= LAST_SURROGATE) continue;
    const end = Math.min(first + CHUNK, first < FIRST_SURROGATE ? FIRST_SURROGATE : MAX_CODE_POINT + 1);
    chunk.length = 0;
    for (let codePoint = first; codePoint < end; codePoint++) chunk.push(codePoint);
    const unitsPerCodePoint = first > 0xffff ? 2 : 1;
    for (const run of String.fromCodePoint(...chunk).matchAll(runs)) {
      const lo = first + run.index / unitsPerCodePoint;
      ranges.push(lo, lo + run[0].length / unitsPerCodePoint - 1);
    }
  }
  return canonicalSet(ranges);
}
