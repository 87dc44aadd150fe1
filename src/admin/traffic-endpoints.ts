// SPDX-License-Identifier: Apache-2.0
/** What the proxy listens on and sends to, in the shapes of Envoy's /clusters and /listeners. */
import type { ClusterStatistics, EndpointStatistics } from '../engine/statistics.js';
import type { BoundListener } from '../proxy/proxy.js';
import { jsonReply, textReply } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { formatAddress } from './http-server.js';

const FORMAT = { format: 'text or json' };

/** `<cluster>::<address>::<stat>::<value>`. */
function printClusters(clusters: readonly ClusterStatistics[]): string {
  const lines: string[] = [];
  for (const { name, limits, endpoints } of clusters) {
    lines.push(`${name}::observability_name::${name}`);
    lines.push(`${name}::default_priority::max_connections::${limits.maxConnections}`);
    lines.push(`${name}::default_priority::max_pending_requests::${limits.maxPendingRequests}`);
    lines.push(`${name}::default_priority::max_requests::${limits.maxRequests}`);
    lines.push(`${name}::default_priority::max_retries::${limits.maxRetries}`);
    lines.push(`${name}::added_via_api::true`);
    for (const statistics of endpoints) {
      const { endpoint } = statistics;
      const prefix = `${name}::${formatAddress(endpoint.address, endpoint.port)}`;
      for (const { name: stat, value } of endpointStats(statistics)) lines.push(`${prefix}::${stat}::${value}`);
      lines.push(`${prefix}::health_flags::${endpoint.healthy ? 'healthy' : '/failed_eds_health'}`);
      lines.push(`${prefix}::weight::${endpoint.weight}`);
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** envoy.admin.v3.SimpleMetric; a counter is the default type and not written. */
function endpointStats(statistics: EndpointStatistics): { name: string; value: string; type?: 'GAUGE' }[] {
  return [
    { name: 'cx_active', value: String(statistics.activeConnections), type: 'GAUGE' },
    { name: 'rq_active', value: String(statistics.activeRequests), type: 'GAUGE' },
    { name: 'rq_error', value: String(statistics.failuresTotal) },
    { name: 'rq_total', value: String(statistics.requestsTotal) },
  ];
}

/** envoy.admin.v3.Clusters. */
function clustersJson(clusters: readonly ClusterStatistics[]) {
  return {
    cluster_statuses: clusters.map(({ name, limits, endpoints }) => ({
      name,
      added_via_api: true,
      host_statuses: endpoints.map((statistics) => ({
        address: socketAddress(statistics.endpoint.address, statistics.endpoint.port),
        stats: endpointStats(statistics),
        health_status: { eds_health_status: statistics.endpoint.healthy ? 'HEALTHY' : 'UNHEALTHY' },
        weight: statistics.endpoint.weight,
        locality: {},
      })),
      circuit_breakers: {
        thresholds: [
          {
            max_connections: limits.maxConnections,
            max_pending_requests: limits.maxPendingRequests,
            max_requests: limits.maxRequests,
            max_retries: limits.maxRetries,
          },
        ],
      },
      observability_name: name,
    })),
  };
}

/** envoy.config.core.v3.Address. */
export function socketAddress(address: string, port: number) {
  return { socket_address: { address, port_value: port } };
}

/** `<name>::<address>`, and why when it is not bound. */
function printListeners(listeners: readonly BoundListener[]): string {
  return listeners
    .map(({ name, address, port, error }) => {
      const failure = error === undefined ? '' : ` (not listening: ${error.replace(/\s+/g, ' ')})`;
      return `${name}::${formatAddress(address, port)}${failure}\n`;
    })
    .join('');
}

/** envoy.admin.v3.Listeners; `error` is Weft's. */
function listenersJson(listeners: readonly BoundListener[]) {
  return {
    listener_statuses: listeners.map(({ name, address, port, error }) => ({
      name,
      local_address: socketAddress(address, port),
      ...(error === undefined ? {} : { error }),
    })),
  };
}

export const TRAFFIC_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/clusters',
    summary: 'clusters with their limits, endpoints and what is under way on them',
    parameters: FORMAT,
    answer: ({ source, query }) => {
      const { clusters } = source.statistics();
      if (query.choice('format', ['text', 'json']) === 'json') return jsonReply(clustersJson(clusters));
      return textReply(printClusters(clusters));
    },
  },
  {
    method: 'GET',
    path: '/listeners',
    summary: 'addresses that the proxy listens on',
    parameters: FORMAT,
    answer: ({ source, query }) => {
      const listeners = source.listeners();
      if (query.choice('format', ['text', 'json']) === 'json') return jsonReply(listenersJson(listeners));
      return textReply(printListeners(listeners));
    },
  },
  {
    method: 'GET',
    path: '/routes',
    summary: 'routes in the order in which they are tried; as JSON the whole routing model',
    parameters: FORMAT,
    answer: ({ source, query }) => {
      if (query.choice('format', ['text', 'json']) === 'json') return jsonReply(source.model() ?? null);
      return textReply(source.printRoutes());
    },
  },
];
