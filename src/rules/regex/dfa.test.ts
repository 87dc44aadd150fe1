// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { compileDfa, runDfa } from './dfa.js';
import type { Dfa } from './dfa.js';

function dfaOf(pattern: string): Dfa {
  const compiled = compileDfa(pattern);
  if (compiled.kind !== 'dfa') throw new Error(`${pattern}: ${compiled.kind}`);
  return compiled.dfa;
}

function matches(pattern: string, text: string): boolean {
  return runDfa(dfaOf(pattern), new TextEncoder().encode(text));
}

describe('the DFA', () => {
  it.each([
    ['', [''], ['a']],
    ['abc', ['abc'], ['', 'ab', 'abcd', 'xabc', 'ABC']],
    ['/foo', ['/foo'], ['/foo/bar', 'x/foo']],
    ['a|bc|', ['a', 'bc', ''], ['b', 'ac']],
    ['a*?b+?c??', ['b', 'aabbc'], ['a', 'c']],
    ['a{2,3}', ['aa', 'aaa'], ['a', 'aaaa']],
    ['a{,3}', ['a{,3}'], ['a', 'aaa']],
    ['.', ['a', 'é', '€', '😀', '\r'], ['', '\n', 'ab']],
    ['(?s).', ['\n'], ['']],
    ['[^a]', ['\n', 'b', '😀'], ['a', '']],
    ['\\d\\D\\w\\W\\s\\S', ['1a_- x'], ['xa_- x', '1a_-\vx', '１a_- x']],
    ['[\\d\\-x]+', ['1-x'], ['a']],
    ['[[:upper:]][[:^upper:]]', ['Aa', 'Aé'], ['AA', 'éa']],
    ['[]^-]+', [']^-'], ['[']],
    ['\\x41\\x{1F600}\\101\\a\\f\\t\\n\\r\\v', ['A😀A\x07\f\t\n\r\v'], ['A']],
    ['\\Q.*\\E*', ['.', '.***'], ['a', '.*.*']],
    ['\\p{Greek}+\\PL', ['αβγ1'], ['abc1', 'αβγ']],
    ['[\\p{^Greek}]', ['a'], ['α']],
    ['(?i)straße', ['STRAßE', 'ſtraẞe'], ['strasse', 'STRASSE']],
    ['(?i)k', ['k', 'K', '\u212a'], ['c']],
    ['(?i)[^k]', ['c'], ['k', 'K', '\u212a']],
    ['(?i)i', ['i', 'I'], ['ı', 'İ']],
    ['(?i)\\p{Lu}', ['a', 'A'], ['1']],
    ['(?i)\\P{Lu}', ['1'], ['a', 'A']],
    ['(?i)a(?-i)b', ['ab', 'Ab'], ['aB']],
    ['(?i:a)b|c', ['Ab', 'c'], ['AB', 'C']],
    ['(a(?i)b|c)d', ['aBd', 'Cd'], ['AbD', 'cD']],
    ['(?U)a*b', ['aab'], ['aa']],
    ['^a$', ['a'], ['\na', 'a\n']],
    ['a^b', [], ['ab', 'a\nb']],
    ['(?m)a$\n^b', ['a\nb'], ['ab', 'a\n\nb']],
    ['(?m)(^a$|\n)*', ['a\na', '\n\n', ''], ['aa', 'aa\n']],
    ['(?m)a\\z|\\A^b', ['a', 'b'], ['a\n', '\nb']],
    ['.*\\bfoo\\b.*', ['foo', 'a foo', 'foo-', 'éfoo', 'foo€'], ['afoo', 'foo_', 'foo1 ']],
    ['.*\\Boo\\B.*', ['fool', ' foo_'], ['oo', 'foo', 'ool']],
    ['\\b', [], ['']],
    ['\\B', [''], ['a']],
    ['(?:\\b|a)*', ['a', 'aa', ''], [' ']],
    ['((a*)*)*b', ['aaab'], ['aaa']],
    ['[^\\x00-\\x{10FFFF}]', [], ['', 'a']],
    ['[^\\x00-\\x{10FFFF}]?', [''], ['a']],
    ['\\p{Cs}|[\\x{D800}-\\x{DFFF}]', [], ['\ufffd', 'a']],
  ] as const)('of %s matches like RE2', (pattern, matching, others) => {
    for (const text of matching) expect({ text, matches: matches(pattern, text) }).toEqual({ text, matches: true });
    for (const text of others) expect({ text, matches: matches(pattern, text) }).toEqual({ text, matches: false });
  });

  it.each([
    [0xff],
    [0x80],
    [0xc3],
    [0xc0, 0xaf],
    [0xe0, 0x80, 0xaf],
    [0xed, 0xa0, 0x80],
    [0xf4, 0x90, 0x80, 0x80],
    [0x61, 0xe2, 0x82],
  ])('does not take malformed UTF-8 for characters', (...bytes) => {
    for (const pattern of ['(?s).*', '[^a]*', '(?:a|\\W)*', '.*\\B.*']) {
      expect(runDfa(dfaOf(pattern), Uint8Array.from(bytes))).toBe(false);
    }
  });

  it('is minimal and has one class per kind of byte', () => {
    expect(dfaOf('a*')).toEqual({
      classCount: 2,
      stateCount: 2,
      classOf: Uint8Array.from({ length: 256 }, (_, byte) => (byte === 0x61 ? 1 : 0)),
      transitions: Uint16Array.of(0, 0, 0, 1),
      start: 1,
      accepting: Uint8Array.of(0, 1),
      deadState: 0,
    });
    expect(dfaOf('(?:a|b)*')).toMatchObject({ stateCount: 2, classCount: 2 });
    expect(dfaOf('aac|abc|bac|bbc')).toMatchObject({ stateCount: 5, classCount: 3 });
    expect(dfaOf('\\w+|\\b\\w+\\b')).toMatchObject({ stateCount: 3, classCount: 2 });
    expect(dfaOf('[^\\x00-\\x{10FFFF}]')).toMatchObject({ stateCount: 1, classCount: 1, start: 0 });
  });

  it('has a dead state that leads to itself and does not accept', () => {
    for (const pattern of ['a', '(?s).*', '\\b\\pL+']) {
      const dfa = dfaOf(pattern);
      expect(dfa.accepting[dfa.deadState]).toBe(0);
      expect([...dfa.transitions.subarray(0, dfa.classCount)].every((target) => target === dfa.deadState)).toBe(true);
    }
  });

  it('of a large Unicode class stays small', () => {
    const dfa = dfaOf('(?:/\\pL+)*');
    expect(dfa.stateCount).toBeLessThan(500);
    expect(runDfa(dfa, new TextEncoder().encode('/Straße/улица/道路'))).toBe(true);
    expect(runDfa(dfa, new TextEncoder().encode('/Straße/1'))).toBe(false);
  });
});

describe('compileDfa', () => {
  it('gives the syntax error of an invalid pattern', () => {
    expect(compileDfa('a(?!b)')).toEqual({ kind: 'invalid', message: 'RE2 has no look-ahead', index: 1 });
  });

  it.each([
    '(a|b)*a(a|b){20}',
    '.{1000}\\pL{1000}',
    '\\pL{1000}',
    '(?:.*a){1000}',
    '(?:\\b|\\B|^|$|x){1000}',
    '(?:\\pL|\\pN|.)*x(?:\\w|\\pL|.){12}',
    '(?:(?:a?){30}b?){33}(?:c?.*){900}',
  ])('gives up on %s', (pattern) => {
    expect(compileDfa(pattern).kind).toBe('too-large');
  });

  it('keeps to the bounds it is given', () => {
    expect(compileDfa('a{100}', { maxStates: 102 }).kind).toBe('dfa');
    expect(compileDfa('a{101}', { maxStates: 102 })).toEqual({ kind: 'too-large', reason: '103 states, above 102' });
    const bytes = 256 + 3 * 2 * 2 + 3;
    expect(compileDfa('a', { maxTableBytes: bytes }).kind).toBe('dfa');
    expect(compileDfa('a', { maxTableBytes: bytes - 1 }).kind).toBe('too-large');
    expect(() => compileDfa('a', { maxStates: 65_536 })).toThrow(RangeError);
  });

  it('compiles long counted repetitions that have a small DFA', () => {
    expect(compileDfa('(?:a?){1000}')).toMatchObject({ kind: 'dfa', dfa: { stateCount: 1002 } });
    expect(compileDfa('(?:[a-z]*[0-9]*.*){1000}')).toEqual(compileDfa('.*'));
    expect(compileDfa('(?:a{10}){100}')).toMatchObject({ kind: 'dfa', dfa: { stateCount: 1002 } });
  });
});
