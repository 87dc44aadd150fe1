// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FilterChainIndex } from './filter-chain-index.js';

function chain(name: string, ...serverNames: string[]): { name: string; match: { serverNames: string[] } } {
  return { name, match: { serverNames } };
}

describe('FilterChainIndex', () => {
  const chains = [
    chain('any'),
    chain('wide', '*.example'),
    chain('narrow', '*.shop.example'),
    chain('exact', 'a.shop.example', 'shop.example'),
  ];
  const index = new FilterChainIndex(chains);

  it.each([
    ['a.shop.example', 'exact'],
    ['A.Shop.Example', 'exact'],
    ['shop.example', 'exact'],
    ['b.shop.example', 'narrow'],
    ['c.b.shop.example', 'narrow'],
    ['b.example', 'wide'],
    ['example', 'any'],
    ['', 'any'],
  ])('finds for %j the chain %s', (serverName, expected) => {
    expect(index.find(serverName)?.name).toBe(expected);
  });

  it('finds nothing where no name fits and no chain takes all', () => {
    const strict = new FilterChainIndex(chains.slice(1));
    expect(strict.find('other.test')).toBeUndefined();
    expect(strict.find('')).toBeUndefined();
    expect(strict.find('.example')?.name).toBe('wide');
  });
});
