// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { compareSpecificity, hostMatches, hostSubsetOf, intersectHosts, isWildcard, resolveHost } from './hosts.js';

describe('resolveHost', () => {
  it.each([
    ['reviews', 'reviews.shop.svc.cluster.local'],
    ['Reviews', 'reviews.shop.svc.cluster.local'],
    ['reviews.prod', 'reviews.prod'],
    ['*', '*'],
    ['*.prod', '*.prod'],
    ['10.0.0.1', '10.0.0.1'],
    ['fd00::1', 'fd00::1'],
    ['', ''],
  ])('takes %j in namespace shop as %j', (host, full) => {
    expect(resolveHost(host, 'shop')).toBe(full);
  });

  it('uses the domain of the mesh', () => {
    expect(resolveHost('reviews', 'shop', 'corp.example')).toBe('reviews.shop.svc.corp.example');
  });
});

describe('relations of host patterns', () => {
  it.each([
    ['a.example', 'a.example', true],
    ['A.example', 'a.EXAMPLE', true],
    ['a.example', 'b.example', false],
    ['*.example', 'a.b.example', true],
    ['*.example', 'example', false],
    ['*example', 'anexample', true],
    ['*.a.example', '*.example', true],
    ['*.a.example', '*.b.example', false],
    ['*', 'a.example', true],
    ['*', '*.example', true],
  ])('%j and %j overlap: %j, either way round', (first, second, expected) => {
    expect(hostMatches(first, second)).toBe(expected);
    expect(hostMatches(second, first)).toBe(expected);
  });

  it('knows which pattern covers the other', () => {
    expect(hostSubsetOf('a.example', '*.example')).toBe(true);
    expect(hostSubsetOf('*.example', 'a.example')).toBe(false);
    expect(hostSubsetOf('*.a.example', '*.example')).toBe(true);
    expect(hostSubsetOf('*.example', '*.a.example')).toBe(false);
    expect(hostSubsetOf('*', '*.a.example')).toBe(false);
  });

  it('keeps the narrower of two patterns', () => {
    expect(intersectHosts('*.example', 'A.example')).toBe('a.example');
    expect(intersectHosts('*.a.example', '*')).toBe('*.a.example');
    expect(intersectHosts('a.example', 'b.example')).toBeUndefined();
  });

  it('sorts names before wildcards, longer before shorter, then by character code', () => {
    const sorted = ['*', '*.example', 'b.example', 'a.example', '*.a.example', 'long.a.example'].sort(
      compareSpecificity,
    );
    expect(sorted).toEqual(['long.a.example', 'a.example', 'b.example', '*.a.example', '*.example', '*']);
  });

  it('calls only a leading asterisk a wildcard', () => {
    expect(isWildcard('*')).toBe(true);
    expect(isWildcard('a.*.example')).toBe(false);
  });
});
