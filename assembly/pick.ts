// SPDX-License-Identifier: Apache-2.0
/**
 * Load balancing: cluster -> endpoint. Only healthy endpoints take part (Istio's panic threshold is 0). Weighted round
 * robin steps through the cumulative weights with a stride coprime to their sum, so that a cycle gives each endpoint
 * exactly its weight and interleaves them; the cursor is shared by all threads.
 */
import {
  CLUSTER_CURSOR,
  CLUSTER_ENDPOINTS_FIRST,
  CLUSTER_HEALTHY_COUNT,
  CLUSTER_LOAD_BALANCER,
  CLUSTER_STRIDE,
  CLUSTER_WEIGHT_TOTAL,
  ENDPOINT_ACTIVE_REQUESTS,
  ENDPOINT_CUMULATIVE_WEIGHT,
  ENDPOINT_REQUESTS_TOTAL,
  ENDPOINT_SIZE,
  ENDPOINT_STATE_SLOT,
  ENDPOINT_WEIGHT,
  ENDPOINT_WORKLOAD_SLOT,
  EXCHANGE_CLUSTER_SLOT,
  EXCHANGE_ENDPOINT,
  EXCHANGE_ENDPOINT_SLOT,
  EXCHANGE_HELD,
  EXCHANGE_WORKLOAD_SLOT,
  FAILURE_NO_HEALTHY_UPSTREAM,
  HELD_ENDPOINT,
  LB_RANDOM,
  LB_ROUND_ROBIN,
  TABLE_ENDPOINTS,
} from './layout';
import { clusterRecord, clusterState, endpointState, exchangeRecord, takeHeld } from './breaker';
import { tableOf } from './generation';
import { randomBelow } from './thread';

/** Envoy's host_selection_retry_max_attempts as Istio sets it: re-picks to avoid an endpoint that was tried already. */
const REPICKS = 5;

/** First endpoint of `count` whose cumulative weight is above `position`. */
// @ts-ignore: decorator
@inline
function byWeight(endpoints: usize, count: u32, position: u32): u32 {
  let low: u32 = 0;
  let high: u32 = count - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(endpoints + <usize>middle * ENDPOINT_SIZE, ENDPOINT_CUMULATIVE_WEIGHT) > position) high = middle;
    else low = middle + 1;
  }
  return low;
}

// @ts-ignore: decorator
@inline
function pickRandom(cluster: usize, endpoints: usize, count: u32): u32 {
  if (load<u32>(cluster, CLUSTER_STRIDE) == 0) return randomBelow(count);
  return byWeight(endpoints, count, randomBelow(load<u32>(cluster, CLUSTER_WEIGHT_TOTAL)));
}

// @ts-ignore: decorator
@inline
function pickRoundRobin(cluster: usize, state: usize, endpoints: usize, count: u32): u32 {
  const cursor = atomic.add<u32>(state + CLUSTER_CURSOR, 1);
  const stride = load<u32>(cluster, CLUSTER_STRIDE);
  if (stride == 0) return cursor % count;
  const total = <u64>load<u32>(cluster, CLUSTER_WEIGHT_TOTAL);
  return byWeight(endpoints, count, <u32>((<u64>cursor * <u64>stride) % total));
}

// @ts-ignore: decorator
@inline
function requestLoad(endpoints: usize, index: u32): u64 {
  const endpoint = endpoints + <usize>index * ENDPOINT_SIZE;
  const active = atomic.load<i32>(endpointState(load<u32>(endpoint, ENDPOINT_STATE_SLOT)) + ENDPOINT_ACTIVE_REQUESTS);
  return <u64>(<u32>active + 1);
}

/** Of two candidates drawn by weight, the one with fewer active requests for its weight. */
// @ts-ignore: decorator
@inline
function pickLeastRequest(cluster: usize, endpoints: usize, count: u32): u32 {
  const first = pickRandom(cluster, endpoints, count);
  let second: u32;
  if (load<u32>(cluster, CLUSTER_STRIDE) == 0) {
    // Two different ones, so that with two endpoints the idle one is always found.
    second = randomBelow(count - 1);
    if (second >= first) second++;
    return requestLoad(endpoints, second) < requestLoad(endpoints, first) ? second : first;
  }
  second = pickRandom(cluster, endpoints, count);
  // Both were drawn by weight already, so weights are compared only through the load each can bear.
  const firstWeight = <u64>load<u32>(endpoints + <usize>first * ENDPOINT_SIZE, ENDPOINT_WEIGHT);
  const secondWeight = <u64>load<u32>(endpoints + <usize>second * ENDPOINT_SIZE, ENDPOINT_WEIGHT);
  const firstLoad = (requestLoad(endpoints, first) - 1) * secondWeight;
  const secondLoad = (requestLoad(endpoints, second) - 1) * firstWeight;
  return secondLoad < firstLoad ? second : first;
}

/**
 * Chooses an endpoint for the exchange's cluster and counts the request as active on it, instead of on the one chosen
 * before. `avoid` is an endpoint index to stay away from if there is a choice (-1: none). Returns the endpoint's index in
 * the table or FAILURE_NO_HEALTHY_UPSTREAM.
 */
export function pickEndpoint(exchange: u32, avoid: i32): i32 {
  const record = exchangeRecord(exchange);
  releaseEndpoint(record);
  const cluster = clusterRecord(record);
  const count = load<u32>(cluster, CLUSTER_HEALTHY_COUNT);
  if (count == 0) return FAILURE_NO_HEALTHY_UPSTREAM;
  const table = tableOf(record);
  const first = load<u32>(cluster, CLUSTER_ENDPOINTS_FIRST);
  const endpoints = table + <usize>load<u32>(table, TABLE_ENDPOINTS + 4) + <usize>first * ENDPOINT_SIZE;
  const state = clusterState(load<u32>(record, EXCHANGE_CLUSTER_SLOT));
  const policy = load<u32>(cluster, CLUSTER_LOAD_BALANCER);
  let index: u32 = 0;
  for (let tries = 0; count > 1 && tries <= REPICKS; tries++) {
    if (policy == LB_ROUND_ROBIN) index = pickRoundRobin(cluster, state, endpoints, count);
    else if (policy == LB_RANDOM) index = pickRandom(cluster, endpoints, count);
    else index = pickLeastRequest(cluster, endpoints, count);
    if (<i32>(first + index) != avoid) break;
  }
  // With few endpoints least request comes back to the one that just failed, because nothing is active on it.
  if (<i32>(first + index) == avoid && count > 1) index = (index + 1 + randomBelow(count - 1)) % count;
  const endpoint = endpoints + <usize>index * ENDPOINT_SIZE;
  const slot = load<u32>(endpoint, ENDPOINT_STATE_SLOT);
  atomic.add<i32>(endpointState(slot) + ENDPOINT_ACTIVE_REQUESTS, 1);
  atomic.add<u32>(endpointState(slot) + ENDPOINT_REQUESTS_TOTAL, 1);
  store<u32>(record, slot, EXCHANGE_ENDPOINT_SLOT);
  store<u32>(record, load<u32>(endpoint, ENDPOINT_WORKLOAD_SLOT), EXCHANGE_WORKLOAD_SLOT);
  store<i32>(record, <i32>(first + index), EXCHANGE_ENDPOINT);
  store<u32>(record, load<u32>(record, EXCHANGE_HELD) | HELD_ENDPOINT, EXCHANGE_HELD);
  return <i32>(first + index);
}

/** Uncounts the exchange's request from its endpoint, if it is counted. */
export function releaseEndpoint(record: usize): void {
  if (!takeHeld(record, HELD_ENDPOINT)) return;
  atomic.sub<i32>(endpointState(load<u32>(record, EXCHANGE_ENDPOINT_SLOT)) + ENDPOINT_ACTIVE_REQUESTS, 1);
}
