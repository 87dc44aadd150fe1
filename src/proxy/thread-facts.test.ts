// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { HostData, RouteData } from '../rules/encoded-tables.js';
import { conditionOf, routeNameOf, routeOriginOf, routesOf, threadFactsOf, virtualHostNameOf } from './thread-facts.js';

function route(name: string, line: number, extras: Partial<RouteData> = {}): RouteData {
  const origin = { kind: 'VirtualService', namespace: 'n', name: 'ü', file: 'a b.yaml', line, path: '' };
  return { name, virtualHost: 0, origin, conditions: [], keepRequestHead: false, weighted: [], ...extras };
}

const HOST: HostData = {
  listeners: [],
  filterChains: [],
  clusters: [],
  patterns: [],
  virtualHosts: [
    { name: 'a.example:80', domains: ['a.example'], filterChain: 0, firstRoute: 0, routeCount: 3 },
    { name: 'straße:80', domains: ['straße'], filterChain: 0, firstRoute: 3, routeCount: 0 },
  ],
  routes: [
    route('first', 7, { conditions: ['path exact /a', 'header x present'] }),
    route('', 9, { keepRequestHead: true }),
    route('straße:80', 11),
  ],
};

describe('threadFactsOf', () => {
  it('gives back names and origins by index, whatever their script', () => {
    const facts = structuredClone(threadFactsOf(HOST));
    expect([0, 1, 2].map((index) => routeNameOf(facts, index))).toEqual(['first', '', 'straße:80']);
    expect(routeOriginOf(facts, 2)).toBe('VirtualService/n/ü a b.yaml:11');
    expect([0, 1].map((index) => virtualHostNameOf(facts, index))).toEqual(['a.example:80', 'straße:80']);
    expect([0, 1].map((index) => routesOf(facts, index))).toEqual(
      HOST.virtualHosts.map(({ firstRoute, routeCount }) => [firstRoute, routeCount]),
    );
    expect([0, 1, 2].map((condition) => conditionOf(facts, 0, condition))).toEqual([
      'path exact /a',
      'header x present',
      '',
    ]);
  });

  it('knows nothing of a route or virtual host that is not there', () => {
    const facts = threadFactsOf(HOST);
    for (const index of [-1, 3]) {
      expect(routeNameOf(facts, index)).toBe('');
      expect(routeOriginOf(facts, index)).toBeUndefined();
      expect(virtualHostNameOf(facts, index)).toBeUndefined();
    }
  });

  it('clones only what few routes have', () => {
    const { extras, text, textEnds, routes } = threadFactsOf(HOST);
    expect([...extras]).toEqual([[1, { keepRequestHead: true }]]);
    for (const { buffer } of [text, textEnds, routes]) expect(buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});
