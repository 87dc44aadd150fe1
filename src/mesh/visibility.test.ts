// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { includesVisibility, isVisibleIn, sameVisibility, visibilityOf, visibilityRank } from './visibility.js';

const of = (...exportTo: string[]): ReturnType<typeof visibilityOf> => visibilityOf(exportTo, 'own', ['*']);

describe('visibilityOf', () => {
  it('falls back to the default of the mesh when exportTo is absent or empty', () => {
    expect(visibilityOf(undefined, 'own', ['.'])).toEqual({ everywhere: false, namespaces: ['own'] });
    expect(visibilityOf([], 'own', ['*']).everywhere).toBe(true);
  });

  it('takes a dot as the own namespace, and a tilde as nobody', () => {
    expect(sameVisibility(of('.', 'b'), of('b', 'own'))).toBe(true);
    expect(isVisibleIn(of('~'), 'own')).toBe(false);
  });

  it('ranks private before exported before public', () => {
    expect(visibilityRank(of('.', 'b'), 'own', 'own')).toBe(0);
    expect(visibilityRank(of('.', 'b'), 'own', 'b')).toBe(1);
    expect(visibilityRank(of('*'), 'own', 'own')).toBe(2);
    expect(visibilityRank(of('b'), 'own', 'own')).toBeUndefined();
  });

  it('knows which of two is seen more widely', () => {
    expect(includesVisibility(of('*'), of('.'))).toBe(true);
    expect(includesVisibility(of('.', 'b'), of('b'))).toBe(true);
    expect(includesVisibility(of('b'), of('*'))).toBe(false);
  });
});
