// SPDX-License-Identifier: Apache-2.0
/** Generations of tables with the real engine and real tables: who keeps them alive, what is refused, who keeps a slot. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { clusterOf, endpointOf } from '../../test/support/model-factory.js';
import { SharedEngine, SMALL, tablesOf } from '../../test/support/shared-engine.js';
import type { Cluster } from '../model/model.js';

/** `count` clusters whose names start with `name`, each with its own endpoint. */
function clustersOf(name: string, count: number): Cluster[] {
  return Array.from({ length: count }, (_, index) => clusterOf(`${name}${index}`, [endpointOf(`10.0.0.${index}`)]));
}

describe('generations of tables', () => {
  it('frees a generation when its last exchange ends, and not before', () => {
    const shared = new SharedEngine();
    const { engine, store } = shared;
    const old = shared.publish(tablesOf(clusterOf('a')));
    shared.begin(0);
    shared.begin(1);
    const next = shared.publish(tablesOf(clusterOf('b')));
    expect(store.collect()).toEqual([]);
    engine.exports.finishExchange(0, 1);
    expect(store.collect()).toEqual([]);
    engine.exports.finishExchange(1, 1);
    expect(store.collect()).toEqual([old]);
    expect(store.live()).toEqual([next]);
    expect(store.tableBytes).toBe((next.encoded.tables.length + 15) & ~15);
  });

  it('lets an exchange end on the tables that it began with', () => {
    const shared = new SharedEngine();
    const { exports } = shared.engine;
    shared.publish(tablesOf(clusterOf('a')));
    shared.begin(0);
    shared.publish(tablesOf(clusterOf('b')));
    shared.begin(1);
    for (const exchange of [0, 1]) {
      expect(exports.admitRequest(exchange)).toBe(0);
      expect(exports.pickEndpoint(exchange, -1)).toBe(0);
    }
    expect(shared.gauge('a', layout.CLUSTER_ACTIVE_REQUESTS)).toBe(1);
    expect(shared.gauge('b', layout.CLUSTER_ACTIVE_REQUESTS)).toBe(1);
    for (const exchange of [0, 1]) exports.finishExchange(exchange, 1);
    expect(shared.gauge('a', layout.CLUSTER_ACTIVE_REQUESTS)).toBe(0);
    expect(shared.gauge('b', layout.CLUSTER_ACTIVE_REQUESTS)).toBe(0);
  });

  it('does not free tables that are prepared and not yet in use', () => {
    const { store } = new SharedEngine();
    const prepared = store.prepare(tablesOf(clusterOf('a')));
    expect(store.collect()).toEqual([]);
    if (!prepared.ok) throw new Error(prepared.reason);
    store.discard(prepared.generation);
    expect(store.live()).toEqual([]);
    expect(store.tableBytes).toBe(0);
  });

  it('refuses damaged tables, and leaves everything as it was', () => {
    const shared = new SharedEngine();
    const good = shared.publish(tablesOf(clusterOf('a')));
    const before = shared.store.tableBytes;
    const damaged = tablesOf(clusterOf('b'));
    damaged.tables.fill(0xff, layout.TABLE_CLUSTERS, layout.TABLE_CLUSTERS + 8);
    const prepared = shared.store.prepare(damaged);
    expect(prepared).toEqual({ ok: false, reason: expect.stringContaining('damaged') as string });
    expect(shared.store.current).toBe(good);
    expect(shared.store.tableBytes).toBe(before);
  });

  it('refuses tables for which the arena has no room', () => {
    // Two copies of a text that is longer than what rounding memory up to pages can add.
    const encoded = tablesOf(clusterOf('a', [endpointOf('1'.repeat(70_000))]));
    const shared = new SharedEngine('engine.wasm', { arenaBytes: encoded.tables.length });
    shared.publish(encoded);
    const prepared = shared.store.prepare(encoded);
    expect(prepared).toEqual({ ok: false, reason: expect.stringContaining('no room') as string });
  });

  it('refuses a publish while all generation slots are held, and takes it once one is free', () => {
    const shared = new SharedEngine();
    const encoded = tablesOf(clusterOf('a'));
    for (let exchange = 0; exchange < layout.GENERATION_SLOTS; exchange++) {
      shared.publish(encoded);
      shared.begin(exchange);
    }
    expect(shared.store.prepare(encoded)).toEqual({ ok: false, reason: expect.stringContaining('held') as string });
    shared.engine.exports.finishExchange(5, 1);
    expect(shared.store.collect()).toHaveLength(1);
    expect(shared.store.prepare(encoded).ok).toBe(true);
  });

  it('does not lose the count of a holder that is just backing out of a slot which is used again', () => {
    const shared = new SharedEngine();
    const old = shared.publish(tablesOf(clusterOf('a')));
    shared.publish(tablesOf(clusterOf('b')));
    shared.store.collect();
    // A thread that read the old slot counts itself in, then sees that it is no longer current.
    const at = layout.CONTROL_BASE + layout.CONTROL_GENERATIONS + old.slot * layout.GENERATION_SIZE;
    const references = (at + layout.GENERATION_REFERENCES) / 4;
    Atomics.add(shared.engine.ints, references, 1);
    const reused = shared.publish(tablesOf(clusterOf('c')));
    expect(reused.slot).toBe(old.slot);
    Atomics.sub(shared.engine.ints, references, 1);
    expect(shared.references(reused)).toBe(0);
  });
});

describe('slots of clusters and endpoints', () => {
  it('survive a reload that reorders, drops and brings back their owners', () => {
    const shared = new SharedEngine();
    const { store } = shared;
    const [first, second] = [clusterOf('a', [endpointOf('10.0.0.1')]), clusterOf('b', [endpointOf('10.0.0.2')])];
    shared.publish(tablesOf(first, second));
    shared.begin(0);
    shared.engine.exports.admitRequest(0);
    const slots = ['a', 'b'].map((name) => store.clusters.slotOf(name));
    const endpoint = store.endpoints.slotOf('a 10.0.0.1 8080');
    shared.publish(tablesOf(second, first));
    expect(['a', 'b'].map((name) => store.clusters.slotOf(name))).toEqual(slots);
    expect(store.endpoints.slotOf('a 10.0.0.1 8080')).toBe(endpoint);
    expect(shared.gauge('a', layout.CLUSTER_ACTIVE_REQUESTS)).toBe(1);
    shared.publish(tablesOf(second));
    shared.publish(tablesOf(first));
    expect(store.clusters.slotOf('a')).toBe(slots[0]);
  });

  it('go to other clusters when they run short, with counters at zero', () => {
    const shared = new SharedEngine();
    const { engine, store } = shared;
    shared.publish(tablesOf(...clustersOf('old', SMALL.clusters)));
    const slot = store.clusters.slotOf('old0') ?? -1;
    shared.begin(0);
    engine.exports.admitRequest(0);
    engine.exports.finishExchange(0, 1);
    shared.publish(tablesOf(clusterOf('old7')));
    store.collect();
    shared.publish(tablesOf(clusterOf('old7'), ...clustersOf('new', SMALL.clusters - 1)));
    expect(store.clusters.ownerOf(slot)).toBe('new0');
    const counters = engine.slab + layout.SLAB_CLUSTER_COUNTERS + slot * layout.CLUSTER_COUNTERS_SIZE;
    expect(engine.doubles[(counters + layout.COUNTER_RQ_TOTAL) / 8]).toBe(0);
  });

  it('stay with an owner on which a request is still active', () => {
    const shared = new SharedEngine();
    const { engine, store } = shared;
    shared.publish(tablesOf(...clustersOf('old', SMALL.clusters)));
    shared.begin(0);
    engine.exports.admitRequest(0);
    shared.publish(tablesOf(clusterOf('old7')));
    expect(store.prepare(tablesOf(...clustersOf('new', SMALL.clusters))).ok).toBe(false);
    engine.exports.finishExchange(0, 1);
    store.collect();
    expect(store.prepare(tablesOf(clusterOf('old7'), ...clustersOf('new', SMALL.clusters - 1))).ok).toBe(true);
  });

  it('taken for tables that are then refused are given back', () => {
    const shared = new SharedEngine();
    shared.publish(tablesOf(...clustersOf('old', 4)));
    expect(shared.store.prepare(tablesOf(...clustersOf('many', SMALL.clusters + 1)))).toEqual({
      ok: false,
      reason: `more than ${SMALL.clusters} clusters are in use`,
    });
    expect(shared.store.prepare(tablesOf(...clustersOf('old', 4), ...clustersOf('few', 4))).ok).toBe(true);
  });

  it('taken for tables that are discarded are given back', () => {
    const shared = new SharedEngine();
    shared.publish(tablesOf(...clustersOf('old', 4)));
    const prepared = shared.store.prepare(tablesOf(...clustersOf('other', 4)));
    if (!prepared.ok) throw new Error(prepared.reason);
    shared.store.discard(prepared.generation);
    expect(shared.store.prepare(tablesOf(...clustersOf('old', 4), ...clustersOf('few', 4))).ok).toBe(true);
  });

  it('of a generation that ended after its reload are given back', () => {
    const shared = new SharedEngine();
    shared.publish(tablesOf(...clustersOf('old', 4)));
    shared.begin(0);
    shared.publish(tablesOf(...clustersOf('next', 4)));
    shared.engine.exports.finishExchange(0, 1);
    shared.store.collect();
    expect(shared.store.prepare(tablesOf(...clustersOf('next', 4), ...clustersOf('few', 4))).ok).toBe(true);
  });
});
