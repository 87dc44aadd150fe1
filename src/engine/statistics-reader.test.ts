// SPDX-License-Identifier: Apache-2.0
/** Slabs and shared state of the real engine -> what scrapes see. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { clusterOf, endpointOf } from '../../test/support/model-factory.js';
import { SharedEngine, SMALL, tablesOf } from '../../test/support/shared-engine.js';
import type { Cluster } from '../model/model.js';
import { readStatistics } from './statistics-reader.js';
import type { StatisticsSnapshot } from './statistics.js';

function snapshotOf(shared: SharedEngine): StatisticsSnapshot {
  return readStatistics(shared.engine, shared.store, []);
}

/** One finished request for the first cluster, on the slab that is attached. */
function finish(shared: SharedEngine, facts: { status?: number; flags?: number; durationMs?: number } = {}): void {
  const { exports } = shared.engine;
  shared.begin(0);
  exports.admitRequest(0);
  exports.pickEndpoint(0, -1);
  shared.setExchange(0, layout.EXCHANGE_STATUS, facts.status ?? 200);
  shared.setExchange(0, layout.EXCHANGE_FLAGS, facts.flags ?? 0);
  exports.finishExchange(0, facts.durationMs ?? 1);
}

function named(name: string): Cluster {
  const endpoint = endpointOf('10.0.0.1');
  return clusterOf(name, [{ ...endpoint, workload: { ...endpoint.workload, workload: `${name}-v1` } }]);
}

describe('statistics', () => {
  it('sum the rows of all threads', () => {
    const shared = new SharedEngine();
    shared.publish(tablesOf(named('a')));
    for (const thread of [0, 1, 2]) {
      shared.engine.attach(thread);
      finish(shared);
      finish(shared, { status: 503, flags: layout.FLAG_UF | layout.FLAG_URX });
    }
    const { requests, clusters } = snapshotOf(shared);
    expect(requests.map(({ status, responseFlags, count }) => [status, responseFlags, count])).toEqual([
      [200, '-', 3],
      [503, 'UF,URX', 3],
    ]);
    expect(requests[0]).toMatchObject({ clusterName: 'a', service: { host: 'a' }, workload: { workload: 'a-v1' } });
    expect(clusters[0]?.counters.upstream_rq_total).toBe(6);
    expect(clusters[0]?.endpoints[0]).toMatchObject({ requestsTotal: 6, activeRequests: 0 });
  });

  it("put durations into the buckets of Istio's bounds, a bound belonging to the bucket below it", () => {
    const shared = new SharedEngine();
    shared.publish(tablesOf(named('a')));
    for (const durationMs of [0.5, 0.6, 1, 3_600_000, 3_600_001]) finish(shared, { durationMs });
    const { durationMs } = snapshotOf(shared).requests[0] ?? {};
    const buckets = [...(durationMs?.buckets ?? [])];
    expect(buckets).toHaveLength(layout.HISTOGRAM_BUCKETS);
    expect([buckets[0], buckets[1], buckets.at(-2), buckets.at(-1)]).toEqual([1, 2, 1, 1]);
    expect(durationMs?.sum).toBeCloseTo(7_200_003.1, 6);
  });

  it('show clusters of the current tables, with what is under way', () => {
    const shared = new SharedEngine();
    shared.publish(tablesOf(named('a'), named('b')));
    shared.begin(0);
    shared.engine.exports.admitRequest(0);
    shared.publish(tablesOf(named('a')));
    const { clusters } = snapshotOf(shared);
    expect(clusters.map(({ name, activeRequests }) => [name, activeRequests])).toEqual([['a', 1]]);
  });

  it('keep counting a cluster through a reload that takes it away for a while', () => {
    const shared = new SharedEngine();
    shared.publish(tablesOf(named('a')));
    finish(shared);
    shared.publish(tablesOf(named('b')));
    shared.publish(tablesOf(named('a')));
    finish(shared);
    const series = snapshotOf(shared).requests.filter(({ clusterName }) => clusterName === 'a');
    expect(series.map(({ count }) => count)).toEqual([2]);
  });

  it('do not show the requests of a former owner of a slot under the new name', () => {
    const shared = new SharedEngine();
    const names = Array.from({ length: SMALL.clusters }, (_, index) => `old${index}`);
    shared.publish(tablesOf(...names.map(named)));
    finish(shared);
    shared.publish(tablesOf(named('old7')));
    shared.store.collect();
    shared.publish(tablesOf(named('new'), named('old7')));
    expect(shared.store.clusters.slotOf('new')).toBe(0);
    finish(shared);
    const { requests } = snapshotOf(shared);
    expect(requests.map(({ clusterName, count }) => [clusterName, count])).toEqual([['new', 1]]);
  });
});
