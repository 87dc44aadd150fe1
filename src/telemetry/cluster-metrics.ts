// SPDX-License-Identifier: Apache-2.0
/**
 * Cluster statistics -> Envoy's cluster metrics (`envoy_cluster_*`, label `cluster_name`), names and types as Envoy exposes
 * them. Only what the engine counts is here: a metric that would always be 0 is left out, so that an alert on it shows
 * "no data" instead of a false calm.
 */
import type { ClusterCounters, ClusterStatistics } from '../engine/statistics.js';
import type { MetricDefinition, NumberMetric, Sample } from './metric-definition.js';

function clusterMetric(
  type: NumberMetric['type'],
  stat: string,
  help: string,
  read: (cluster: ClusterStatistics) => number,
): NumberMetric {
  return {
    type,
    name: `envoy_cluster_${stat.replaceAll('.', '_')}`,
    help,
    labels: ['cluster_name'],
    statName: `cluster.{cluster_name}.${stat}`,
    read: ({ statistics }) =>
      statistics.clusters.map((cluster) => ({ labels: { cluster_name: cluster.name }, value: read(cluster) })),
  };
}

/** Counters that the engine has under Envoy's own name. */
const COUNTER_HELP: Readonly<Record<keyof ClusterCounters, string>> = {
  upstream_cx_total: 'Connections opened.',
  upstream_cx_connect_fail: 'Connections that failed to open.',
  upstream_cx_connect_timeout: 'Connections that did not open within connectTimeout.',
  upstream_cx_overflow: 'Times that maxConnections was reached.',
  upstream_cx_destroy_with_active_rq: 'Connections closed while a request was on them.',
  upstream_cx_max_requests: 'Connections closed because of maxRequestsPerConnection.',
  upstream_cx_idle_timeout: 'Connections closed because they were idle.',
  upstream_cx_rx_bytes_total: 'Bytes received from endpoints.',
  upstream_cx_tx_bytes_total: 'Bytes sent to endpoints.',
  upstream_rq_total: 'Requests sent to endpoints, retries included.',
  upstream_rq_pending_total: 'Requests that had to wait for a connection.',
  upstream_rq_pending_overflow: 'Requests refused by http1MaxPendingRequests or http2MaxRequests.',
  upstream_rq_timeout: 'Requests that met their timeout.',
  upstream_rq_retry: 'Retries.',
  upstream_rq_retry_overflow: 'Retries refused by maxRetries or by the retry budget.',
  upstream_rq_retry_success: 'Retries that brought an answer which was not retried again.',
  upstream_rq_retry_limit_exceeded: 'Requests that failed after all their retries.',
  upstream_rq_retry_backoff_exponential: 'Retries that waited for their exponential back-off.',
  upstream_rq_per_try_timeout: 'Tries that met the perTryTimeout.',
  upstream_rq_mirror: 'Copies of requests sent for mirrors.',
  upstream_rq_mirror_dropped:
    'Copies for mirrors that were given up: limits, no endpoint, or a connection that is too slow.',
  upstream_rq_cancelled: 'Requests given up before a connection was there.',
};

const COUNTERS = (Object.keys(COUNTER_HELP) as (keyof ClusterCounters)[]).map((name) =>
  clusterMetric('counter', name, COUNTER_HELP[name], (cluster) => cluster.counters[name]),
);

const open = (used: number, limit: number): number => (used >= limit ? 1 : 0);
const remaining = (used: number, limit: number): number => Math.max(0, limit - used);

const GAUGES: readonly NumberMetric[] = [
  clusterMetric('gauge', 'upstream_cx_active', 'Open connections.', (c) => c.activeConnections),
  clusterMetric('gauge', 'upstream_rq_active', 'Requests under way.', (c) => c.activeRequests),
  clusterMetric('gauge', 'upstream_rq_pending_active', 'Requests waiting for a connection.', (c) => c.pendingRequests),
  clusterMetric('gauge', 'membership_total', 'Endpoints.', (c) => c.endpoints.length),
  clusterMetric(
    'gauge',
    'membership_healthy',
    'Endpoints that can be chosen.',
    (c) => c.endpoints.filter(({ endpoint }) => endpoint.healthy).length,
  ),
  ...breakerGauges('cx', 'cx', 'maxConnections', (c) => [c.activeConnections, c.limits.maxConnections]),
  ...breakerGauges('rq_pending', 'pending', 'http1MaxPendingRequests', (c) => [
    c.pendingRequests,
    c.limits.maxPendingRequests,
  ]),
  ...breakerGauges('rq', 'rq', 'http2MaxRequests', (c) => [c.activeRequests, c.limits.maxRequests]),
  ...breakerGauges('rq_retry', 'retries', 'maxRetries', (c) => [c.activeRetries, c.limits.maxRetries]),
];

function breakerGauges(
  openName: string,
  remainingName: string,
  field: string,
  read: (cluster: ClusterStatistics) => readonly [used: number, limit: number],
): readonly NumberMetric[] {
  const prefix = 'circuit_breakers.default';
  return [
    clusterMetric('gauge', `${prefix}.${openName}_open`, `1 while ${field} is reached.`, (c) => open(...read(c))),
    clusterMetric('gauge', `${prefix}.remaining_${remainingName}`, `What ${field} still allows.`, (c) =>
      remaining(...read(c)),
    ),
  ];
}

/** Counted from finished requests, as Envoy charges a cluster for each answer, its own 503 included. */
function readByClass(view: Parameters<NumberMetric['read']>[0]): readonly Sample[] {
  const counts = new Map<string, Sample>();
  for (const { clusterName, status, count } of view.statistics.requests) {
    if (clusterName === undefined || status < 100) continue;
    const statusClass = String(Math.floor(status / 100));
    const key = `${statusClass} ${clusterName}`;
    const labels = { response_code_class: statusClass, cluster_name: clusterName };
    counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + count });
  }
  return [...counts.values()];
}

export const CLUSTER_METRICS: readonly MetricDefinition[] = [
  ...COUNTERS,
  {
    type: 'counter',
    name: 'envoy_cluster_upstream_rq_xx',
    help: 'Answers by the first digit of their status code.',
    labels: ['response_code_class', 'cluster_name'],
    statName: 'cluster.{cluster_name}.upstream_rq_{response_code_class}xx',
    read: readByClass,
  },
  ...GAUGES,
];
