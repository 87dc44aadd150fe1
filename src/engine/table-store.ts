// SPDX-License-Identifier: Apache-2.0
/**
 * Encoded tables -> a generation in shared memory: copied into the arena, given the slots of the shared state, checked by
 * the engine, then made current with one atomic store. Main thread only.
 */
import * as layout from '../../assembly/layout.js';
import type { WorkloadIdentity } from '../model/model.js';
import type { ClusterData, EncodedTables, EndpointData, RouteData } from '../rules/encoded-tables.js';
import { Arena } from './arena.js';
import type { Engine } from './engine.js';
import { SlotSpace } from './state-registry.js';

/** A generation in memory. `slot` is its place in the control block, `serial` counts publishes from 1. */
export interface Generation {
  readonly slot: number;
  readonly serial: number;
  readonly base: number;
  readonly encoded: EncodedTables;
}

export type PrepareResult =
  { readonly ok: true; readonly generation: Generation } | { readonly ok: false; readonly reason: string };

export function endpointKey(cluster: ClusterData, endpoint: EndpointData): string {
  return `${cluster.name} ${endpoint.address} ${endpoint.port}`;
}

export class TableStore {
  readonly #engine: Engine;
  readonly #arena: Arena;
  readonly #generations = new Map<number, Generation>();
  /** Prepared, not yet activated: nobody holds them, and yet they must stay. */
  readonly #pending = new Set<number>();
  readonly clusters: SlotSpace;
  readonly endpoints: SlotSpace;
  /** Slot 0 stands for an unknown workload, also when there are more than the slots can tell apart. */
  readonly #workloads: WorkloadIdentity[] = [];
  readonly #routeStats: RouteStatIdentity[] = [];
  readonly #statSlots = new Map<string, number>();
  readonly #workloadSlots = new Map<string, number>();
  #serial = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#arena = new Arena(engine.control(layout.CONTROL_ARENA), engine.control(layout.CONTROL_ARENA_END));
    this.clusters = new SlotSpace(
      engine.control(layout.CONTROL_CLUSTER_CAPACITY),
      (slot) => this.#isClusterIdle(slot),
      (slot) => this.#clearCluster(slot),
    );
    this.endpoints = new SlotSpace(
      engine.control(layout.CONTROL_ENDPOINT_CAPACITY),
      (slot) => this.#isEndpointIdle(slot),
      (slot) => this.#clearEndpoint(slot),
    );
  }

  /** The generation that new requests use. */
  get current(): Generation | undefined {
    return this.#generations.get(Atomics.load(this.#engine.ints, this.#currentIndex));
  }

  workload(slot: number): WorkloadIdentity | undefined {
    return slot === 0 ? undefined : this.#workloads[slot - 1];
  }

  /** What a series with SERIES_OF_ROUTE counts. */
  routeStat(slot: number): RouteStatIdentity | undefined {
    return slot === 0 ? undefined : this.#routeStats[slot - 1];
  }

  clusterStateOffset(slot: number): number {
    return this.#engine.control(layout.CONTROL_CLUSTER_STATES) + slot * layout.CLUSTER_STATE_SIZE;
  }

  endpointStateOffset(slot: number): number {
    return this.#engine.control(layout.CONTROL_ENDPOINT_STATES) + slot * layout.ENDPOINT_STATE_SIZE;
  }

  /** Copies and checks tables; they are not used until `activate`. On failure nothing has changed. */
  prepare(encoded: EncodedTables): PrepareResult {
    const slot = this.#freeSlot();
    if (slot < 0) return { ok: false, reason: 'every generation slot is still held by requests under way' };
    const base = this.#arena.allocate(encoded.tables.length);
    if (base < 0)
      return { ok: false, reason: `no room for ${encoded.tables.length} bytes of tables beside those in use` };
    this.#engine.bytes.set(encoded.tables, base);
    // The check comes first: assigning slots follows the table's own offsets.
    const verdict = this.#engine.exports.verifyTable(base, encoded.tables.length);
    const refusal = verdict !== 0 ? `the table is damaged (check ${verdict})` : this.#assignSlots(base, encoded);
    if (refusal !== '') {
      this.#arena.free(base);
      this.#retireUnused();
      return { ok: false, reason: refusal };
    }
    const generation: Generation = { slot, serial: ++this.#serial, base, encoded };
    const at = this.#slotIndex(slot);
    const words = this.#engine.words;
    words[at + layout.GENERATION_BASE / 4] = base;
    words[at + layout.GENERATION_LENGTH / 4] = encoded.tables.length;
    // The reference count stays as it is: a thread that just backs out of this slot's former tables still has to uncount.
    words[at + layout.GENERATION_SERIAL / 4] = generation.serial;
    this.#generations.set(slot, generation);
    this.#pending.add(slot);
    return { ok: true, generation };
  }

  /** New requests of all threads use this generation from now on. */
  activate(generation: Generation): void {
    this.#pending.delete(generation.slot);
    Atomics.store(this.#engine.ints, this.#currentIndex, generation.slot);
    this.#retireUnused();
  }

  /** Takes back a prepared generation that was never activated. */
  discard(generation: Generation): void {
    this.#pending.delete(generation.slot);
    this.#generations.delete(generation.slot);
    this.#arena.free(generation.base);
    this.#retireUnused();
  }

  /** Frees generations that are neither current nor held, and returns them. */
  collect(): Generation[] {
    const current = Atomics.load(this.#engine.ints, this.#currentIndex);
    const freed: Generation[] = [];
    for (const [slot, generation] of this.#generations) {
      const references = Atomics.load(this.#engine.ints, this.#slotIndex(slot) + layout.GENERATION_REFERENCES / 4);
      if (slot === current || references !== 0 || this.#pending.has(slot)) continue;
      this.#generations.delete(slot);
      this.#arena.free(generation.base);
      freed.push(generation);
    }
    if (freed.length > 0) this.#retireUnused();
    return freed;
  }

  /** Generations that are current, held, or about to become current. */
  live(): Generation[] {
    return [...this.#generations.values()];
  }

  get tableBytes(): number {
    return this.#arena.usedBytes;
  }

  get #currentIndex(): number {
    return (layout.CONTROL_BASE + layout.CONTROL_CURRENT_GENERATION) / 4;
  }

  #slotIndex(slot: number): number {
    return (layout.CONTROL_BASE + layout.CONTROL_GENERATIONS + slot * layout.GENERATION_SIZE) / 4;
  }

  #freeSlot(): number {
    for (let slot = 0; slot < layout.GENERATION_SLOTS; slot++) if (!this.#generations.has(slot)) return slot;
    return -1;
  }

  /** Tells the slot spaces whom the live generations name. */
  #retireUnused(): void {
    const clusters = new Set<string>();
    const endpoints = new Set<string>();
    for (const { encoded } of this.#generations.values()) {
      for (const cluster of encoded.host.clusters) {
        clusters.add(cluster.name);
        for (const endpoint of cluster.endpoints) endpoints.add(endpointKey(cluster, endpoint));
      }
    }
    this.clusters.retainOnly(clusters);
    this.endpoints.retainOnly(endpoints);
  }

  /** Writes the state slots into the copied blob. Returns '' or why it can't. */
  #assignSlots(base: number, encoded: EncodedTables): string {
    const words = this.#engine.words;
    const section = (header: number): number => base + (words[(base + header + 4) >> 2] ?? 0);
    const clusterRecords = section(layout.TABLE_CLUSTERS);
    const endpointRecords = section(layout.TABLE_ENDPOINTS);
    this.#assignStatSlots(section(layout.TABLE_ROUTES), encoded.host);
    for (const [index, cluster] of encoded.host.clusters.entries()) {
      const slot = this.clusters.acquire(cluster.name);
      if (slot < 0) return `more than ${this.#engine.control(layout.CONTROL_CLUSTER_CAPACITY)} clusters are in use`;
      words[(clusterRecords + index * layout.CLUSTER_SIZE + layout.CLUSTER_STATE_SLOT) >> 2] = slot;
      for (const [position, endpoint] of cluster.endpoints.entries()) {
        const endpointSlot = this.endpoints.acquire(endpointKey(cluster, endpoint));
        if (endpointSlot < 0)
          return `more than ${this.#engine.control(layout.CONTROL_ENDPOINT_CAPACITY)} endpoints are in use`;
        const record = (endpointRecords + (cluster.firstEndpoint + position) * layout.ENDPOINT_SIZE) >> 2;
        words[record + layout.ENDPOINT_STATE_SLOT / 4] = endpointSlot;
        words[record + layout.ENDPOINT_WORKLOAD_SLOT / 4] = this.#workloadSlot(endpoint.workload);
      }
    }
    return '';
  }

  /** Slots of routes that are counted by themselves; they are few, and once given out they stay. */
  #assignStatSlots(routeRecords: number, { routes, virtualHosts }: EncodedTables['host']): void {
    let counted = countedRoutes.get(routes);
    if (counted === undefined) {
      counted = routes.flatMap(({ statPrefix, virtualHost }, index) =>
        statPrefix === undefined ? [] : [{ index, virtualHost: virtualHosts[virtualHost]?.name ?? '', statPrefix }],
      );
      countedRoutes.set(routes, counted);
    }
    for (const { index, virtualHost, statPrefix } of counted) {
      const at = routeRecords + index * layout.ROUTE_SIZE + layout.ROUTE_STAT_SLOT;
      this.#engine.words[at >> 2] = this.#statSlot({ virtualHost, statPrefix });
    }
  }

  #statSlot(identity: RouteStatIdentity): number {
    const key = `${identity.virtualHost} ${identity.statPrefix}`;
    const known = this.#statSlots.get(key);
    if (known !== undefined) return known;
    // A series key has 16 bits for it.
    if (this.#routeStats.length >= 0xfffe) return 0;
    this.#routeStats.push(identity);
    this.#statSlots.set(key, this.#routeStats.length);
    return this.#routeStats.length;
  }

  #workloadSlot(identity: WorkloadIdentity): number {
    const key = JSON.stringify(identity);
    const known = this.#workloadSlots.get(key);
    if (known !== undefined) return known;
    // A series key has 16 bits for it.
    if (this.#workloads.length >= 0xfffe) return 0;
    this.#workloads.push(identity);
    this.#workloadSlots.set(key, this.#workloads.length);
    return this.#workloads.length;
  }

  #isClusterIdle(slot: number): boolean {
    const at = this.clusterStateOffset(slot) / 4;
    const fields = [
      layout.CLUSTER_ACTIVE_CONNECTIONS,
      layout.CLUSTER_PENDING_REQUESTS,
      layout.CLUSTER_ACTIVE_REQUESTS,
      layout.CLUSTER_ACTIVE_RETRIES,
    ];
    return fields.every((field) => Atomics.load(this.#engine.ints, at + field / 4) === 0);
  }

  /** Also takes the slot's series out of every thread's table, so that a new owner does not inherit them. */
  #clearCluster(slot: number): void {
    const engine = this.#engine;
    engine.bytes.fill(0, this.clusterStateOffset(slot), this.clusterStateOffset(slot) + layout.CLUSTER_STATE_SIZE);
    const slabs = engine.control(layout.CONTROL_SLABS);
    const slabSize = engine.control(layout.CONTROL_SLAB_SIZE);
    for (let thread = 0; thread < engine.control(layout.CONTROL_THREAD_CAPACITY); thread++) {
      const slab = slabs + thread * slabSize;
      const counters = slab + layout.SLAB_CLUSTER_COUNTERS + slot * layout.CLUSTER_COUNTERS_SIZE;
      engine.bytes.fill(0, counters, counters + layout.CLUSTER_COUNTERS_SIZE);
      const rows = seriesRows(engine, thread);
      const count = Atomics.load(engine.words, (slab + layout.SLAB_SERIES_COUNT) / 4);
      for (let row = 1; row < count; row++) {
        const at = (rows + row * layout.SERIES_SIZE) / 4;
        if (((engine.words[at] ?? 0) & 0xffff) === slot + 1) engine.words[at] = RETIRED_SERIES;
      }
    }
  }

  #isEndpointIdle(slot: number): boolean {
    const at = this.endpointStateOffset(slot) / 4;
    const ints = this.#engine.ints;
    return (
      Atomics.load(ints, at + layout.ENDPOINT_ACTIVE_REQUESTS / 4) === 0 &&
      Atomics.load(ints, at + layout.ENDPOINT_ACTIVE_CONNECTIONS / 4) === 0
    );
  }

  #clearEndpoint(slot: number): void {
    const at = this.endpointStateOffset(slot);
    this.#engine.bytes.fill(0, at, at + layout.ENDPOINT_STATE_SIZE);
  }
}

/** A virtual host, and the statPrefix of some of its routes. */
export interface RouteStatIdentity {
  readonly virtualHost: string;
  readonly statPrefix: string;
}

/** By the routes that they are among: tables that differ in endpoints alone share them. */
const countedRoutes = new WeakMap<readonly RouteData[], readonly (RouteStatIdentity & { readonly index: number })[]>();

/** keyLow of a series whose cluster slot has a new owner: no cluster has this key. */
export const RETIRED_SERIES = 0xffffffff;

/** Absolute offset of a thread's series row 0. */
export function seriesRows(engine: Engine, thread: number): number {
  return (
    engine.control(layout.CONTROL_SLABS) +
    thread * engine.control(layout.CONTROL_SLAB_SIZE) +
    layout.SLAB_CLUSTER_COUNTERS +
    engine.control(layout.CONTROL_CLUSTER_CAPACITY) * layout.CLUSTER_COUNTERS_SIZE +
    engine.control(layout.CONTROL_EXCHANGE_CAPACITY) * layout.EXCHANGE_SIZE +
    engine.control(layout.CONTROL_CONNECTION_CAPACITY) * layout.CONNECTION_SIZE +
    engine.control(layout.CONTROL_SERIES_CAPACITY) * 8
  );
}
