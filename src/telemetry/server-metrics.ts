// SPDX-License-Identifier: Apache-2.0
/**
 * The process, its configuration and its threads -> Envoy's server metrics where Envoy has a name for the fact, and
 * `weft_*` where it has none.
 */
import type { ThreadStatistics } from '../engine/statistics.js';
import type { MetricDefinition, NumberMetric, Sample } from './metric-definition.js';
import { reasonOfFlags } from '../engine/response-flags.js';
import type { ServerFacts, ServerState } from './server-facts.js';

/** The numbers of envoy.admin.v3.ServerInfo.State. */
const STATE_NUMBER: Readonly<Record<ServerState, number>> = {
  LIVE: 0,
  DRAINING: 1,
  PRE_INITIALIZING: 2,
  INITIALIZING: 3,
};

const THREAD_STATES: readonly ThreadStatistics['state'][] = ['starting', 'running', 'draining', 'stopped'];

function envoyGauge(stat: string, help: string, read: (server: ServerFacts) => number): NumberMetric {
  return {
    type: 'gauge',
    name: `envoy_${stat.replaceAll('.', '_')}`,
    help,
    labels: [],
    statName: stat,
    read: ({ server }) => [{ labels: {}, value: read(server) }],
  };
}

function threadMetric(
  type: NumberMetric['type'],
  name: string,
  help: string,
  read: (thread: ThreadStatistics) => number,
): NumberMetric {
  return {
    type,
    name,
    help,
    labels: ['thread'],
    read: ({ statistics }) =>
      statistics.threads.map((thread) => ({ labels: { thread: String(thread.index) }, value: read(thread) })),
  };
}

const ENVOY_METRICS: readonly NumberMetric[] = [
  envoyGauge('server.live', '1 while the proxy takes traffic and is not draining.', (s) =>
    s.state === 'LIVE' ? 1 : 0,
  ),
  envoyGauge('server.state', '0 live, 1 draining, 2 pre-initializing, 3 initializing.', (s) => STATE_NUMBER[s.state]),
  envoyGauge('server.uptime', 'Seconds since the start.', (s) => Math.floor((s.nowMs - s.startedAtMs) / 1000)),
  {
    ...envoyGauge('server.concurrency', 'Data-path threads.', () => 0),
    read: ({ statistics }) => [{ labels: {}, value: statistics.threads.length }],
  },
  envoyGauge('server.memory_allocated', "Bytes in use on the main thread's heap.", (s) => s.memory.heapUsed),
  envoyGauge('server.memory_heap_size', "Bytes reserved for the main thread's heap.", (s) => s.memory.heapTotal),
  envoyGauge('server.memory_physical_size', 'Resident bytes of the process.', (s) => s.memory.rss),
  {
    ...envoyGauge('cluster_manager.active_clusters', 'Clusters in force.', () => 0),
    read: ({ statistics }) => [{ labels: {}, value: statistics.clusters.length }],
  },
  envoyGauge('listener_manager.total_listeners_active', 'Listeners that are bound.', (s) => s.activeListeners),
];

const CONFIG_METRICS: readonly MetricDefinition[] = [
  {
    type: 'gauge',
    name: 'weft_config_generation',
    help: 'Number of the configuration in force, 0 before the first.',
    labels: [],
    read: ({ server }) => [{ labels: {}, value: server.config.generation }],
  },
  {
    type: 'gauge',
    name: 'weft_config_stale',
    help: '1 while something in the configuration source is not in force as it stands there.',
    labels: [],
    read: ({ server }) => [{ labels: {}, value: server.config.state === 'stale' ? 1 : 0 }],
  },
  {
    type: 'counter',
    name: 'weft_config_reloads_total',
    help: 'Attempts to load the configuration.',
    labels: ['result'],
    read: ({ server }) => [
      { labels: { result: 'success' }, value: server.config.attempts - server.config.failures },
      { labels: { result: 'failure' }, value: server.config.failures },
    ],
  },
  {
    type: 'gauge',
    name: 'weft_config_last_success_timestamp_seconds',
    help: 'Unix time of the last configuration that was taken, 0 before the first.',
    labels: [],
    read: ({ server }) => [{ labels: {}, value: server.config.lastSuccessMs / 1000 }],
  },
];

const THREAD_METRICS: readonly MetricDefinition[] = [
  {
    type: 'gauge',
    name: 'weft_thread_state',
    help: '1 for the state that a data-path thread is in, 0 for the others.',
    labels: ['thread', 'state'],
    read: ({ statistics }) =>
      statistics.threads.flatMap((thread) =>
        THREAD_STATES.map((state) => ({
          labels: { thread: String(thread.index), state },
          value: thread.state === state ? 1 : 0,
        })),
      ),
  },
  threadMetric('counter', 'weft_thread_restarts_total', 'Times that a crashed thread was replaced.', (t) => t.restarts),
  threadMetric('gauge', 'weft_thread_active_requests', 'Requests under way on a thread.', (t) => t.activeRequests),
  threadMetric(
    'gauge',
    'weft_thread_upstream_connections',
    'Connections to endpoints that a thread holds.',
    (t) => t.upstreamConnections,
  ),
];

const RESPONSES: NumberMetric = {
  type: 'counter',
  name: 'weft_responses_total',
  help: 'Requests that have ended, by status code (0: no response) and by the reason that the response flags give.',
  labels: ['response_code', 'reason'],
  read: ({ statistics }) => {
    const counts = new Map<string, Sample>();
    for (const { status, responseFlags, count } of statistics.requests) {
      const labels = { response_code: String(status), reason: reasonOfFlags(responseFlags) };
      const key = `${labels.response_code} ${labels.reason}`;
      counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + count });
    }
    return [...counts.values()];
  },
};

function accessLogCounter(name: string, help: string, key: 'writtenCount' | 'droppedCount'): NumberMetric {
  return {
    type: 'counter',
    name,
    help,
    labels: [],
    read: ({ server }) => (server.accessLog === undefined ? [] : [{ labels: {}, value: server.accessLog[key] }]),
  };
}

export const SERVER_METRICS: readonly MetricDefinition[] = [
  ...ENVOY_METRICS,
  RESPONSES,
  ...CONFIG_METRICS,
  ...THREAD_METRICS,
  accessLogCounter('weft_access_log_lines_total', 'Access-log lines written.', 'writtenCount'),
  accessLogCounter(
    'weft_access_log_dropped_lines_total',
    'Access-log lines given up because the file could not keep up or failed.',
    'droppedCount',
  ),
];
