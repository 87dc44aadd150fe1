// SPDX-License-Identifier: Apache-2.0
/**
 * Capacities -> the regions of the shared memory. Initial equals maximum size: pages that nobody touches cost address
 * space only, and a memory that never grows keeps every view valid.
 */
import * as layout from '../../assembly/layout.js';
import { DEFAULT_CLIENT_LIMITS } from './client-limits.js';
import type { ClientLimits } from './client-limits.js';

export interface MemoryCapacities {
  readonly clusters: number;
  readonly endpoints: number;
  readonly threads: number;
  /** Requests under way, per thread. */
  readonly exchanges: number;
  /** Upstream connections, per thread. */
  readonly connections: number;
  /** Metric series, per thread; a power of two. */
  readonly series: number;
  /** Bytes for rule tables of all generations. */
  readonly arenaBytes: number;
}

/** 16,384 clusters as Istio meshes rarely pass 10,000; each figure costs address space, not memory. */
export const DEFAULT_CAPACITIES: MemoryCapacities = {
  clusters: 16384,
  endpoints: 65536,
  threads: 16,
  exchanges: 16384,
  connections: 16384,
  series: 4096,
  arenaBytes: 512 * 1024 * 1024,
};

const PAGE = 65536;

function alignUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** Bytes of one thread slab; the same sum as `slabSize` in assembly/thread.ts. */
export function slabBytes(capacities: MemoryCapacities): number {
  return alignUp(
    layout.SLAB_CLUSTER_COUNTERS +
      capacities.clusters * layout.CLUSTER_COUNTERS_SIZE +
      capacities.exchanges * layout.EXCHANGE_SIZE +
      capacities.connections * layout.CONNECTION_SIZE +
      capacities.series * (8 + layout.SERIES_SIZE),
    4096,
  );
}

/** A new shared memory with its control block written. Throws RangeError when it would pass 4 GiB. */
export function createEngineMemory(
  capacities: MemoryCapacities,
  limits: ClientLimits = DEFAULT_CLIENT_LIMITS,
): WebAssembly.Memory {
  const clusterStates = layout.CONTROL_BASE + layout.CONTROL_SIZE;
  const endpointStates = clusterStates + capacities.clusters * layout.CLUSTER_STATE_SIZE;
  const slabs = alignUp(endpointStates + capacities.endpoints * layout.ENDPOINT_STATE_SIZE, 4096);
  const slabSize = slabBytes(capacities);
  const arena = slabs + capacities.threads * slabSize;
  const end = alignUp(arena + capacities.arenaBytes, PAGE);
  if (end > 0x1_0000_0000 - PAGE) throw new RangeError(`engine memory of ${end} bytes is over 4 GiB`);
  const pages = end / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const control = new Uint32Array(memory.buffer, layout.CONTROL_BASE, layout.CONTROL_SIZE / 4);
  const set = (offset: number, value: number): void => {
    control[offset / 4] = value;
  };
  set(layout.CONTROL_MAGIC, layout.TABLE_MAGIC);
  set(layout.CONTROL_VERSION, layout.LAYOUT_VERSION);
  set(layout.CONTROL_CLUSTER_CAPACITY, capacities.clusters);
  set(layout.CONTROL_ENDPOINT_CAPACITY, capacities.endpoints);
  set(layout.CONTROL_THREAD_CAPACITY, capacities.threads);
  set(layout.CONTROL_CLUSTER_STATES, clusterStates);
  set(layout.CONTROL_ENDPOINT_STATES, endpointStates);
  set(layout.CONTROL_SLABS, slabs);
  set(layout.CONTROL_SLAB_SIZE, slabSize);
  set(layout.CONTROL_ARENA, arena);
  set(layout.CONTROL_ARENA_END, end);
  set(layout.CONTROL_CURRENT_GENERATION, 0xffffffff);
  set(layout.CONTROL_EXCHANGE_CAPACITY, capacities.exchanges);
  set(layout.CONTROL_CONNECTION_CAPACITY, capacities.connections);
  set(layout.CONTROL_SERIES_CAPACITY, capacities.series);
  set(layout.CONTROL_MAX_HEAD_BYTES, limits.maxHeadBytes);
  set(layout.CONTROL_MAX_REQUEST_HEADERS, limits.maxRequestHeaders);
  set(layout.CONTROL_MAX_CONNECTIONS, limits.maxConnections);
  return memory;
}
