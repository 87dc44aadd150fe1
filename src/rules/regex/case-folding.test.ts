// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { foldSet } from './case-folding.js';

describe('foldSet', () => {
  it.each([
    ['a', 'Aa'],
    ['1', '1'],
    ['k', 'Kk\u212a'],
    ['ſ', 'Ssſ'],
    ['σ', 'Σςσ'],
    ['ß', 'ßẞ'],
    ['ǅ', 'Ǆǅǆ'],
    ['ı', 'ı'],
    ['İ', 'İ'],
    ['\ufb05', '\ufb05\ufb06'],
    ['𞤀', '𞤀𞤢'],
  ])('of %s is %s', (member, expected) => {
    const codePoint = member.codePointAt(0) as number;
    const set = foldSet([codePoint, codePoint]);
    const members: number[] = [];
    for (let i = 0; i + 1 < set.length; i += 2) {
      for (let at = set[i] as number; at <= (set[i + 1] as number); at++) members.push(at);
    }
    expect(String.fromCodePoint(...members)).toBe(expected);
  });

  it('folds the members of ranges and keeps the form canonical', () => {
    expect(foldSet([0x40, 0x5a])).toEqual([0x40, 0x5a, 0x61, 0x7a, 0x17f, 0x17f, 0x212a, 0x212a]);
    expect(foldSet([0, 0x10ffff])).toEqual([0, 0x10ffff]);
    expect(foldSet([])).toEqual([]);
  });
});
