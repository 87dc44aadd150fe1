// SPDX-License-Identifier: Apache-2.0
/** Statistics and server facts for tests, from plain data. */
import { HISTOGRAM_BOUNDS } from '../../src/engine/statistics.js';
import type {
  ClusterStatistics,
  HistogramData,
  RequestSeries,
  StatisticsSnapshot,
} from '../../src/engine/statistics.js';
import type { Endpoint, ServiceIdentity, WorkloadIdentity } from '../../src/model/model.js';
import type { ServerFacts } from '../../src/telemetry/server-facts.js';

export const REVIEWS_CLUSTER = 'outbound|9080|v2|reviews.demo.svc.cluster.local';

export const REVIEWS: ServiceIdentity = {
  host: 'reviews.demo.svc.cluster.local',
  name: 'reviews',
  namespace: 'demo',
  port: 9080,
};

export const REVIEWS_V2: WorkloadIdentity = {
  workload: 'reviews-v2',
  namespace: 'demo',
  app: 'reviews',
  version: 'v2',
  canonicalService: 'reviews',
  canonicalRevision: 'v2',
  principal: 'spiffe://cluster.local/ns/demo/sa/reviews',
};

/** A histogram of these observations. */
export function histogramOf(...values: number[]): HistogramData {
  const buckets = new Float64Array(HISTOGRAM_BOUNDS.length + 1);
  let sum = 0;
  for (const value of values) {
    const index = HISTOGRAM_BOUNDS.findIndex((bound) => value <= bound);
    const bucket = index < 0 ? HISTOGRAM_BOUNDS.length : index;
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    sum += value;
  }
  return { sum, buckets };
}

/** Requests of 100 bytes with answers of 2000 bytes, one per duration. */
export function seriesOf(durationsMs: readonly number[], facts: Partial<RequestSeries> = {}): RequestSeries {
  return {
    status: 200,
    responseFlags: '-',
    protocol: 'http',
    count: durationsMs.length,
    durationMs: histogramOf(...durationsMs),
    requestBytes: histogramOf(...durationsMs.map(() => 100)),
    responseBytes: histogramOf(...durationsMs.map(() => 2000)),
    ...facts,
  };
}

export function endpointOf(address: string, healthy = true): Endpoint {
  return { address, port: 9080, weight: 1, healthy, workload: REVIEWS_V2 };
}

export function clusterStatisticsOf(name: string, facts: Partial<ClusterStatistics> = {}): ClusterStatistics {
  return {
    name,
    limits: { maxConnections: 10, maxPendingRequests: 5, maxRequests: 100, maxRetries: 3 },
    activeConnections: 2,
    pendingRequests: 0,
    activeRequests: 1,
    activeRetries: 0,
    counters: {
      upstream_cx_total: 4,
      upstream_cx_connect_fail: 1,
      upstream_cx_connect_timeout: 0,
      upstream_cx_overflow: 0,
      upstream_cx_destroy_with_active_rq: 0,
      upstream_cx_max_requests: 0,
      upstream_cx_idle_timeout: 0,
      upstream_cx_rx_bytes_total: 8000,
      upstream_cx_tx_bytes_total: 400,
      upstream_rq_total: 3,
      upstream_rq_pending_total: 0,
      upstream_rq_pending_overflow: 0,
      upstream_rq_timeout: 0,
      upstream_rq_retry: 1,
      upstream_rq_retry_overflow: 0,
      upstream_rq_cancelled: 0,
      upstream_rq_retry_success: 0,
      upstream_rq_retry_limit_exceeded: 0,
      upstream_rq_retry_backoff_exponential: 0,
      upstream_rq_per_try_timeout: 0,
      upstream_rq_mirror: 0,
      upstream_rq_mirror_dropped: 0,
    },
    endpoints: [
      {
        endpoint: endpointOf('10.0.0.1'),
        activeRequests: 1,
        activeConnections: 2,
        requestsTotal: 3,
        failuresTotal: 1,
      },
      {
        endpoint: endpointOf('fd00::2', false),
        activeRequests: 0,
        activeConnections: 0,
        requestsTotal: 0,
        failuresTotal: 0,
      },
    ],
    ...facts,
  };
}

/** Two answers of reviews v2, one 503 of it, one 404 without a cluster; two threads. */
export const STATISTICS: StatisticsSnapshot = {
  routes: [
    { virtualHost: 'reviews.example:80', statPrefix: 'checkout', status: 200, count: 3 },
    { virtualHost: 'reviews.example:80', statPrefix: 'checkout', status: 503, count: 1 },
  ],
  connections: [],
  requests: [
    seriesOf([3, 40], { clusterName: REVIEWS_CLUSTER, service: REVIEWS, workload: REVIEWS_V2 }),
    seriesOf([7], { clusterName: REVIEWS_CLUSTER, service: REVIEWS, status: 503, responseFlags: 'UF,URX' }),
    seriesOf([0.2], { status: 404, responseFlags: 'NR' }),
  ],
  clusters: [clusterStatisticsOf(REVIEWS_CLUSTER)],
  listeners: [
    {
      name: '0.0.0.0_8080',
      activeConnections: 3,
      counters: {
        downstream_cx_total: 12,
        downstream_cx_overflow: 2,
        downstream_cx_overload_reject: 0,
        downstream_cx_evicted: 1,
        downstream_cx_idle_timeout: 4,
        downstream_rq_header_timeout: 5,
        downstream_rq_timeout: 6,
        downstream_rq_idle_timeout: 7,
      },
    },
  ],
  threads: [
    { index: 0, state: 'running', restarts: 0, activeRequests: 1, upstreamConnections: 2 },
    { index: 1, state: 'starting', restarts: 2, activeRequests: 0, upstreamConnections: 0 },
  ],
};

export const SERVER: ServerFacts = {
  version: '0.1.0',
  state: 'LIVE',
  startedAtMs: Date.UTC(2026, 7, 22, 12, 0, 0),
  nowMs: Date.UTC(2026, 7, 22, 12, 1, 5, 900),
  node: {
    id: 'router~10.0.0.2~ingress-1.istio-system~istio-system.svc.cluster.local',
    workload: 'ingress',
    namespace: 'istio-system',
    app: 'ingress',
    version: 'unknown',
    canonicalService: 'ingress',
    canonicalRevision: 'unknown',
    principal: 'unknown',
    clusterId: 'Kubernetes',
  },
  memory: {
    rss: 90_000_000,
    heapTotal: 30_000_000,
    heapUsed: 20_000_000,
    external: 5_000_000,
    arrayBuffers: 1_000_000,
  },
  config: {
    generation: 7,
    state: 'ok',
    attempts: 8,
    failures: 1,
    lastSuccessMs: Date.UTC(2026, 7, 22, 12, 0, 30),
  },
  activeListeners: 1,
  accessLog: { writtenCount: 4, droppedCount: 0 },
};
