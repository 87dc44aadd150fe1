// SPDX-License-Identifier: Apache-2.0
/** A small shared memory with published tables, as the main thread of the proxy sets it up, for either engine build. */
import * as layout from '../../assembly/layout.js';
import { compileEngine, Engine } from '../../src/engine/engine.js';
import { createEngineMemory } from '../../src/engine/memory-plan.js';
import type { MemoryCapacities } from '../../src/engine/memory-plan.js';
import type { Generation } from '../../src/engine/table-store.js';
import { TableStore } from '../../src/engine/table-store.js';
import type { Cluster } from '../../src/model/model.js';
import { encodeTables } from '../../src/rules/encode.js';
import type { EncodedTables } from '../../src/rules/encoded-tables.js';
import { forwardTo, listenerOf, prefix, routeOf, virtualHostOf } from './model-factory.js';
import type { EngineFile } from './matcher-engine.js';

export const SMALL: MemoryCapacities = {
  clusters: 8,
  endpoints: 32,
  threads: 6,
  exchanges: 64,
  connections: 64,
  series: 8,
  arenaBytes: 1024 * 1024,
};

/** Tables of one listener whose only route goes to the first cluster. */
export function tablesOf(...clusters: readonly Cluster[]): EncodedTables {
  const route = routeOf(prefix('/'), {}, forwardTo([clusters[0]?.name ?? 'none', 1]));
  return encodeTables({ listeners: [listenerOf(virtualHostOf(['*'], [route]))], clusters });
}

export class SharedEngine {
  readonly engine: Engine;
  readonly store: TableStore;

  constructor(file: EngineFile = 'engine.wasm', capacities: Partial<MemoryCapacities> = {}) {
    const module = compileEngine(new URL(`../../dist/${file}`, import.meta.url));
    this.engine = new Engine(module, createEngineMemory({ ...SMALL, ...capacities }));
    this.engine.attach(0);
    this.store = new TableStore(this.engine);
  }

  /** Prepares and activates. Throws Error with the store's reason when the tables are refused. */
  publish(encoded: EncodedTables): Generation {
    const prepared = this.store.prepare(encoded);
    if (!prepared.ok) throw new Error(prepared.reason);
    this.store.activate(prepared.generation);
    return prepared.generation;
  }

  /** Fixes the draws of the attached slab. */
  seed(first: number, second: number): void {
    this.engine.exports.attachThread(0, first, second, first ^ 0x5bd1e995, second ^ 0x27d4eb2f);
  }

  /** Starts an exchange for cluster number `cluster` of the current tables, as routeRequest would decide it. */
  begin(exchange: number, cluster = 0): void {
    const slot = this.engine.exports.beginExchange(exchange);
    if (slot < 0) throw new Error(`beginExchange: ${slot}`);
    this.engine.ints[(this.engine.exchanges + exchange * layout.EXCHANGE_SIZE + layout.EXCHANGE_CLUSTER) / 4] = cluster;
  }

  /** Writes a u32 field of an exchange record. */
  setExchange(exchange: number, field: number, value: number): void {
    this.engine.words[(this.engine.exchanges + exchange * layout.EXCHANGE_SIZE + field) / 4] = value;
  }

  /** An i32 of the state of a cluster (CLUSTER_*). */
  gauge(cluster: string, field: number): number {
    const slot = this.store.clusters.slotOf(cluster);
    if (slot === undefined) throw new RangeError(`no cluster ${cluster}`);
    return Atomics.load(this.engine.ints, (this.store.clusterStateOffset(slot) + field) / 4);
  }

  /** Active connections, pending requests, active requests, active retries, connection waiters. */
  gauges(cluster: string): number[] {
    return [
      layout.CLUSTER_ACTIVE_CONNECTIONS,
      layout.CLUSTER_PENDING_REQUESTS,
      layout.CLUSTER_ACTIVE_REQUESTS,
      layout.CLUSTER_ACTIVE_RETRIES,
      layout.CLUSTER_CONNECTION_WAITERS,
    ].map((field) => this.gauge(cluster, field));
  }

  /** References that exchanges hold on a generation. */
  references(generation: Generation): number {
    const slot = layout.CONTROL_BASE + layout.CONTROL_GENERATIONS + generation.slot * layout.GENERATION_SIZE;
    return Atomics.load(this.engine.ints, (slot + layout.GENERATION_REFERENCES) / 4);
  }
}
