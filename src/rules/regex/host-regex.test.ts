// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileDfa, runDfa } from './dfa.js';
import { compileMatcher, compileRewrite } from './host-regex.js';

function rewritten(pattern: string, substitution: string, path: string): string {
  const rewriter = compileRewrite(pattern, substitution);
  if ('error' in rewriter) throw new Error(rewriter.error.message);
  return rewriter.rewrite(path);
}

describe('compileMatcher', () => {
  it('matches the whole text only', () => {
    const matcher = compileMatcher('/v[12]|/v3');
    expect(['/v1', '/v3', '/v12', 'x/v1', ''].map((text) => matcher.matches(text))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  it('takes text as a string or as its UTF-8 bytes', () => {
    const matcher = compileMatcher('\ufeff?é.');
    expect(matcher.matches('é😀')).toBe(true);
    expect(matcher.matches(new TextEncoder().encode('\ufeffé😀'))).toBe(true);
    expect(matcher.matches(new TextEncoder().encode('é'))).toBe(false);
  });

  it('never matches text that is not well-formed', () => {
    const matcher = compileMatcher('(?s).*');
    expect(matcher.matches(Uint8Array.of(0x61, 0xff))).toBe(false);
    expect(matcher.matches(Uint8Array.of(0xed, 0xa0, 0x80))).toBe(false);
    expect(matcher.matches('a\ud800')).toBe(false);
  });

  it('agrees with the DFA on arbitrary bytes', () => {
    const pattern = '(?s)a?[^b]*\\B.?';
    const compiled = compileDfa(pattern);
    const matcher = compileMatcher(pattern);
    const byte = fc.oneof(fc.constantFrom(0x61, 0x62, 0xc3, 0xa9, 0xe2, 0x82, 0xac), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), (bytes) => {
        const text = Uint8Array.from(bytes);
        expect(compiled.kind === 'dfa' && runDfa(compiled.dfa, text)).toBe(matcher.matches(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('carries patterns that are too large for a table', () => {
    const pattern = '(?:a|b)*a(?:a|b){20}';
    expect(compileDfa(pattern).kind).toBe('too-large');
    const matcher = compileMatcher(pattern);
    expect(matcher.matches(`bba${'b'.repeat(20)}`)).toBe(true);
    expect(matcher.matches(`bbb${'b'.repeat(20)}`)).toBe(false);
  });

  it('throws on a pattern that was never validated', () => {
    expect(() => compileMatcher('(')).toThrow(/not an RE2 pattern: missing closing \)/);
  });
});

describe('compileRewrite', () => {
  it.each([
    // The two examples of Envoy's RegexMatchAndSubstitute for paths.
    ['^/service/([^/]+)(/.*)$', '\\2/instance/\\1', '/service/foo/v1/api', '/v1/api/instance/foo'],
    ['one', 'two', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/two/zzz'],
    ['^(.*?)one(.*)$', '\\1two\\2', '/xxx/one/yyy/one/zzz', '/xxx/two/yyy/one/zzz'],
    ['(?i)/xxx/', '/yyy/', '/aaa/XxX/bbb', '/aaa/yyy/bbb'],
    ['nothing', 'x', '/path', '/path'],
    ['a|b', '[\\0]', 'abc', '[a][b]c'],
    ['(a)|(b)', '<\\1\\2>', 'ab', '<a><b>'],
    ['a', '\\\\', '/a/', '/\\/'],
    ['a', '$1$&', '/a/', '/$1$&/'],
    ['aa', 'b', 'aaaaa', 'bba'],
    ['^a', 'b', 'aa', 'ba'],
    ['\\ba', 'b', 'aa a', 'ba b'],
    // Empty matches, as RE2's GlobalReplace has them: none directly after a match.
    ['', '-', 'abc', '-a-b-c-'],
    ['a*', '-', 'baac', '-b-c-'],
    ['', '-', '😀', '-😀-'],
    ['x*', '-', '', '-'],
  ])('replaces %s by %s in %s', (pattern, substitution, path, expected) => {
    expect(rewritten(pattern, substitution, path)).toBe(expected);
  });

  it('can be used again after a rewrite', () => {
    const rewriter = compileRewrite('(b)', '\\1\\1');
    if ('error' in rewriter) throw new Error(rewriter.error.message);
    expect([rewriter.rewrite('abc'), rewriter.rewrite('b'), rewriter.rewrite('x')]).toEqual(['abbc', 'bb', 'x']);
  });

  it.each([
    ['(', 'x', 0, /missing closing \)/],
    ['(a)', 'x\\2', 1, /group 2, the pattern has 1/],
    ['(?:a)', '\\1', 0, /group 1, the pattern has 0/],
    ['a', 'b\\n', 1, /\\n is neither/],
    ['a', 'b\\😀', 1, /\\😀 is neither/],
    ['a', 'b\\', 1, /ends in a backslash/],
    ['a', 'b\\\\\\', 3, /ends in a backslash/],
  ])('refuses %s with %s', (pattern, substitution, index, message) => {
    const result = compileRewrite(pattern, substitution);
    expect('error' in result && result.error.index).toBe(index);
    expect('error' in result && result.error.message).toMatch(message);
  });
});
