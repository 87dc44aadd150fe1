// SPDX-License-Identifier: Apache-2.0
/**
 * Circuit breakers: limits of a cluster, exact over all threads. A counter is raised by compare-and-swap only while it is
 * below its limit, because adding first and undoing later would let one thread's overshoot refuse another's request.
 */
import {
  CLUSTER_ACTIVE_CONNECTIONS,
  CLUSTER_ACTIVE_REQUESTS,
  CLUSTER_ACTIVE_RETRIES,
  CLUSTER_CONNECTION_WAITERS,
  CLUSTER_MAX_CONNECTIONS,
  CLUSTER_MAX_PENDING_REQUESTS,
  CLUSTER_MAX_REQUESTS,
  CLUSTER_MAX_RETRIES,
  CLUSTER_MIN_RETRIES,
  CLUSTER_PENDING_REQUESTS,
  CLUSTER_RETRY_BUDGET,
  CLUSTER_SIZE,
  CLUSTER_STATE_SIZE,
  CLUSTER_STATE_SLOT,
  CONNECTION_CHUNK_REMAINING,
  CONNECTION_CHUNK_STATE,
  CONNECTION_CHUNK_TRAILER_BYTES,
  CONNECTION_CLUSTER_SLOT,
  CONNECTION_ENDPOINT_SLOT,
  CONNECTION_IN_USE,
  CONNECTION_SIZE,
  CONNECTION_UPSTREAM_SIDE,
  CONTROL_BASE,
  CONTROL_CLUSTER_STATES,
  CONTROL_ENDPOINT_STATES,
  COUNTER_CX_OVERFLOW,
  COUNTER_CX_TOTAL,
  COUNTER_RQ_PENDING_OVERFLOW,
  COUNTER_RQ_PENDING_TOTAL,
  COUNTER_RQ_RETRY,
  COUNTER_RQ_RETRY_OVERFLOW,
  ENDPOINT_ACTIVE_CONNECTIONS,
  ENDPOINT_STATE_SIZE,
  EXCHANGE_CLUSTER,
  EXCHANGE_CLUSTER_SLOT,
  EXCHANGE_ENDPOINT_SLOT,
  EXCHANGE_HELD,
  EXCHANGE_SIZE,
  FAILURE_CLUSTER_NOT_FOUND,
  FAILURE_OVERFLOW,
  FAILURE_RETRY_OVERFLOW,
  HELD_PENDING,
  HELD_REQUEST,
  HELD_RETRY,
  HELD_WAITER,
  NO_RETRY_BUDGET,
  SLAB_CLUSTER_COUNTERS,
  CLUSTER_COUNTERS_SIZE,
  TABLE_CLUSTERS,
  WAIT_FOR_CONNECTION,
} from './layout';
import { tableOf } from './generation';
import { connections, exchanges, slab } from './thread';

// @ts-ignore: decorator
@inline
export function exchangeRecord(exchange: u32): usize {
  return exchanges + <usize>exchange * EXCHANGE_SIZE;
}

// @ts-ignore: decorator
@inline
export function clusterState(slot: u32): usize {
  return <usize>load<u32>(CONTROL_BASE + CONTROL_CLUSTER_STATES) + <usize>slot * CLUSTER_STATE_SIZE;
}

// @ts-ignore: decorator
@inline
export function endpointState(slot: u32): usize {
  return <usize>load<u32>(CONTROL_BASE + CONTROL_ENDPOINT_STATES) + <usize>slot * ENDPOINT_STATE_SIZE;
}

/** The cluster record of an exchange; the exchange has a cluster. */
// @ts-ignore: decorator
@inline
export function clusterRecord(record: usize): usize {
  const table = tableOf(record);
  return table + <usize>load<u32>(table, TABLE_CLUSTERS + 4) + <usize>load<u32>(record, EXCHANGE_CLUSTER) * CLUSTER_SIZE;
}

/** Adds 1 to one of this thread's counters of a cluster. */
// @ts-ignore: decorator
@inline
export function countCluster(slot: u32, counter: usize): void {
  const at = slab + SLAB_CLUSTER_COUNTERS + <usize>slot * CLUSTER_COUNTERS_SIZE + counter;
  store<f64>(at, load<f64>(at) + 1.0);
}

/** Raises a counter unless that takes it over `limit` (unsigned; 0xffffffff never does). */
// @ts-ignore: decorator
@inline
export function raiseBelow(counter: usize, limit: u32): bool {
  while (true) {
    const now = atomic.load<i32>(counter);
    if (<u32>now >= limit) return false;
    if (atomic.cmpxchg<i32>(counter, now, now + 1) == now) return true;
  }
}

// @ts-ignore: decorator
@inline
function setHeld(record: usize, bit: u32): void {
  store<u32>(record, load<u32>(record, EXCHANGE_HELD) | bit, EXCHANGE_HELD);
}

/** Clears a held bit; true when it was set. */
// @ts-ignore: decorator
@inline
export function takeHeld(record: usize, bit: u32): bool {
  const held = load<u32>(record, EXCHANGE_HELD);
  store<u32>(record, held & ~bit, EXCHANGE_HELD);
  return (held & bit) != 0;
}

/**
 * Counts a routed request against the cluster's maxRequests (Istio http2MaxRequests, which governs HTTP/1.1 as well).
 * Returns 0, FAILURE_CLUSTER_NOT_FOUND or FAILURE_OVERFLOW.
 */
export function admitRequest(exchange: u32): i32 {
  const record = exchangeRecord(exchange);
  if (load<i32>(record, EXCHANGE_CLUSTER) < 0) return FAILURE_CLUSTER_NOT_FOUND;
  const cluster = clusterRecord(record);
  const slot = load<u32>(cluster, CLUSTER_STATE_SLOT);
  store<u32>(record, slot, EXCHANGE_CLUSTER_SLOT);
  if (!raiseBelow(clusterState(slot) + CLUSTER_ACTIVE_REQUESTS, load<u32>(cluster, CLUSTER_MAX_REQUESTS))) {
    countCluster(slot, COUNTER_RQ_PENDING_OVERFLOW);
    return FAILURE_OVERFLOW;
  }
  setHeld(record, HELD_REQUEST);
  return 0;
}

/** Gives an exchange that no route has been matched for its cluster, by index. Returns 0 or FAILURE_CLUSTER_NOT_FOUND. */
export function chooseCluster(exchange: u32, cluster: i32): i32 {
  const record = exchangeRecord(exchange);
  store<i32>(record, cluster, EXCHANGE_CLUSTER);
  if (cluster < 0) return FAILURE_CLUSTER_NOT_FOUND;
  store<u32>(record, load<u32>(clusterRecord(record), CLUSTER_STATE_SLOT), EXCHANGE_CLUSTER_SLOT);
  return 0;
}

/** Counts a request that must wait for a connection. Returns 0 or FAILURE_OVERFLOW (http1MaxPendingRequests). */
export function enterPending(exchange: u32, waitsForLimit: i32): i32 {
  const record = exchangeRecord(exchange);
  const cluster = clusterRecord(record);
  const slot = load<u32>(record, EXCHANGE_CLUSTER_SLOT);
  const state = clusterState(slot);
  if (!raiseBelow(state + CLUSTER_PENDING_REQUESTS, load<u32>(cluster, CLUSTER_MAX_PENDING_REQUESTS))) {
    countCluster(slot, COUNTER_RQ_PENDING_OVERFLOW);
    return FAILURE_OVERFLOW;
  }
  countCluster(slot, COUNTER_RQ_PENDING_TOTAL);
  setHeld(record, HELD_PENDING);
  if (waitsForLimit) {
    atomic.add<i32>(state + CLUSTER_CONNECTION_WAITERS, 1);
    setHeld(record, HELD_WAITER);
  }
  return 0;
}

export function leavePending(exchange: u32): void {
  const record = exchangeRecord(exchange);
  const state = clusterState(load<u32>(record, EXCHANGE_CLUSTER_SLOT));
  if (takeHeld(record, HELD_PENDING)) atomic.sub<i32>(state + CLUSTER_PENDING_REQUESTS, 1);
  if (takeHeld(record, HELD_WAITER)) atomic.sub<i32>(state + CLUSTER_CONNECTION_WAITERS, 1);
}

/** Number of requests, on any thread, that wait because the cluster has all the connections it may have. */
export function connectionWaiters(clusterSlot: u32): i32 {
  return atomic.load<i32>(clusterState(clusterSlot) + CLUSTER_CONNECTION_WAITERS);
}

/** Counts a new connection to the exchange's endpoint. Returns 0 or WAIT_FOR_CONNECTION (maxConnections). */
export function openConnection(exchange: u32, connection: u32): i32 {
  const record = exchangeRecord(exchange);
  const slot = load<u32>(record, EXCHANGE_CLUSTER_SLOT);
  const limit = load<u32>(clusterRecord(record), CLUSTER_MAX_CONNECTIONS);
  if (!raiseBelow(clusterState(slot) + CLUSTER_ACTIVE_CONNECTIONS, limit)) {
    countCluster(slot, COUNTER_CX_OVERFLOW);
    return WAIT_FOR_CONNECTION;
  }
  const endpointSlot = load<u32>(record, EXCHANGE_ENDPOINT_SLOT);
  atomic.add<i32>(endpointState(endpointSlot) + ENDPOINT_ACTIVE_CONNECTIONS, 1);
  const at = connections + <usize>connection * CONNECTION_SIZE;
  store<u32>(at, slot, CONNECTION_CLUSTER_SLOT);
  store<u32>(at, endpointSlot, CONNECTION_ENDPOINT_SLOT);
  store<u32>(at, CONNECTION_UPSTREAM_SIDE, CONNECTION_IN_USE);
  resetChunked(connection);
  countCluster(slot, COUNTER_CX_TOTAL);
  return 0;
}

export function closeConnection(connection: u32): void {
  releaseConnection(connections + <usize>connection * CONNECTION_SIZE);
}

/** Uncounts the record of an upstream connection, of whatever slab. */
export function releaseConnection(at: usize): void {
  if (load<u32>(at, CONNECTION_IN_USE) != CONNECTION_UPSTREAM_SIDE) return;
  store<u32>(at, 0, CONNECTION_IN_USE);
  atomic.sub<i32>(clusterState(load<u32>(at, CONNECTION_CLUSTER_SLOT)) + CLUSTER_ACTIVE_CONNECTIONS, 1);
  atomic.sub<i32>(endpointState(load<u32>(at, CONNECTION_ENDPOINT_SLOT)) + ENDPOINT_ACTIVE_CONNECTIONS, 1);
}

/** Makes a connection ready for the chunked body of its next message. */
export function resetChunked(connection: u32): void {
  const at = connections + <usize>connection * CONNECTION_SIZE;
  store<u32>(at, 0, CONNECTION_CHUNK_STATE);
  store<f64>(at, 0, CONNECTION_CHUNK_REMAINING);
  store<u32>(at, 0, CONNECTION_CHUNK_TRAILER_BYTES);
}

/** How many retries the cluster's budget allows at the moment; no limit without one. */
function retryBudget(cluster: usize, state: usize): u32 {
  const share = load<u32>(cluster, CLUSTER_RETRY_BUDGET);
  if (share == NO_RETRY_BUDGET) return NO_RETRY_BUDGET;
  const active = <u64>(<u32>atomic.load<i32>(state + CLUSTER_ACTIVE_REQUESTS));
  const pending = <u64>(<u32>atomic.load<i32>(state + CLUSTER_PENDING_REQUESTS));
  const allowed = <u32>(((active + pending) * <u64>share) / 10000);
  return max<u32>(allowed, load<u32>(cluster, CLUSTER_MIN_RETRIES));
}

/**
 * Counts a retry in progress, against maxRetries and the cluster's retry budget (Envoy's RetryBudget). Returns 0 or
 * FAILURE_RETRY_OVERFLOW.
 */
export function startRetry(exchange: u32): i32 {
  const record = exchangeRecord(exchange);
  const slot = load<u32>(record, EXCHANGE_CLUSTER_SLOT);
  const cluster = clusterRecord(record);
  const state = clusterState(slot);
  if (load<u32>(record, EXCHANGE_HELD) & HELD_RETRY) {
    countCluster(slot, COUNTER_RQ_RETRY);
    return 0;
  }
  const limit = min<u32>(load<u32>(cluster, CLUSTER_MAX_RETRIES), retryBudget(cluster, state));
  if (!raiseBelow(state + CLUSTER_ACTIVE_RETRIES, limit)) {
    countCluster(slot, COUNTER_RQ_RETRY_OVERFLOW);
    return FAILURE_RETRY_OVERFLOW;
  }
  setHeld(record, HELD_RETRY);
  countCluster(slot, COUNTER_RQ_RETRY);
  return 0;
}

/** The retry has come to an answer, whose body may take its time. */
export function endRetry(exchange: u32): void {
  const record = exchangeRecord(exchange);
  if (!takeHeld(record, HELD_RETRY)) return;
  atomic.sub<i32>(clusterState(load<u32>(record, EXCHANGE_CLUSTER_SLOT)) + CLUSTER_ACTIVE_RETRIES, 1);
}
