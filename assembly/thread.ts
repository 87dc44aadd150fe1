// SPDX-License-Identifier: Apache-2.0
/**
 * The engine instance's own position in the shared memory. Every thread instantiates the module over one memory; WASM
 * globals are per instance, so `slab` is this thread's slab and nobody else's.
 */
import {
  CONTROL_BASE,
  CONTROL_CLUSTER_CAPACITY,
  CONTROL_CONNECTION_CAPACITY,
  CONTROL_EXCHANGE_CAPACITY,
  CONTROL_MAX_HEAD_BYTES,
  CONTROL_MAX_REQUEST_HEADERS,
  CONTROL_SERIES_CAPACITY,
  CONTROL_SLABS,
  CONTROL_SLAB_SIZE,
  SLAB_CLUSTER_COUNTERS,
  CLUSTER_COUNTERS_SIZE,
  CONNECTION_SIZE,
  EXCHANGE_SIZE,
  SERIES_SIZE,
} from './layout';

/** Absolute offset of this thread's slab; 0 until attachThread. */
export let slab: usize = 0;
/** Absolute offsets of the slab's variable parts. */
export let exchanges: usize = 0;
export let connections: usize = 0;
export let seriesIndex: usize = 0;
export let seriesRows: usize = 0;
/** Limits for request heads, from the control block. */
export let maxHeadBytes: u32 = 0;
export let maxRequestHeaders: u32 = 0;

let randomA: u64 = 0x9e3779b97f4a7c15;
let randomB: u64 = 0xbf58476d1ce4e5b9;

// @ts-ignore: decorator
@inline
function control(offset: i32): u32 {
  return load<u32>(<usize>(CONTROL_BASE + offset));
}

/** Binds this instance to slab `index`; the seeds start its random numbers. */
export function attachThread(index: u32, seed0: u32, seed1: u32, seed2: u32, seed3: u32): void {
  slab = <usize>control(CONTROL_SLABS) + <usize>index * <usize>control(CONTROL_SLAB_SIZE);
  exchanges = slab + SLAB_CLUSTER_COUNTERS + <usize>control(CONTROL_CLUSTER_CAPACITY) * CLUSTER_COUNTERS_SIZE;
  connections = exchanges + <usize>control(CONTROL_EXCHANGE_CAPACITY) * EXCHANGE_SIZE;
  seriesIndex = connections + <usize>control(CONTROL_CONNECTION_CAPACITY) * CONNECTION_SIZE;
  seriesRows = seriesIndex + <usize>control(CONTROL_SERIES_CAPACITY) * 2 * 4;
  maxHeadBytes = control(CONTROL_MAX_HEAD_BYTES);
  maxRequestHeaders = control(CONTROL_MAX_REQUEST_HEADERS);
  randomA = (<u64>seed0 << 32) | <u64>seed1 | 1;
  randomB = (<u64>seed2 << 32) | <u64>seed3;
}

/** xorshift128+: 64 random bits. Not for secrets; request ids, draws and load balancing only. */
export function random64(): u64 {
  let first = randomA;
  const second = randomB;
  randomA = second;
  first ^= first << 23;
  first ^= first >> 17;
  first ^= second ^ (second >> 26);
  randomB = first;
  return first + second;
}

/** Uniform in [0, bound); bound above zero. */
// @ts-ignore: decorator
@inline
export function randomBelow(bound: u32): u32 {
  return <u32>(((random64() >> 32) * <u64>bound) >> 32);
}

/** Bytes of a slab for these capacities; the host plans memory with it. */
export function slabSize(clusters: u32, exchangeCount: u32, connectionCount: u32, seriesCount: u32): u32 {
  const size =
    <u32>SLAB_CLUSTER_COUNTERS +
    clusters * CLUSTER_COUNTERS_SIZE +
    exchangeCount * EXCHANGE_SIZE +
    connectionCount * CONNECTION_SIZE +
    seriesCount * 8 +
    seriesCount * SERIES_SIZE;
  return (size + 4095) & ~4095;
}
