// SPDX-License-Identifier: Apache-2.0
/** Which endpoint the engine picks: round robin exactly, least request by load, random within a stated bound. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import type { Cluster, Endpoint } from '../../src/model/model.js';
import { ENGINE_FILES } from '../support/matcher-engine.js';
import { clusterOf, endpointOf } from '../support/model-factory.js';
import { SharedEngine, tablesOf } from '../support/shared-engine.js';

function endpointsOf(...weights: number[]): Endpoint[] {
  return weights.map((weight, index) => endpointOf(`10.0.0.${index}`, weight));
}

describe.each(ENGINE_FILES)('picking an endpoint (%s)', (file) => {
  function engineWith(loadBalancer: Cluster['loadBalancer'], endpoints: readonly Endpoint[]): SharedEngine {
    const shared = new SharedEngine(file);
    shared.publish(tablesOf({ ...clusterOf('a', endpoints), loadBalancer }));
    shared.seed(20, 7);
    return shared;
  }

  /** Picks for a request that ends at once. */
  function pickOnce(shared: SharedEngine, avoid = -1): number {
    shared.begin(0);
    shared.engine.exports.admitRequest(0);
    const endpoint = shared.engine.exports.pickEndpoint(0, avoid);
    shared.engine.exports.finishExchange(0, 1);
    return endpoint;
  }

  function pickMany(shared: SharedEngine, count: number): number[] {
    return Array.from({ length: count }, () => pickOnce(shared));
  }

  function countsOf(picks: readonly number[], endpointCount: number): number[] {
    const counts = new Array<number>(endpointCount).fill(0);
    for (const pick of picks) counts[pick] = (counts[pick] ?? 0) + 1;
    return counts;
  }

  it('goes round in order when weights are equal', () => {
    expect(pickMany(engineWith('ROUND_ROBIN', endpointsOf(1, 1, 1)), 7)).toEqual([0, 1, 2, 0, 1, 2, 0]);
  });

  it('gives each endpoint exactly its weight in every cycle', () => {
    const picks = pickMany(engineWith('ROUND_ROBIN', endpointsOf(1, 2, 5)), 80);
    for (let cycle = 0; cycle < 10; cycle++) {
      expect(countsOf(picks.slice(cycle * 8, cycle * 8 + 8), 3)).toEqual([1, 2, 5]);
    }
  });

  it('interleaves weights instead of serving them in runs', () => {
    const picks = pickMany(engineWith('ROUND_ROBIN', endpointsOf(5, 5, 4)), 140);
    let run = 1;
    let longest = 1;
    picks.forEach((pick, index) => {
      run = index > 0 && picks[index - 1] === pick ? run + 1 : 1;
      longest = Math.max(longest, run);
    });
    expect(longest).toBeLessThanOrEqual(2);
  });

  it('leaves out endpoints that are not healthy', () => {
    const shared = engineWith('ROUND_ROBIN', [
      endpointOf('10.0.0.1', 1, false),
      endpointOf('10.0.0.2'),
      endpointOf('10.0.0.3'),
    ]);
    // Healthy endpoints come first in the tables.
    expect(countsOf(pickMany(shared, 10), 3)).toEqual([5, 5, 0]);
  });

  it('says so when no endpoint is healthy', () => {
    const shared = engineWith('ROUND_ROBIN', [endpointOf('10.0.0.1', 1, false)]);
    expect(pickOnce(shared)).toBe(layout.FAILURE_NO_HEALTHY_UPSTREAM);
    expect(shared.gauges('a')).toEqual([0, 0, 0, 0, 0]);
  });

  it('finds the idle one of two endpoints under least request', () => {
    const shared = engineWith('LEAST_REQUEST', endpointsOf(1, 1));
    shared.begin(1);
    shared.engine.exports.admitRequest(1);
    const busy = shared.engine.exports.pickEndpoint(1, -1);
    expect(new Set(pickMany(shared, 200))).toEqual(new Set([1 - busy]));
  });

  it('never loads an endpoint far beyond another under least request', () => {
    const shared = engineWith('LEAST_REQUEST', endpointsOf(1, 1, 1, 1));
    const { exports } = shared.engine;
    const picks: number[] = [];
    for (let exchange = 0; exchange < 60; exchange++) {
      shared.begin(exchange);
      exports.admitRequest(exchange);
      picks.push(exports.pickEndpoint(exchange, -1));
    }
    const counts = countsOf(picks, 4);
    // Two choices keep the gap near log log n; ten would be as bad as random.
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(4);
    expect(counts.reduce((sum, count) => sum + count)).toBe(60);
  });

  it('draws at random in proportion to the weights', () => {
    const count = 20_000;
    const counts = countsOf(pickMany(engineWith('RANDOM', endpointsOf(1, 3, 6)), count), 3);
    [0.1, 0.3, 0.6].forEach((share, index) => {
      // Five standard deviations of a binomial distribution.
      const bound = 5 * Math.sqrt(count * share * (1 - share));
      expect(Math.abs((counts[index] ?? 0) - count * share)).toBeLessThan(bound);
    });
  });

  it('stays away from the endpoint that was tried before, if there is another', () => {
    const shared = engineWith('ROUND_ROBIN', endpointsOf(1, 1));
    for (let step = 0; step < 20; step++) expect(pickOnce(shared, 0)).toBe(1);
    expect(pickOnce(engineWith('ROUND_ROBIN', endpointsOf(1)), 0)).toBe(0);
  });

  it('counts a request on one endpoint only when it is picked again', () => {
    const shared = engineWith('ROUND_ROBIN', endpointsOf(1, 1));
    shared.begin(0);
    shared.engine.exports.admitRequest(0);
    const active = (endpoint: number): number => {
      const slot = shared.store.endpoints.slotOf(`a 10.0.0.${endpoint} 8080`) ?? -1;
      return shared.engine.ints[(shared.store.endpointStateOffset(slot) + layout.ENDPOINT_ACTIVE_REQUESTS) / 4] ?? -1;
    };
    const first = shared.engine.exports.pickEndpoint(0, -1);
    const second = shared.engine.exports.pickEndpoint(0, first);
    expect([active(first), active(second)]).toEqual([0, 1]);
    shared.engine.exports.finishExchange(0, 1);
    expect([active(first), active(second)]).toEqual([0, 0]);
  });
});
