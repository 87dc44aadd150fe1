// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareSpecificity, hostSubsetOf } from '../resources/hosts.js';
import { HostIndex } from './host-index.js';

const label = fc.constantFrom('a', 'b', 'aa', 'ab');
const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const pattern = fc.oneof(
  name,
  name.map((host) => `*.${host}`),
  name.map((host) => `*${host}`),
  fc.constant('*'),
);

describe('HostIndex', () => {
  it('visits what covers a host, as a scan over all patterns does', () => {
    fc.assert(
      fc.property(fc.uniqueArray(pattern, { maxLength: 12 }), pattern, (patterns, host) => {
        const index = new HostIndex<string>();
        for (const each of patterns) index.set(each, each);
        const visited: string[] = [];
        index.visitCovering(host, (value) => {
          visited.push(value);
          return false;
        });
        const covering = patterns.filter((each) => hostSubsetOf(host, each)).sort(compareSpecificity);
        expect(visited).toEqual(covering);
        expect(index.mostSpecific(host)).toBe(covering[0]);
      }),
    );
  });

  it('stops at the first pattern that the visitor takes', () => {
    const index = new HostIndex<number>();
    index.set('*', 1);
    index.set('*.example', 2);
    const visited: number[] = [];
    expect(index.visitCovering('a.example', (value) => visited.push(value) > 0)).toBe(true);
    expect(visited).toEqual([2]);
  });
});
