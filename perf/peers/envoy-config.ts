// SPDX-License-Identifier: Apache-2.0
/**
 * Work -> Envoy's bootstrap, route configuration and clusters, as the JSON that Envoy reads from files. Routes stand in rule
 * order in one virtual host, the form that Istio's control plane sends. Routes and clusters are files of their own, watched
 * by Envoy, so that a reload changes neither the listener nor its connections.
 */
import type { ServerCertificate, Work } from './contract.js';
import { BREAKER_LIMIT, listRoutes, listShares } from './work.js';
import type { RouteEntry } from './work.js';

/** Files and ports of one Envoy process. */
export interface EnvoySetting {
  readonly port: number;
  readonly adminPort: number;
  readonly routesFile: string;
  readonly clustersFile: string;
  /** Its protocol and certificate. */
  readonly work?: Pick<Work, 'protocol' | 'tls'>;
  /** Absent: no access log. */
  readonly accessLogFile?: string;
}

const TYPE = 'type.googleapis.com/envoy';
/** Envoy's default of 1,024 connections and requests to a cluster would make itself felt with 1,000 clients. */
const UNLIMITED = 1_000_000_000;

/** The static part: admin, the listener, and where routes and clusters come from. */
export function buildBootstrap(setting: EnvoySetting): object {
  return {
    node: { id: 'perf', cluster: 'perf' },
    admin: { address: socketAddress(setting.adminPort) },
    dynamic_resources: { cds_config: watchFile(setting.clustersFile) },
    static_resources: {
      listeners: [
        {
          name: 'front',
          address: socketAddress(setting.port),
          filter_chains: [
            {
              ...(setting.work?.tls === undefined ? {} : { transport_socket: downstreamTls(setting.work.tls) }),
              filters: [
                { name: 'envoy.filters.network.http_connection_manager', typed_config: connectionManager(setting) },
              ],
            },
          ],
        },
      ],
    },
  };
}

/** The discovery response that holds all routes; `version` must differ from that of the file it replaces. */
export function buildRoutes(work: Work, version: string): object {
  const shares = listShares(work);
  const [first, ...rest] = shares;
  const destination =
    first !== undefined && rest.length === 0
      ? { cluster: clusterName(first.port) }
      : {
          weighted_clusters: { clusters: shares.map(({ port, weight }) => ({ name: clusterName(port), weight })) },
        };
  // The default of 15 s is a timer for each request; the mesh's own default is none.
  const route = { ...destination, timeout: '0s' };
  return {
    version_info: version,
    resources: [
      {
        '@type': `${TYPE}.config.route.v3.RouteConfiguration`,
        name: 'routes',
        // Nothing here depends on the cluster's presence at load time, since both files arrive by themselves.
        validate_clusters: false,
        virtual_hosts: [
          { name: 'all', domains: ['*'], routes: listRoutes(work).map((entry) => ({ match: matchOf(entry), route })) },
        ],
      },
    ],
  };
}

/** The discovery response with one cluster for each upstream. */
export function buildClusters(work: Work, version: string): object {
  const limit = work.breaker === true ? BREAKER_LIMIT : UNLIMITED;
  return {
    version_info: version,
    resources: work.upstreams.map((port) => ({
      '@type': `${TYPE}.config.cluster.v3.Cluster`,
      name: clusterName(port),
      type: 'STATIC',
      connect_timeout: '5s',
      ...(work.protocol === 'http2' ? { typed_extension_protocol_options: HTTP2_TO_UPSTREAM } : {}),
      load_assignment: {
        cluster_name: clusterName(port),
        endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(port) } }] }],
      },
      circuit_breakers: {
        thresholds: [
          {
            max_connections: limit,
            max_pending_requests: limit,
            max_requests: limit,
            max_retries: limit,
            // The room that is left is kept as gauges only where breakers are what is measured.
            track_remaining: work.breaker === true,
          },
        ],
      },
    })),
  };
}

const HTTP2_TO_UPSTREAM = {
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
    '@type': `${TYPE}.extensions.upstreams.http.v3.HttpProtocolOptions`,
    explicit_http_config: { http2_protocol_options: {} },
  },
};

function downstreamTls({ certificate, privateKey }: ServerCertificate): object {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}.extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { filename: certificate }, private_key: { filename: privateKey } }],
      },
    },
  };
}

function connectionManager(setting: EnvoySetting): object {
  return {
    '@type': `${TYPE}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'front',
    codec_type: setting.work?.protocol === 'http2' ? 'HTTP2' : 'HTTP1',
    ...(setting.work?.protocol === 'websocket' ? { upgrade_configs: [{ upgrade_type: 'websocket' }] } : {}),
    rds: { route_config_name: 'routes', config_source: watchFile(setting.routesFile) },
    // The client is the peer of the connection: this is what appends x-forwarded-for.
    use_remote_address: true,
    generate_request_id: true,
    // At an edge Envoy replaces the client's request id; the others keep it.
    preserve_external_request_id: true,
    // The upstream's own `server` header goes through, as it does in the other peers.
    server_header_transformation: 'PASS_THROUGH',
    ...(setting.accessLogFile === undefined ? {} : { access_log: [accessLog(setting.accessLogFile)] }),
    http_filters: [
      {
        name: 'envoy.filters.http.router',
        typed_config: {
          '@type': `${TYPE}.extensions.filters.http.router.v3.Router`,
          // No other peer adds x-envoy-* headers of its own.
          suppress_envoy_headers: true,
        },
      },
    ],
  };
}

function accessLog(path: string): object {
  return {
    name: 'envoy.access_loggers.file',
    typed_config: { '@type': `${TYPE}.extensions.access_loggers.file.v3.FileAccessLog`, path },
  };
}

function matchOf({ match, pattern, headerValue }: RouteEntry): object {
  switch (match) {
    case 'exact':
      return { path: pattern };
    case 'prefix':
      return headerValue === undefined
        ? { prefix: pattern }
        : { prefix: pattern, headers: [{ name: 'x-route', string_match: { exact: headerValue } }] };
    case 'regex':
      return { safe_regex: { regex: pattern } };
  }
}

function clusterName(port: number): string {
  return `upstream-${port}`;
}

function socketAddress(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function watchFile(path: string): object {
  return { resource_api_version: 'V3', path_config_source: { path } };
}
