// SPDX-License-Identifier: Apache-2.0
/** Metric series: a finished exchange -> one row of this thread's table, found by hash. Counting is a few adds. */
import {
  CONTROL_BASE,
  CONTROL_SERIES_CAPACITY,
  EXCHANGE_CLUSTER_SLOT,
  EXCHANGE_FLAGS,
  EXCHANGE_PROTOCOL,
  EXCHANGE_REQUEST_BYTES,
  EXCHANGE_RESPONSE_BYTES,
  EXCHANGE_SIZE,
  EXCHANGE_STATUS,
  EXCHANGE_WORKLOAD_SLOT,
  SERIES_COUNT,
  SERIES_DURATION_BUCKETS,
  SERIES_DURATION_SUM,
  SERIES_KEY_HIGH,
  SERIES_KEY_LOW,
  SERIES_OF_ROUTE,
  SERIES_REQUEST_BYTES_BUCKETS,
  SERIES_REQUEST_BYTES_SUM,
  SERIES_RESPONSE_BYTES_BUCKETS,
  SERIES_RESPONSE_BYTES_SUM,
  SERIES_SIZE,
  SERIES_TCP,
  SLAB_SERIES_COUNT,
} from './layout';
import { exchanges, seriesIndex, seriesRows, slab } from './thread';

// Istio's bounds as f64; read-only, so that every thread may share it.
const BOUNDS: usize = memory.data<f64>([
  0.5, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 30000.0, 60000.0, 300000.0,
  600000.0, 1800000.0, 3600000.0,
]);
const BOUND_COUNT: i32 = 19;

// @ts-ignore: decorator
@inline
function bucketOf(value: f64): usize {
  let bucket = 0;
  while (bucket < BOUND_COUNT && value > load<f64>(BOUNDS + (<usize>bucket << 3))) bucket++;
  return <usize>bucket << 3;
}

// @ts-ignore: decorator
@inline
function addTo(at: usize, value: f64): void {
  store<f64>(at, load<f64>(at) + value);
}

/** The row for a key; row 0, the one for everything else, when the table is full. */
function seriesRow(keyLow: u32, keyHigh: u32): usize {
  const capacity = load<u32>(CONTROL_BASE + CONTROL_SERIES_CAPACITY);
  const mask = capacity * 2 - 1;
  let place = ((keyLow * 0x9e3779b1) ^ (keyHigh * 0x85ebca6b)) & mask;
  while (true) {
    const entry = load<u32>(seriesIndex + (<usize>place << 2));
    if (entry == 0) break;
    const row = seriesRows + <usize>entry * SERIES_SIZE;
    if (load<u32>(row, SERIES_KEY_LOW) == keyLow && load<u32>(row, SERIES_KEY_HIGH) == keyHigh) return row;
    place = (place + 1) & mask;
  }
  // Row 0 is in use from the start.
  const used = max<u32>(load<u32>(slab, SLAB_SERIES_COUNT), 1);
  if (used >= capacity) return seriesRows;
  const row = seriesRows + <usize>used * SERIES_SIZE;
  store<u32>(row, keyLow, SERIES_KEY_LOW);
  store<u32>(row, keyHigh, SERIES_KEY_HIGH);
  store<u32>(seriesIndex + (<usize>place << 2), used);
  // Last, so that the main thread never reads a row without its key.
  atomic.store<u32>(slab + SLAB_SERIES_COUNT, used + 1);
  return row;
}

/** Counts a finished request for a route that has statistics of its own, by status alone. */
export function countRoute(statSlot: u32, record: usize, durationMs: f64): void {
  const row = seriesRow(SERIES_OF_ROUTE | (statSlot << 16), load<u32>(record, EXCHANGE_STATUS) & 1023);
  addTo(row + SERIES_COUNT, 1.0);
  addTo(row + SERIES_DURATION_SUM, durationMs);
}

/**
 * Counts for the TCP connection of an exchange: how many have been opened and closed (0 or 1), and the bytes in its record, which
 * are those since it was last counted. Its row has SERIES_TCP where requests have a status, and openings in the sum of durations.
 */
export function countConnection(exchange: u32, opened: u32, closed: u32): void {
  const record = exchanges + <usize>exchange * EXCHANGE_SIZE;
  const keyLow = (load<u32>(record, EXCHANGE_CLUSTER_SLOT) + 1) | (load<u32>(record, EXCHANGE_WORKLOAD_SLOT) << 16);
  const row = seriesRow(keyLow, SERIES_TCP | ((load<u32>(record, EXCHANGE_FLAGS) & 0x1fffff) << 10));
  addTo(row + SERIES_COUNT, <f64>closed);
  addTo(row + SERIES_DURATION_SUM, <f64>opened);
  addTo(row + SERIES_REQUEST_BYTES_SUM, load<f64>(record, EXCHANGE_REQUEST_BYTES));
  addTo(row + SERIES_RESPONSE_BYTES_SUM, load<f64>(record, EXCHANGE_RESPONSE_BYTES));
  store<f64>(record, 0, EXCHANGE_REQUEST_BYTES);
  store<f64>(record, 0, EXCHANGE_RESPONSE_BYTES);
}

/** Counts one finished request. `clusterSlot` is -1 when it never had a cluster. */
export function countRequest(record: usize, clusterSlot: i32, durationMs: f64): void {
  const keyLow = <u32>(clusterSlot + 1) | (load<u32>(record, EXCHANGE_WORKLOAD_SLOT) << 16);
  const keyHigh =
    (load<u32>(record, EXCHANGE_STATUS) & 1023) |
    ((load<u32>(record, EXCHANGE_FLAGS) & 0x1fffff) << 10) |
    (load<u32>(record, EXCHANGE_PROTOCOL) << 31);
  const row = seriesRow(keyLow, keyHigh);
  const requestBytes = load<f64>(record, EXCHANGE_REQUEST_BYTES);
  const responseBytes = load<f64>(record, EXCHANGE_RESPONSE_BYTES);
  addTo(row + SERIES_COUNT, 1.0);
  addTo(row + SERIES_DURATION_SUM, durationMs);
  addTo(row + SERIES_REQUEST_BYTES_SUM, requestBytes);
  addTo(row + SERIES_RESPONSE_BYTES_SUM, responseBytes);
  addTo(row + SERIES_DURATION_BUCKETS + bucketOf(durationMs), 1.0);
  addTo(row + SERIES_REQUEST_BYTES_BUCKETS + bucketOf(requestBytes), 1.0);
  addTo(row + SERIES_RESPONSE_BYTES_BUCKETS + bucketOf(responseBytes), 1.0);
}
