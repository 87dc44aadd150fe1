// SPDX-License-Identifier: Apache-2.0
/**
 * Client connections of each listener -> Envoy's listener and HTTP connection manager metrics where Envoy has a name for the
 * fact (labels as Istio's bootstrap names them), and `weft_*` where it has none. The uWebSockets.js front counts none of it.
 */
import type { ListenerStatistics } from '../engine/statistics.js';
import type { MetricDefinition, NumberMetric } from './metric-definition.js';

type Read = (listener: ListenerStatistics) => number;

function listenerMetric(type: NumberMetric['type'], stat: string, help: string, read: Read): NumberMetric {
  return {
    type,
    name: `envoy_listener_${stat}`,
    help,
    labels: ['listener_address'],
    statName: `listener.{listener_address}.${stat}`,
    read: ({ statistics }) =>
      statistics.listeners.map((listener) => ({ labels: { listener_address: listener.name }, value: read(listener) })),
  };
}

/** Istio names the connection manager of a gateway's or an outbound listener after it. */
function httpMetric(stat: string, help: string, read: Read): NumberMetric {
  return {
    type: 'counter',
    name: `envoy_http_${stat}`,
    help,
    labels: ['http_conn_manager_prefix'],
    statName: `http.{http_conn_manager_prefix}.${stat}`,
    read: ({ statistics }) =>
      statistics.listeners.map((listener) => ({
        labels: { http_conn_manager_prefix: `outbound_${listener.name}` },
        value: read(listener),
      })),
  };
}

export const LISTENER_METRICS: readonly MetricDefinition[] = [
  listenerMetric('gauge', 'downstream_cx_active', 'Open client connections.', (l) => l.activeConnections),
  listenerMetric(
    'counter',
    'downstream_cx_total',
    'Client connections accepted.',
    (l) => l.counters.downstream_cx_total,
  ),
  listenerMetric(
    'counter',
    'downstream_cx_overflow',
    'Client connections refused because of --max-connections.',
    (l) => l.counters.downstream_cx_overflow,
  ),
  listenerMetric(
    'counter',
    'downstream_cx_overload_reject',
    'Client connections refused because a thread had no place left for one.',
    (l) => l.counters.downstream_cx_overload_reject,
  ),
  {
    type: 'counter',
    name: 'weft_listener_evicted_connections_total',
    help: 'Client connections closed to make room for a client of a source that has fewer.',
    labels: ['listener_address'],
    read: ({ statistics }) =>
      statistics.listeners.map(({ name, counters }) => ({
        labels: { listener_address: name },
        value: counters.downstream_cx_evicted,
      })),
  },
  httpMetric(
    'downstream_cx_idle_timeout',
    'Client connections closed because of --idle-timeout-seconds.',
    (l) => l.counters.downstream_cx_idle_timeout,
  ),
  httpMetric(
    'downstream_rq_header_timeout',
    'Requests given up because of --head-timeout-seconds.',
    (l) => l.counters.downstream_rq_header_timeout,
  ),
  httpMetric(
    'downstream_rq_timeout',
    'Requests given up because of --request-timeout-seconds.',
    (l) => l.counters.downstream_rq_timeout,
  ),
  httpMetric(
    'downstream_rq_idle_timeout',
    'Requests given up because of --stream-idle-timeout-seconds.',
    (l) => l.counters.downstream_rq_idle_timeout,
  ),
];
