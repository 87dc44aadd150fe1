// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { unicodeClass } from './unicode-classes.js';

describe('unicodeClass', () => {
  it('gives categories, scripts and Any', () => {
    expect(unicodeClass('Zs')).toEqual([
      0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000,
    ]);
    expect(unicodeClass('Thai')).toEqual([0xe01, 0xe3a, 0xe40, 0xe5b]);
    expect(unicodeClass('Any')).toEqual([0, 0x10ffff]);
  });

  it('finds ranges across and beyond the basic plane', () => {
    expect(unicodeClass('Deseret')).toEqual([0x10400, 0x1044f]);
    expect(unicodeClass('Co')).toEqual([0xe000, 0xf8ff, 0xf0000, 0xffffd, 0x100000, 0x10fffd]);
  });

  it('leaves unassigned code points and surrogates out of C', () => {
    const set = unicodeClass('C') ?? [];
    const has = (codePoint: number): boolean =>
      set.some((lo, i) => i % 2 === 0 && lo <= codePoint && codePoint <= (set[i + 1] as number));
    expect([0x00, 0xad, 0xe000, 0x378, 0xd800].map(has)).toEqual([true, true, true, false, false]);
    expect(unicodeClass('Cs')).toEqual([]);
  });

  it.each(['', 'greek', 'Grek', 'Zyyy', 'Letter', 'Alphabetic', 'Cn', 'LC', 'Unknown', 'Script=Greek', 'L}', 'Nope'])(
    'knows no class named %s',
    (name) => {
      expect(unicodeClass(name)).toBeUndefined();
    },
  );
});
