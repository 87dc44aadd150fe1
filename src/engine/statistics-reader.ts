// SPDX-License-Identifier: Apache-2.0
/** Per-thread slabs and shared state in memory -> a StatisticsSnapshot. Main thread, on each scrape. */
import * as layout from '../../assembly/layout.js';
import type { ClusterData, EndpointData } from '../rules/encoded-tables.js';
import type { Engine } from './engine.js';
import { formatResponseFlags } from './response-flags.js';
import type {
  ClusterCounters,
  ClusterStatistics,
  ConnectionSeries,
  HistogramData,
  RequestSeries,
  RouteSeries,
  StatisticsSnapshot,
  ThreadStatistics,
} from './statistics.js';
import { readListeners } from './listener-statistics.js';
import type { TableStore } from './table-store.js';
import { endpointKey, RETIRED_SERIES, seriesRows } from './table-store.js';

interface MutableSeries {
  keyLow: number;
  keyHigh: number;
  numbers: Float64Array;
}

/** By keyLow, then keyHigh. */
type MergedSeries = Map<number, Map<number, MutableSeries>>;

/** f64 fields of a series row, from SERIES_COUNT to its end. */
const SERIES_NUMBERS = (layout.SERIES_SIZE - layout.SERIES_COUNT) / 8;

export function readStatistics(
  engine: Engine,
  store: TableStore,
  threads: readonly ThreadStatistics[],
  listenerSlots: ReadonlyMap<string, number> = new Map<string, number>(),
): StatisticsSnapshot {
  const listeners = readListeners(engine, listenerSlots);
  const { requests, connections, routes } = readSeries(engine, store);
  return { requests, connections, routes, clusters: readClusters(engine, store), listeners, threads };
}

interface AllSeries {
  readonly requests: RequestSeries[];
  readonly connections: ConnectionSeries[];
  readonly routes: RouteSeries[];
}

function readSeries(engine: Engine, store: TableStore): AllSeries {
  const merged: MergedSeries = new Map();
  for (let thread = 0; thread < engine.control(layout.CONTROL_THREAD_CAPACITY); thread++) {
    const rows = seriesRows(engine, thread);
    const slab = engine.control(layout.CONTROL_SLABS) + thread * engine.control(layout.CONTROL_SLAB_SIZE);
    const count = Atomics.load(engine.words, (slab + layout.SLAB_SERIES_COUNT) / 4);
    for (let row = 0; row < count; row++) addRow(engine, rows + row * layout.SERIES_SIZE, merged);
  }
  const requests: RequestSeries[] = [];
  const connections: ConnectionSeries[] = [];
  const routes: RouteSeries[] = [];
  const known = store.current?.encoded.host.clusters ?? [];
  const clusters = new Map<string, ClusterData>(known.map((cluster) => [cluster.name, cluster]));
  for (const inner of merged.values())
    for (const series of inner.values()) {
      const isRoute = (series.keyLow & 0xffff) === layout.SERIES_OF_ROUTE;
      if (!isRoute && (series.keyHigh & 1023) === layout.SERIES_TCP) {
        connections.push(toConnections(toSeries(series, store, clusters)));
      } else if (!isRoute) requests.push(toSeries(series, store, clusters));
      else {
        const route = store.routeStat(series.keyLow >>> 16);
        if (route) routes.push({ ...route, status: series.keyHigh & 1023, count: series.numbers[0] ?? 0 });
      }
    }
  return { requests, connections, routes };
}

/** A row of SERIES_TCP says so with the fields of one of requests. */
function toConnections(row: RequestSeries): ConnectionSeries {
  const { clusterName, service, workload, responseFlags, count, durationMs, requestBytes, responseBytes } = row;
  return {
    ...(clusterName === undefined ? {} : { clusterName }),
    ...(service === undefined ? {} : { service }),
    ...(workload === undefined ? {} : { workload }),
    responseFlags,
    openedCount: durationMs.sum,
    closedCount: count,
    receivedBytes: requestBytes.sum,
    sentBytes: responseBytes.sum,
  };
}

function addRow(engine: Engine, at: number, merged: MergedSeries): void {
  const keyLow = engine.words[at / 4] ?? 0;
  const keyHigh = engine.words[at / 4 + 1] ?? 0;
  const first = (at + layout.SERIES_COUNT) / 8;
  // Connections that are open have a row without any that are finished.
  const isEmpty = engine.doubles[first] === 0 && engine.doubles[first + 1] === 0;
  if (keyLow === RETIRED_SERIES || isEmpty) return;
  let inner = merged.get(keyLow);
  if (!inner) merged.set(keyLow, (inner = new Map<number, MutableSeries>()));
  const known = inner.get(keyHigh);
  if (!known) {
    inner.set(keyHigh, { keyLow, keyHigh, numbers: engine.doubles.slice(first, first + SERIES_NUMBERS) });
    return;
  }
  for (let index = 0; index < SERIES_NUMBERS; index++) {
    known.numbers[index] = (known.numbers[index] ?? 0) + (engine.doubles[first + index] ?? 0);
  }
}

function toSeries(series: MutableSeries, store: TableStore, clusters: ReadonlyMap<string, ClusterData>): RequestSeries {
  const clusterKey = series.keyLow & 0xffff;
  const clusterName = clusterKey === 0 ? undefined : store.clusters.ownerOf(clusterKey - 1);
  const workload = store.workload(series.keyLow >>> 16);
  const service = clusterName === undefined ? undefined : clusters.get(clusterName)?.service;
  const histogram = (sumField: number, bucketField: number): HistogramData => {
    const first = (bucketField - layout.SERIES_COUNT) / 8;
    return {
      sum: series.numbers[(sumField - layout.SERIES_COUNT) / 8] ?? 0,
      buckets: series.numbers.slice(first, first + layout.HISTOGRAM_BUCKETS),
    };
  };
  return {
    ...(clusterName === undefined ? {} : { clusterName }),
    ...(service ? { service } : {}),
    ...(workload ? { workload } : {}),
    status: series.keyHigh & 1023,
    responseFlags: formatResponseFlags((series.keyHigh >>> 10) & 0x1fffff),
    protocol: series.keyHigh >>> 31 ? 'grpc' : 'http',
    count: series.numbers[0] ?? 0,
    durationMs: histogram(layout.SERIES_DURATION_SUM, layout.SERIES_DURATION_BUCKETS),
    requestBytes: histogram(layout.SERIES_REQUEST_BYTES_SUM, layout.SERIES_REQUEST_BYTES_BUCKETS),
    responseBytes: histogram(layout.SERIES_RESPONSE_BYTES_SUM, layout.SERIES_RESPONSE_BYTES_BUCKETS),
  };
}

function readClusters(engine: Engine, store: TableStore): ClusterStatistics[] {
  const result: ClusterStatistics[] = [];
  for (const cluster of store.current?.encoded.host.clusters ?? []) {
    const slot = store.clusters.slotOf(cluster.name);
    if (slot === undefined) continue;
    const state = store.clusterStateOffset(slot) / 4;
    const gauge = (field: number): number => Atomics.load(engine.ints, state + field / 4);
    result.push({
      name: cluster.name,
      limits: cluster.limits,
      activeConnections: gauge(layout.CLUSTER_ACTIVE_CONNECTIONS),
      pendingRequests: gauge(layout.CLUSTER_PENDING_REQUESTS),
      activeRequests: gauge(layout.CLUSTER_ACTIVE_REQUESTS),
      activeRetries: gauge(layout.CLUSTER_ACTIVE_RETRIES),
      counters: readCounters(engine, slot),
      endpoints: cluster.endpoints.map((endpoint) => readEndpoint(engine, store, cluster, endpoint)),
    });
  }
  return result;
}

function readCounters(engine: Engine, slot: number): ClusterCounters {
  const sum = (field: number): number => {
    let total = 0;
    for (let thread = 0; thread < engine.control(layout.CONTROL_THREAD_CAPACITY); thread++) {
      const slab = engine.control(layout.CONTROL_SLABS) + thread * engine.control(layout.CONTROL_SLAB_SIZE);
      total +=
        engine.doubles[(slab + layout.SLAB_CLUSTER_COUNTERS + slot * layout.CLUSTER_COUNTERS_SIZE + field) / 8] ?? 0;
    }
    return total;
  };
  return {
    upstream_cx_total: sum(layout.COUNTER_CX_TOTAL),
    upstream_cx_connect_fail: sum(layout.COUNTER_CX_CONNECT_FAIL),
    upstream_cx_connect_timeout: sum(layout.COUNTER_CX_CONNECT_TIMEOUT),
    upstream_cx_overflow: sum(layout.COUNTER_CX_OVERFLOW),
    upstream_cx_destroy_with_active_rq: sum(layout.COUNTER_CX_DESTROY_WITH_ACTIVE_RQ),
    upstream_cx_max_requests: sum(layout.COUNTER_CX_MAX_REQUESTS),
    upstream_cx_idle_timeout: sum(layout.COUNTER_CX_IDLE_TIMEOUT),
    upstream_cx_rx_bytes_total: sum(layout.COUNTER_RX_BYTES),
    upstream_cx_tx_bytes_total: sum(layout.COUNTER_TX_BYTES),
    upstream_rq_total: sum(layout.COUNTER_RQ_TOTAL),
    upstream_rq_pending_total: sum(layout.COUNTER_RQ_PENDING_TOTAL),
    upstream_rq_pending_overflow: sum(layout.COUNTER_RQ_PENDING_OVERFLOW),
    upstream_rq_timeout: sum(layout.COUNTER_RQ_TIMEOUT),
    upstream_rq_retry: sum(layout.COUNTER_RQ_RETRY),
    upstream_rq_retry_overflow: sum(layout.COUNTER_RQ_RETRY_OVERFLOW),
    upstream_rq_cancelled: sum(layout.COUNTER_RQ_CANCELLED),
    upstream_rq_retry_success: sum(layout.COUNTER_RQ_RETRY_SUCCESS),
    upstream_rq_retry_limit_exceeded: sum(layout.COUNTER_RQ_RETRY_LIMIT_EXCEEDED),
    upstream_rq_retry_backoff_exponential: sum(layout.COUNTER_RQ_RETRY_BACKOFF_EXPONENTIAL),
    upstream_rq_per_try_timeout: sum(layout.COUNTER_RQ_PER_TRY_TIMEOUT),
    upstream_rq_mirror: sum(layout.COUNTER_RQ_MIRROR),
    upstream_rq_mirror_dropped: sum(layout.COUNTER_RQ_MIRROR_DROPPED),
  };
}

function readEndpoint(
  engine: Engine,
  store: TableStore,
  cluster: ClusterData,
  endpoint: EndpointData,
): ClusterStatistics['endpoints'][number] {
  const slot = store.endpoints.slotOf(endpointKey(cluster, endpoint)) ?? 0;
  const state = store.endpointStateOffset(slot) / 4;
  return {
    endpoint,
    activeRequests: Atomics.load(engine.ints, state + layout.ENDPOINT_ACTIVE_REQUESTS / 4),
    activeConnections: Atomics.load(engine.ints, state + layout.ENDPOINT_ACTIVE_CONNECTIONS / 4),
    requestsTotal: Atomics.load(engine.words, state + layout.ENDPOINT_REQUESTS_TOTAL / 4),
    failuresTotal: Atomics.load(engine.words, state + layout.ENDPOINT_FAILURES_TOTAL / 4),
  };
}
