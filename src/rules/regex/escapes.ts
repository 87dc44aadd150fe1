// SPDX-License-Identifier: Apache-2.0
/**
 * Escapes and bracket expressions -> code points and sets of them, by RE2's syntax. What RE2 refuses is refused with the
 * reason a user coming from another dialect needs (`\1` is a back-reference, `\Z` is spelled `\z`).
 */
import { canonicalSet, MAX_CODE_POINT, negateSet } from './code-point-set.js';
import type { CodePointSet } from './code-point-set.js';
import { foldSet } from './case-folding.js';
import { END, RegexSyntaxError } from './scanner.js';
import type { Scanner } from './scanner.js';
import { unicodeClass } from './unicode-classes.js';

const BACKSLASH = 0x5c;

/** `\d`, `\s` and `\w` are ASCII in RE2, and `\s` holds no vertical tab. */
const PERL_CLASSES: Readonly<Record<string, CodePointSet>> = {
  d: [0x30, 0x39],
  s: [0x09, 0x0a, 0x0c, 0x0d, 0x20, 0x20],
  w: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
};

const POSIX_CLASSES: Readonly<Record<string, CodePointSet>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0x00, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0x00, 0x1f, 0x7f, 0x7f],
  digit: [0x30, 0x39],
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word: [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a],
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};

const CONTROL_ESCAPES: Readonly<Record<string, number>> = { a: 0x07, f: 0x0c, n: 0x0a, r: 0x0d, t: 0x09, v: 0x0b };

const ESCAPE_HINTS: Readonly<Record<string, string>> = {
  C: 'single-byte matching is not supported',
  E: '\\E without \\Q',
  G: 'RE2 has no \\G',
  k: 'RE2 has no back-references',
  K: 'RE2 has no \\K',
  R: 'RE2 has no \\R',
  u: 'RE2 writes a code point as \\x{…}',
  X: 'RE2 has no \\X',
  Z: 'RE2 writes the end of the text as \\z',
};

/** A set under the flags: with `foldCase` it has all cases. Folding comes before negation, as in RE2. */
export function setUnderFlags(set: CodePointSet, foldCase: boolean, negated: boolean): CodePointSet {
  const folded = foldCase ? foldSet(set) : set;
  return negated ? negateSet(folded) : folded;
}

/** Reads `\d`, `\W`, `\pL`, `\P{Greek}` and the like if one comes next; any other escape is left alone. */
export function parseClassEscape(scanner: Scanner, foldCase: boolean): CodePointSet | undefined {
  const start = scanner.index;
  const perl = scanner.acceptMatch(/\\([dswDSW])/y)?.[1];
  if (perl !== undefined) {
    const lower = perl.toLowerCase();
    return setUnderFlags(PERL_CLASSES[lower] as CodePointSet, foldCase, lower !== perl);
  }
  const unicode = scanner.acceptMatch(/\\([pP])(?:\{(\^?)([^}]*)\}|(\^)|([^{]))/uy);
  if (unicode === undefined) {
    if (!scanner.lookingAt('\\p') && !scanner.lookingAt('\\P')) return undefined;
    throw new RegexSyntaxError('a Unicode class is written \\pN or \\p{Name}', start);
  }
  const [text, letter, caret, longName, , shortName] = unicode;
  const name = longName ?? shortName ?? '';
  const set = unicodeClass(name);
  if (set === undefined) throw new RegexSyntaxError(`RE2 knows no Unicode class by the name in ${text}`, start);
  return setUnderFlags(set, foldCase, (letter === 'P') !== (caret === '^'));
}

/** Reads an escape that stands for one character, backslash included. */
export function parseEscape(scanner: Scanner): number {
  const start = scanner.index;
  scanner.next();
  const codePoint = scanner.next();
  if (codePoint === END) throw new RegexSyntaxError('trailing backslash', start);
  const character = String.fromCodePoint(codePoint);
  const control = CONTROL_ESCAPES[character];
  if (control !== undefined) return control;
  if (character >= '0' && character <= '7') return parseOctal(scanner, start, codePoint - 0x30);
  if (character === 'x') return parseHex(scanner, start);
  if (codePoint < 0x80 && !/[0-9A-Za-z]/.test(character)) return codePoint;
  const hint = /[89]/.test(character) ? 'RE2 has no back-references' : ESCAPE_HINTS[character];
  throw new RegexSyntaxError(`invalid escape \\${character}${hint === undefined ? '' : `: ${hint}`}`, start);
}

function parseOctal(scanner: Scanner, start: number, first: number): number {
  const rest = scanner.acceptMatch(/[0-7]{1,2}/y)?.[0] ?? '';
  if (first !== 0 && rest === '') {
    throw new RegexSyntaxError(`invalid escape \\${first}: RE2 has no back-references`, start);
  }
  return parseInt(`${first}${rest}`, 8);
}

function parseHex(scanner: Scanner, start: number): number {
  const digits = scanner.acceptMatch(/\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2})/y);
  const codePoint = parseInt(digits?.[1] ?? digits?.[2] ?? '', 16);
  if (codePoint <= MAX_CODE_POINT) return codePoint;
  throw new RegexSyntaxError('\\x takes two hexadecimal digits, or up to 10FFFF in braces', start);
}

/** Reads a bracket expression such as `[^a-z\d[:punct:]]`; the scanner stands at its `[`. */
export function parseBracket(scanner: Scanner, foldCase: boolean): CodePointSet {
  const start = scanner.index;
  scanner.next();
  const negated = scanner.accept('^');
  const ranges: number[] = [];
  for (let first = true; first || !scanner.lookingAt(']'); first = false) {
    if (scanner.peek() === END) throw new RegexSyntaxError('missing closing ]', start);
    const named = parsePosixClass(scanner, foldCase) ?? parseClassEscape(scanner, foldCase);
    if (named !== undefined) {
      for (const bound of named) ranges.push(bound);
      continue;
    }
    const rangeStart = scanner.index;
    const lo = parseBracketCharacter(scanner, start);
    let hi = lo;
    if (scanner.lookingAt('-') && !scanner.lookingAt('-]')) {
      scanner.next();
      hi = parseBracketCharacter(scanner, start);
      if (hi < lo) throw new RegexSyntaxError('the range in the character class is out of order', rangeStart);
    }
    for (const bound of setUnderFlags([lo, hi], foldCase, false)) ranges.push(bound);
  }
  scanner.next();
  const set = canonicalSet(ranges);
  return negated ? negateSet(set) : set;
}

/** Without a `:]` later in the pattern, `[:` is two plain characters. */
function parsePosixClass(scanner: Scanner, foldCase: boolean): CodePointSet | undefined {
  const start = scanner.index;
  const match = scanner.acceptMatch(/\[:(\^?)(.*?):\]/suy);
  if (match === undefined) return undefined;
  const [text, caret, name] = match;
  const set = name === undefined || !Object.hasOwn(POSIX_CLASSES, name) ? undefined : POSIX_CLASSES[name];
  if (set === undefined) throw new RegexSyntaxError(`RE2 knows no character class ${text}`, start);
  return setUnderFlags(set, foldCase, caret === '^');
}

function parseBracketCharacter(scanner: Scanner, bracketStart: number): number {
  const codePoint = scanner.peek();
  if (codePoint === END) throw new RegexSyntaxError('missing closing ]', bracketStart);
  return codePoint === BACKSLASH ? parseEscape(scanner) : scanner.next();
}
