// SPDX-License-Identifier: Apache-2.0
/** A listener of the model -> envoy.config.listener.v3.Listener as JSON, with the filters that Weft has the behaviour of. */
import type { FilterChain, Listener, PathNormalization, TcpProxy } from '../model/model.js';
import { renderDuration } from './render-cluster.js';
import { socketAddress } from './traffic-endpoints.js';

const CONNECTION_MANAGER =
  'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** HttpConnectionManager's fields for Istio's pathNormalization. */
const NORMALIZATION: Readonly<Record<PathNormalization, object>> = {
  NONE: { normalize_path: false },
  BASE: { normalize_path: true },
  MERGE_SLASHES: { normalize_path: true, merge_slashes: true },
  DECODE_AND_MERGE_SLASHES: {
    normalize_path: true,
    merge_slashes: true,
    path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD',
  },
};

/** A listener of the model, or what a table file still knows of one. */
export interface ListenerFacts extends Omit<Listener, 'filterChains'> {
  readonly filterChains: readonly FilterChainFacts[];
}

export type FilterChainFacts = Pick<FilterChain, 'name' | 'match'> & {
  readonly routeConfigName: string;
  readonly tcp?: Pick<TcpProxy, 'clusters' | 'idleTimeoutMs' | 'maxDurationMs'>;
};

export function renderListener(listener: ListenerFacts): object {
  return {
    '@type': 'type.googleapis.com/envoy.config.listener.v3.Listener',
    name: listener.name,
    address: socketAddress(listener.address, listener.port),
    filter_chains: listener.filterChains.map((chain) => renderFilterChain(listener, chain)),
    traffic_direction: 'OUTBOUND',
    metadata: { filter_metadata: { weft: { config_port: listener.configPort, origin: listener.origin } } },
  };
}

function renderFilterChain(listener: ListenerFacts, chain: FilterChainFacts): object {
  const { name, match, routeConfigName, tcp } = chain;
  const chainMatch = {
    ...(match.serverNames.length === 0 ? {} : { server_names: match.serverNames }),
    ...(match.transportProtocol === undefined ? {} : { transport_protocol: match.transportProtocol }),
    ...(match.applicationProtocol === undefined ? {} : { application_protocols: ['http/1.0', 'http/1.1', 'h2c'] }),
  };
  const head = {
    ...(name === listener.name ? {} : { name }),
    ...(Object.keys(chainMatch).length === 0 ? {} : { filter_chain_match: chainMatch }),
  };
  if (tcp !== undefined) return { ...head, filters: [renderTcpProxy(routeConfigName, tcp)] };
  return {
    ...head,
    filters: [
      {
        name: 'envoy.filters.network.http_connection_manager',
        typed_config: {
          '@type': CONNECTION_MANAGER,
          stat_prefix: `outbound_${listener.name}`,
          rds: { config_source: { ads: {}, resource_api_version: 'V3' }, route_config_name: routeConfigName },
          http_filters: [filter('fault', 'HTTPFault'), filter('router', 'Router')],
          ...NORMALIZATION[listener.pathNormalization],
        },
      },
    ],
  };
}

function renderTcpProxy(statPrefix: string, tcp: FilterChainFacts['tcp'] & object): object {
  const [first, ...others] = tcp.clusters;
  const clusters = tcp.clusters.map(({ cluster, weight }) => ({ name: cluster, weight }));
  return {
    name: 'envoy.filters.network.tcp_proxy',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
      stat_prefix: statPrefix,
      ...(others.length > 0 ? { weighted_clusters: { clusters } } : { cluster: first?.cluster ?? 'BlackHoleCluster' }),
      idle_timeout: renderDuration(tcp.idleTimeoutMs),
      ...(tcp.maxDurationMs === 0 ? {} : { max_downstream_connection_duration: renderDuration(tcp.maxDurationMs) }),
    },
  };
}

function filter(name: string, message: string): object {
  return {
    name: `envoy.filters.http.${name}`,
    typed_config: { '@type': `type.googleapis.com/envoy.extensions.filters.http.${name}.v3.${message}` },
  };
}
