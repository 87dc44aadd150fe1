// SPDX-License-Identifier: Apache-2.0
/**
 * Destinations that routes name -> clusters, one per (host, port, subset), made when first named. A destination that the
 * proxy cannot see gets its name but no cluster: references are resolved at run time in Istio, so that is a 503 there and
 * a warning here, never an error.
 */
import type { Cluster, Endpoint, Origin, WorkloadIdentity } from '../model/model.js';
import { compareText } from '../mesh/age-order.js';
import { findService, selects } from '../mesh/mesh.js';
import type { Mesh, MeshEndpoint, MeshPort, MeshService } from '../mesh/mesh.js';
import { isVisibleIn } from '../mesh/visibility.js';
import { resolveHost } from '../resources/hosts.js';
import type { DestinationSpec, Resource } from '../resources/types.js';
import { DestinationRuleIndex } from './destination-rules.js';
import type { EffectiveRule, RuleSubset } from './destination-rules.js';
import { originOf } from './findings.js';
import type { Findings } from './findings.js';
import { lowerProbe } from './health-check.js';
import type { ProxyNode } from './proxy-node.js';
import {
  circuitBreakerOf,
  connectTimeoutMsOf,
  idleTimeoutMsOf,
  loadBalancerOf,
  resolvePolicy,
  tcpTimesOf,
} from './traffic-policy.js';
import type { TcpTimes, TrafficPolicyBlocks } from './traffic-policy.js';
import { lowerUpstreamTls } from './upstream-tls.js';

/** The place that names a destination, for warnings. */
export interface Mention {
  readonly resource: Resource;
  readonly path: string;
}

export class ClusterTable {
  readonly #mesh: Mesh;
  readonly #node: ProxyNode;
  readonly #findings: Findings;
  readonly #rules: DestinationRuleIndex;
  /** Undefined for names that have no cluster. */
  readonly #clusters = new Map<string, Cluster | undefined>();
  readonly #tcpTimes = new Map<string, TcpTimes>();

  constructor(mesh: Mesh, node: ProxyNode, findings: Findings) {
    this.#mesh = mesh;
    this.#node = node;
    this.#findings = findings;
    this.#rules = new DestinationRuleIndex(mesh, findings);
  }

  /** The cluster of a service's port without a subset, for routes that Istio makes by itself. */
  useService(service: MeshService, port: number): string {
    const name = clusterName(service.host, port, '');
    if (!this.#clusters.has(name)) {
      const mention = { resource: service.source, path: 'spec' };
      this.#clusters.set(name, this.#build(name, service, port, '', mention));
    }
    return name;
  }

  /**
   * The name of a route's cluster. An ExternalName Service is replaced by its target, once. Without a port number it is
   * the service's only port, else the port of the listener (Istio `Destination.port`).
   */
  useDestination(destination: DestinationSpec, listenerPort: number, mention: Mention): string {
    const written = resolveHost(destination.host, mention.resource.namespace, this.#mesh.settings.domain);
    const alias = this.#mesh.aliases.get(written);
    const isAlias = alias !== undefined && isVisibleIn(alias.visibility, this.#node.namespace);
    const host = isAlias ? alias.target : written;
    const service = findService(this.#mesh, host, this.#node.namespace);
    const onlyPort = service?.ports.length === 1 ? service.ports[0]?.number : undefined;
    const port = destination.port?.number ?? onlyPort ?? listenerPort;
    const subset = destination.subset ?? '';
    const name = clusterName(host, port, subset);
    if (service === undefined) {
      this.#clusters.set(name, undefined);
      this.#findings.add(
        'host-not-found',
        mention.resource,
        `${mention.path}.host`,
        `no service "${host}" is visible to namespace "${this.#node.namespace}"; requests are answered with 503`,
        'Define a Service or a ServiceEntry with this host, or correct the name.',
      );
    } else if (this.#clusters.get(name) === undefined) {
      this.#clusters.set(name, this.#build(name, service, port, subset, mention));
    }
    // The cluster's own text, so that not every route keeps one.
    return this.#clusters.get(name)?.name ?? name;
  }

  /** How long TCP through a cluster may idle and last, where its DestinationRule says so (connectionPool.tcp). */
  tcpTimesOf(name: string): TcpTimes {
    return this.#tcpTimes.get(name) ?? {};
  }

  /** Makes a cluster again, of the same service, port and subset as one of an earlier lowering. */
  useAgain(cluster: Cluster): void {
    const { name, subset } = cluster;
    const { host, namespace, port } = cluster.service;
    if (!name.startsWith('outbound|')) {
      // One that stands for what is no service.
      this.#clusters.set(name, cluster);
      return;
    }
    // A Sidecar may have preferred another namespace than the usual order does.
    const named = this.#mesh.services.get(host)?.find((candidate) => candidate.namespace === namespace);
    const service = named ?? findService(this.#mesh, host, this.#node.namespace);
    if (service === undefined) return;
    const mention = { resource: service.source, path: 'spec' };
    this.#clusters.set(name, this.#build(name, service, port, subset, mention));
  }

  /** A cluster for what is no service of the mesh: `PassthroughCluster`, or `BlackHoleCluster` for what is refused. */
  useSpecial(name: 'PassthroughCluster' | 'BlackHoleCluster', port: number, origin: Origin): string {
    if (this.#clusters.has(name)) return name;
    const isPassthrough = name === 'PassthroughCluster';
    this.#clusters.set(name, {
      name,
      service: { host: 'unknown', name, namespace: 'unknown', port },
      subset: '',
      loadBalancer: 'LEAST_REQUEST',
      ...(isPassthrough ? { discovery: 'request-authority' as const } : {}),
      endpoints: isPassthrough ? [anyAddress(port)] : [],
      circuitBreaker: circuitBreakerOf({}),
      connectTimeoutMs: this.#mesh.settings.connectTimeoutMs,
      idleTimeoutMs: idleTimeoutMsOf({}),
      maxRequestsPerConnection: isPassthrough ? 1 : 0,
      origin,
    });
    return name;
  }

  /** A cluster that is no destination of routes between services. */
  useBuilt(cluster: Cluster): string {
    this.#clusters.set(cluster.name, cluster);
    return cluster.name;
  }

  /** The policy of the DestinationRule in effect for one of the proxy's own services, without selectors. */
  policyOf(service: MeshService | undefined, port: number | undefined): TrafficPolicyBlocks {
    if (service === undefined || port === undefined) return {};
    const rule = this.#rules.find(service, { ...this.#node, labels: {} });
    return resolvePolicy(rule?.trafficPolicy?.spec, undefined, port);
  }

  /** Sorted by name. */
  list(): Cluster[] {
    return [...this.#clusters.values()]
      .filter((cluster) => cluster !== undefined)
      .sort((left, right) => compareText(left.name, right.name));
  }

  #build(
    name: string,
    service: MeshService,
    portNumber: number,
    subsetName: string,
    mention: Mention,
  ): Cluster | undefined {
    const port = service.ports.find((candidate) => candidate.number === portNumber && candidate.protocol !== 'UDP');
    if (port === undefined) {
      const known = service.ports.map((candidate) => candidate.number).join(', ');
      this.#findings.add(
        'port-not-found',
        mention.resource,
        `${mention.path}.port.number`,
        `service "${service.host}" has no port ${portNumber}; requests are answered with 503`,
        `Its ports are ${known === '' ? 'none' : known}; give one as port.number.`,
      );
      return undefined;
    }
    const rule = this.#rules.find(service, this.#node);
    const subset = subsetName === '' ? undefined : rule?.subsets.get(subsetName);
    if (subsetName !== '' && subset === undefined) {
      this.#findings.add(
        'subset-not-found',
        mention.resource,
        `${mention.path}.subset`,
        `no DestinationRule in effect for "${service.host}" defines subset "${subsetName}"; requests are answered with 503`,
        subsetHint(rule),
      );
      return undefined;
    }
    return this.#cluster(name, service, port, subset, rule);
  }

  #cluster(
    name: string,
    service: MeshService,
    port: MeshPort,
    subset: RuleSubset | undefined,
    rule: EffectiveRule | undefined,
  ): Cluster {
    const policy = resolvePolicy(rule?.trafficPolicy?.spec, subset?.spec.trafficPolicy, port.number);
    this.#tcpTimes.set(name, tcpTimesOf(policy));
    const place = { node: this.#node, findings: this.#findings, service, port: port.number, rule, subset };
    const upstreamTls = lowerUpstreamTls(policy.tls, place);
    this.#warnOfUnreachable(service);
    const isDynamic = this.#readsRequest(service);
    const endpoints = port.endpoints.filter(
      (endpoint) => !endpoint.address.startsWith('unix://') && selects(subset?.spec.labels, endpoint.labels),
    );
    const source: Mention = subset ?? { resource: service.source, path: port.path };
    return {
      name,
      service: { host: service.host, name: service.name, namespace: service.namespace, port: port.number },
      subset: subset?.spec.name ?? '',
      loadBalancer: loadBalancerOf(policy),
      ...(isDynamic ? { discovery: 'request-authority' as const } : {}),
      endpoints: isDynamic ? [anyAddress(port.number)] : endpoints.map(lowerEndpoint),
      circuitBreaker: circuitBreakerOf(policy),
      connectTimeoutMs: connectTimeoutMsOf(policy, this.#mesh.settings.connectTimeoutMs),
      idleTimeoutMs: idleTimeoutMsOf(policy),
      // A connection to one host must not carry a request for another.
      maxRequestsPerConnection: isDynamic ? 1 : (policy.connectionPool?.http?.maxRequestsPerConnection ?? 0),
      ...(upstreamTls === undefined ? {} : { upstreamTls }),
      origin: originOf(source.resource, source.path),
    };
  }

  /**
   * Whether requests themselves say where they go. Istio connects to the address that the client dialled for resolution
   * NONE, which a gateway never knows; for the host that the client asked for that is where its name leads.
   */
  #readsRequest({ source }: MeshService): boolean {
    if (source.kind !== 'ServiceEntry' || source.spec.workloadSelector !== undefined) return false;
    const { resolution = 'NONE' } = source.spec;
    return resolution === 'DYNAMIC_DNS' || (resolution === 'NONE' && this.#node.role === 'sidecar');
  }

  /** Validation cannot see these: a resolution that is absent, and addresses of every form that Istio allows. */
  #warnOfUnreachable(service: MeshService): void {
    const { source } = service;
    if (!service.hasEndpointList && !this.#readsRequest(service)) {
      this.#findings.add(
        'no-effect',
        source,
        'spec.resolution',
        `"${service.host}" takes its address from the client's connection, which a gateway does not have; requests are answered with 503`,
        'Set resolution to DNS, or to STATIC with endpoints.',
      );
    }
    const unix = source.kind === 'ServiceEntry' && source.spec.endpoints?.findIndex(isUnixSocket);
    if (typeof unix === 'number' && unix >= 0) {
      this.#findings.add(
        'not-executed',
        source,
        `spec.endpoints[${unix}].address`,
        'endpoints that are Unix sockets are not used',
        'Let the server listen on an IP address and port.',
      );
    }
  }
}

/** Istio's cluster name. */
export function clusterName(host: string, port: number, subset: string): string {
  return `outbound|${port}|${subset}|${host}`;
}

/** Stands for the address that a request names. */
function anyAddress(port: number): Endpoint {
  const workload = { name: '', namespace: '', serviceAccount: '' };
  const endpoint = { address: '0.0.0.0', port, weight: 1, healthy: true, labels: {}, workload };
  return lowerEndpoint(endpoint);
}

function isUnixSocket(endpoint: { readonly address?: string }): boolean {
  return endpoint.address?.startsWith('unix://') === true;
}

function subsetHint(rule: EffectiveRule | undefined): string {
  if (rule === undefined) return 'Write a DestinationRule for this host that defines the subset.';
  const known = [...rule.subsets.keys()].sort(compareText).join(', ');
  return known === '' ? 'The rule in effect has no subsets.' : `The rule in effect defines ${known}.`;
}

function lowerEndpoint(endpoint: MeshEndpoint): Endpoint {
  const { address, port, weight, healthy } = endpoint;
  const healthCheck = lowerProbe(endpoint.probe);
  return {
    address,
    port,
    weight,
    healthy,
    ...(healthCheck === undefined ? {} : { healthCheck }),
    workload: workloadIdentity(endpoint),
  };
}

/**
 * Istio's canonical name and revision come from labels in a fixed order of preference. The principal is what mTLS proves,
 * and connections to clusters are plaintext.
 */
export function workloadIdentity(endpoint: MeshEndpoint): WorkloadIdentity {
  const { labels, workload } = endpoint;
  const name = workload.name === '' ? 'unknown' : workload.name;
  return {
    workload: name,
    namespace: workload.namespace === '' ? 'unknown' : workload.namespace,
    app: labels['app'] ?? 'unknown',
    version: labels['version'] ?? 'unknown',
    canonicalService:
      labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? name,
    canonicalRevision:
      labels['service.istio.io/canonical-revision'] ??
      labels['app.kubernetes.io/version'] ??
      labels['version'] ??
      'latest',
    principal: 'unknown',
  };
}
