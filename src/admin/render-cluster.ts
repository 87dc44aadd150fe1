// SPDX-License-Identifier: Apache-2.0
/** Clusters and endpoints of the model -> envoy.config.cluster.v3.Cluster and endpoint.v3.ClusterLoadAssignment as JSON. */
import type { AuthoritySource, CertificateSource, Cluster, Endpoint, Origin, UpstreamTls } from '../model/model.js';
import { socketAddress } from './traffic-endpoints.js';

const TLS_CONTEXT = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** A cluster of the model, or what a table file still knows of one. */
export type ClusterFacts = Omit<Cluster, 'loadBalancer'> & Partial<Pick<Cluster, 'loadBalancer'>>;

export function renderCluster(cluster: ClusterFacts): object {
  const { circuitBreaker, service } = cluster;
  return {
    '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
    name: cluster.name,
    type: 'EDS',
    eds_cluster_config: { eds_config: { ads: {}, resource_api_version: 'V3' }, service_name: cluster.name },
    connect_timeout: renderDuration(cluster.connectTimeoutMs),
    ...(cluster.loadBalancer === undefined ? {} : { lb_policy: cluster.loadBalancer }),
    ...(cluster.upstreamTls === undefined ? {} : { transport_socket: renderUpstreamTls(cluster.upstreamTls) }),
    circuit_breakers: {
      thresholds: [
        {
          max_connections: circuitBreaker.maxConnections,
          max_pending_requests: circuitBreaker.maxPendingRequests,
          max_requests: circuitBreaker.maxRequests,
          max_retries: circuitBreaker.maxRetries,
          ...(circuitBreaker.retryBudget === undefined
            ? {}
            : {
                retry_budget: {
                  budget_percent: { value: circuitBreaker.retryBudget.percent },
                  min_retry_concurrency: circuitBreaker.retryBudget.minConcurrency,
                },
              }),
        },
      ],
    },
    typed_extension_protocol_options: {
      [HTTP_OPTIONS]: {
        '@type': `type.googleapis.com/${HTTP_OPTIONS}`,
        common_http_protocol_options: {
          idle_timeout: renderDuration(cluster.idleTimeoutMs),
          ...(cluster.maxRequestsPerConnection === 0
            ? {}
            : { max_requests_per_connection: cluster.maxRequestsPerConnection }),
        },
        explicit_http_config: { http_protocol_options: {} },
      },
    },
    metadata: {
      filter_metadata: {
        istio: {
          services: [{ host: service.host, name: service.name, namespace: service.namespace }],
          ...(cluster.subset === '' ? {} : { subset: cluster.subset }),
          ...istioConfig(cluster.origin),
        },
        weft: { origin: cluster.origin },
      },
    },
  };
}

/** envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext; credentials by name or file, never by content. */
function renderUpstreamTls({ certificate, verifiesServer, authorities, sni, subjectAltNames }: UpstreamTls): object {
  const nameOf = (source: CertificateSource | AuthoritySource): string =>
    source.kind === 'secret'
      ? `kubernetes://${source.name}`
      : 'certificate' in source
        ? `file-cert:${source.certificate}~${source.privateKey}`
        : `file-root:${source.authorities === '' ? 'system' : source.authorities}`;
  const roots = authorities[0] === undefined ? 'file-root:system' : nameOf(authorities[0]);
  const names = subjectAltNames.map((exact) => ({ san_type: 'DNS', matcher: { exact } }));
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `type.googleapis.com/${TLS_CONTEXT}`,
      common_tls_context: {
        tls_params: { tls_minimum_protocol_version: 'TLSv1_2', tls_maximum_protocol_version: 'TLSv1_3' },
        ...(certificate === undefined ? {} : { tls_certificate_sds_secret_configs: [{ name: nameOf(certificate) }] }),
        ...(verifiesServer
          ? {
              combined_validation_context: {
                default_validation_context: names.length === 0 ? {} : { match_typed_subject_alt_names: names },
                validation_context_sds_secret_config: { name: roots },
              },
            }
          : {}),
      },
      ...(sni === undefined ? { auto_host_sni: true } : { sni }),
    },
  };
}

export function renderLoadAssignment(cluster: Pick<Cluster, 'name' | 'endpoints'>): object {
  return {
    '@type': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
    cluster_name: cluster.name,
    endpoints: [{ locality: {}, lb_endpoints: cluster.endpoints.map(renderEndpoint) }],
  };
}

/** `istio.workload` is Istio's `workload;namespace;canonical-name;canonical-revision;cluster`. */
function renderEndpoint({ address, port, healthy, weight, workload }: Endpoint): object {
  const { workload: name, namespace, canonicalService, canonicalRevision } = workload;
  return {
    endpoint: { address: socketAddress(address, port) },
    health_status: healthy ? 'HEALTHY' : 'UNHEALTHY',
    load_balancing_weight: weight,
    metadata: {
      filter_metadata: { istio: { workload: [name, namespace, canonicalService, canonicalRevision, ''].join(';') } },
    },
  };
}

/** google.protobuf.Duration in its JSON form: 1500 -> `1.5s`. */
export function renderDuration(ms: number): string {
  return `${ms / 1000}s`;
}

/** `istio.config` names the resource behind a route or cluster; Istio writes it for these two kinds. */
export function istioConfig({ kind, namespace, name }: Origin): { config?: string } {
  const plural = new Map([
    ['VirtualService', 'virtual-service'],
    ['DestinationRule', 'destination-rule'],
  ]).get(kind);
  if (plural === undefined) return {};
  return { config: `/apis/networking.istio.io/v1/namespaces/${namespace}/${plural}/${name}` };
}
