// SPDX-License-Identifier: Apache-2.0
/**
 * What the engine has counted, as plain data: the sum over all threads at the moment of reading. Telemetry turns it into
 * exposition formats; admin prints it.
 */
import type { Endpoint, ServiceIdentity, WorkloadIdentity } from '../model/model.js';

/** Upper bounds of Istio's three standard histograms; the last bucket of a histogram is +Inf. */
export const HISTOGRAM_BOUNDS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000,
];

/** Bucket counts are not cumulative; `buckets` has one more entry than HISTOGRAM_BOUNDS. */
export interface HistogramData {
  readonly sum: number;
  readonly buckets: Float64Array;
}

/** All finished requests of one kind. */
export interface RequestSeries {
  /** Absent when the request never got as far as a cluster (404, redirect, direct response). */
  readonly clusterName?: string;
  readonly service?: ServiceIdentity;
  /** Absent when no endpoint was chosen. */
  readonly workload?: WorkloadIdentity;
  /** 0 = no response was sent. */
  readonly status: number;
  /** Envoy's letters joined by commas, '-' for none. */
  readonly responseFlags: string;
  readonly protocol: 'http' | 'grpc';
  readonly count: number;
  readonly durationMs: HistogramData;
  readonly requestBytes: HistogramData;
  readonly responseBytes: HistogramData;
}

/** TCP connections of one kind. Bytes are counted while they last. */
export interface ConnectionSeries extends Pick<
  RequestSeries,
  'clusterName' | 'service' | 'workload' | 'responseFlags'
> {
  readonly openedCount: number;
  readonly closedCount: number;
  /** From clients. */
  readonly receivedBytes: number;
  /** To clients. */
  readonly sentBytes: number;
}

/** Finished requests of the routes of a virtual host that share a statPrefix. */
export interface RouteSeries {
  readonly virtualHost: string;
  readonly statPrefix: string;
  /** 0 = no response was sent. */
  readonly status: number;
  readonly count: number;
}

/** Counters carry Envoy's names without the `upstream_` prefix where that is all they say. */
export interface ClusterStatistics {
  readonly name: string;
  readonly limits: { maxConnections: number; maxPendingRequests: number; maxRequests: number; maxRetries: number };
  readonly activeConnections: number;
  readonly pendingRequests: number;
  readonly activeRequests: number;
  readonly activeRetries: number;
  readonly counters: ClusterCounters;
  readonly endpoints: readonly EndpointStatistics[];
}

export interface ClusterCounters {
  readonly upstream_cx_total: number;
  readonly upstream_cx_connect_fail: number;
  readonly upstream_cx_connect_timeout: number;
  readonly upstream_cx_overflow: number;
  readonly upstream_cx_destroy_with_active_rq: number;
  readonly upstream_cx_max_requests: number;
  readonly upstream_cx_idle_timeout: number;
  readonly upstream_cx_rx_bytes_total: number;
  readonly upstream_cx_tx_bytes_total: number;
  readonly upstream_rq_total: number;
  readonly upstream_rq_pending_total: number;
  readonly upstream_rq_pending_overflow: number;
  readonly upstream_rq_timeout: number;
  readonly upstream_rq_retry: number;
  readonly upstream_rq_retry_overflow: number;
  readonly upstream_rq_cancelled: number;
  readonly upstream_rq_retry_success: number;
  readonly upstream_rq_retry_limit_exceeded: number;
  readonly upstream_rq_retry_backoff_exponential: number;
  readonly upstream_rq_per_try_timeout: number;
  readonly upstream_rq_mirror: number;
  readonly upstream_rq_mirror_dropped: number;
}

export interface EndpointStatistics {
  readonly endpoint: Endpoint;
  readonly activeRequests: number;
  readonly activeConnections: number;
  readonly requestsTotal: number;
  readonly failuresTotal: number;
}

/** Client connections of one listener that the wire front serves; counters carry Envoy's names where it has them. */
export interface ListenerStatistics {
  readonly name: string;
  readonly activeConnections: number;
  readonly counters: ListenerCounters;
}

export interface ListenerCounters {
  readonly downstream_cx_total: number;
  readonly downstream_cx_overflow: number;
  readonly downstream_cx_overload_reject: number;
  readonly downstream_cx_evicted: number;
  readonly downstream_cx_idle_timeout: number;
  readonly downstream_rq_header_timeout: number;
  readonly downstream_rq_timeout: number;
  readonly downstream_rq_idle_timeout: number;
}

export interface StatisticsSnapshot {
  readonly requests: readonly RequestSeries[];
  readonly connections: readonly ConnectionSeries[];
  readonly routes: readonly RouteSeries[];
  readonly clusters: readonly ClusterStatistics[];
  readonly listeners: readonly ListenerStatistics[];
  readonly threads: readonly ThreadStatistics[];
}

export interface ThreadStatistics {
  readonly index: number;
  readonly state: 'starting' | 'running' | 'draining' | 'stopped';
  readonly restarts: number;
  readonly activeRequests: number;
  readonly upstreamConnections: number;
}
