// SPDX-License-Identifier: Apache-2.0
/** The life of an exchange: begun with the current generation, ended by releasing all that it holds. */
import {
  CLUSTER_ACTIVE_REQUESTS,
  CLUSTER_ACTIVE_RETRIES,
  CLUSTER_CONNECTION_WAITERS,
  CLUSTER_PENDING_REQUESTS,
  CONNECTION_SIZE,
  CONTROL_BASE,
  CONTROL_CONNECTION_CAPACITY,
  CONTROL_EXCHANGE_CAPACITY,
  EXCHANGE_ATTEMPT,
  EXCHANGE_CLUSTER,
  EXCHANGE_CLUSTER_SLOT,
  EXCHANGE_ENDPOINT,
  EXCHANGE_GENERATION,
  EXCHANGE_HELD,
  EXCHANGE_IN_USE,
  EXCHANGE_ROUTE,
  EXCHANGE_SIZE,
  EXCHANGE_WEIGHTED,
  FAILURE_ENGINE,
  HELD_PENDING,
  HELD_REQUEST,
  HELD_RETRY,
  HELD_WAITER,
  COUNTER_RQ_TOTAL,
  ROUTE_SIZE,
  ROUTE_STAT_SLOT,
  TABLE_ROUTES,
} from './layout';
import { clusterState, countCluster, exchangeRecord, releaseConnection, takeHeld } from './breaker';
import { closeClient } from './clients';
import { dropGeneration, holdCurrentGeneration, tableOf } from './generation';
import { releaseEndpoint } from './pick';
import { countRequest, countRoute } from './stats';
import { connections, exchanges } from './thread';

/** Starts an exchange in a free record. Returns its generation slot, or FAILURE_ENGINE when nothing has been published. */
export function beginExchange(exchange: u32): i32 {
  const record = exchangeRecord(exchange);
  const generation = holdCurrentGeneration();
  if (generation < 0) return FAILURE_ENGINE;
  memory.fill(record, 0, EXCHANGE_SIZE);
  store<i32>(record, generation, EXCHANGE_GENERATION);
  store<i32>(record, -1, EXCHANGE_ROUTE);
  store<i32>(record, -1, EXCHANGE_WEIGHTED);
  store<i32>(record, -1, EXCHANGE_CLUSTER);
  store<i32>(record, -1, EXCHANGE_ENDPOINT);
  store<i32>(record, -1, EXCHANGE_CLUSTER_SLOT);
  store<u32>(record, 1, EXCHANGE_ATTEMPT);
  store<u32>(record, 1, EXCHANGE_IN_USE);
  return generation;
}

/** Ends an exchange: counts it (status, flags and bytes stand in its record) and releases all that it holds. */
export function finishExchange(exchange: u32, durationMs: f64): void {
  const record = exchangeRecord(exchange);
  const clusterSlot = load<i32>(record, EXCHANGE_CLUSTER_SLOT);
  countRequest(record, clusterSlot, durationMs);
  const statSlot = statSlotOf(record);
  if (statSlot != 0) countRoute(statSlot, record, durationMs);
  if (load<u32>(record, EXCHANGE_HELD) & HELD_REQUEST) countCluster(clusterSlot, COUNTER_RQ_TOTAL);
  releaseExchange(record);
}

/** ROUTE_STAT_SLOT of the exchange's route; 0 when it has none, or no route any more. */
function statSlotOf(record: usize): u32 {
  const route = load<i32>(record, EXCHANGE_ROUTE);
  if (route < 0 || load<i32>(record, EXCHANGE_GENERATION) < 0) return 0;
  const table = tableOf(record);
  return load<u32>(table + load<u32>(table, TABLE_ROUTES + 4) + <usize>route * ROUTE_SIZE, ROUTE_STAT_SLOT);
}

/** Ends an exchange that is no request of a client: its cluster counts it, and nobody else. */
export function abandonExchange(exchange: u32): void {
  const record = exchangeRecord(exchange);
  if (load<u32>(record, EXCHANGE_HELD) & HELD_REQUEST) {
    countCluster(load<i32>(record, EXCHANGE_CLUSTER_SLOT), COUNTER_RQ_TOTAL);
  }
  releaseExchange(record);
}

/**
 * Gives the generation back before the exchange ends: for one that reads no table any more but may last for days. Its slots
 * of the shared state stay its own, because they count it as active.
 */
export function leaveGeneration(exchange: u32): void {
  const record = exchangeRecord(exchange);
  const generation = load<i32>(record, EXCHANGE_GENERATION);
  if (generation < 0) return;
  store<i32>(record, -1, EXCHANGE_GENERATION);
  dropGeneration(generation);
}

function releaseExchange(record: usize): void {
  if (!load<u32>(record, EXCHANGE_IN_USE)) return;
  releaseEndpoint(record);
  const clusterSlot = load<i32>(record, EXCHANGE_CLUSTER_SLOT);
  if (clusterSlot >= 0) {
    const state = clusterState(clusterSlot);
    if (takeHeld(record, HELD_PENDING)) atomic.sub<i32>(state + CLUSTER_PENDING_REQUESTS, 1);
    if (takeHeld(record, HELD_WAITER)) atomic.sub<i32>(state + CLUSTER_CONNECTION_WAITERS, 1);
    if (takeHeld(record, HELD_RETRY)) atomic.sub<i32>(state + CLUSTER_ACTIVE_RETRIES, 1);
    if (takeHeld(record, HELD_REQUEST)) atomic.sub<i32>(state + CLUSTER_ACTIVE_REQUESTS, 1);
  }
  const generation = load<i32>(record, EXCHANGE_GENERATION);
  if (generation >= 0) dropGeneration(generation);
  store<u32>(record, 0, EXCHANGE_IN_USE);
}

/**
 * Releases whatever the attached slab's thread held when it died. Called by the main thread's instance, attached to that
 * slab for the call. Returns the number of exchanges that were under way.
 */
export function releaseThread(): i32 {
  let released = 0;
  const exchangeCapacity = load<u32>(CONTROL_BASE + CONTROL_EXCHANGE_CAPACITY);
  for (let index: u32 = 0; index < exchangeCapacity; index++) {
    const record = exchanges + <usize>index * EXCHANGE_SIZE;
    if (!load<u32>(record, EXCHANGE_IN_USE)) continue;
    releaseExchange(record);
    released++;
  }
  const connectionCapacity = load<u32>(CONTROL_BASE + CONTROL_CONNECTION_CAPACITY);
  for (let index: u32 = 0; index < connectionCapacity; index++) {
    releaseConnection(connections + <usize>index * CONNECTION_SIZE);
    closeClient(index);
  }
  return released;
}
