// SPDX-License-Identifier: Apache-2.0
/**
 * Services and VirtualServices that a workload sees -> its proxy's outbound listeners: one per port number, shared by all
 * services with that port. Where they don't all carry HTTP, connections are told apart by their first bytes. Unknown hosts get 502, or are forwarded to where their name leads (Istio's
 * outboundTrafficPolicy).
 */
import type {
  FilterChain,
  FilterChainMatch,
  Listener,
  NetworkFilter,
  Origin,
  Route,
  VirtualHost,
} from '../model/model.js';
import { compareText } from '../mesh/age-order.js';
import type { MeshService } from '../mesh/mesh.js';
import { isWildcard } from '../resources/hosts.js';
import { originOf } from './findings.js';
import { HostIndex } from './host-index.js';
import { listenPortOf } from './lower-context.js';
import type { LowerContext } from './lower-context.js';
import { defaultRetry } from './retry-policy.js';
import type { ProxyNode } from './proxy-node.js';
import { CATCH_ALL } from './route-match.js';
import { lowerSidecarIngress } from './sidecar-ingress.js';
import { SidecarDomains } from './sidecar-domains.js';
import { findScopedService, sidecarScopeOf } from './sidecar-scope.js';
import type { EgressScope, SidecarScope } from './sidecar-scope.js';
import { membersOf, tcpChain, tlsChains } from './sidecar-tcp.js';
import type { PortMembers, ServicePort } from './sidecar-tcp.js';
import { sortVirtualHosts } from './virtual-host-order.js';
import { lowerRoutes } from './virtual-service-routes.js';
import { MESH_GATEWAY, virtualServicesFor } from './virtual-services.js';
import type { BoundVirtualService } from './virtual-services.js';

/** Istio takes a VirtualService for hosts that are no services on this port only. */
const UNREGISTERED_HOST_PORT = 80;

/** What all ports of an egress scope share. */
interface SidecarTable {
  readonly virtualServices: MeshVirtualServices;
  readonly domains: SidecarDomains;
  readonly sidecar: SidecarScope;
}

interface MeshVirtualServices {
  readonly ordered: readonly BoundVirtualService[];
  readonly byHost: HostIndex<BoundVirtualService[]>;
}

export function lowerSidecarListeners(context: LowerContext): Listener[] {
  const sidecar = sidecarScopeOf(context.mesh, context.node);
  const domains = new SidecarDomains(context.mesh, context.node);
  const bound = virtualServicesFor(context.mesh, context.node.namespace).filter(({ gateways }) =>
    gateways.has(MESH_GATEWAY),
  );
  const listeners = new Map<string, Listener>();
  const ports = new Set(sidecar.egress.flatMap(({ port }) => port ?? []));
  for (const scope of sidecar.egress) {
    const virtualServices = meshVirtualServices(bound, scope);
    for (const [port, members] of visibleServicePorts(context, scope)) {
      // An entry for one port has it alone, also where it leaves out what the others would show.
      if (scope.port === undefined ? ports.has(port) : scope.port !== port) continue;
      const [first] = members;
      if (first === undefined) continue;
      const address = addressOf(context, scope);
      const listenPort = listenPortOf(context.node, port);
      const taken = listeners.get(`${address} ${listenPort}`);
      if (taken !== undefined) {
        context.findings.add(
          'listen-port-conflict',
          first.service.source,
          first.port.path,
          `port ${port} would listen on ${listenPort}, which serves port ${taken.configPort} already; it is left out`,
          'Map the two ports to different ones.',
        );
        continue;
      }
      const name = `${address}_${listenPort}`;
      const origin = originOf(first.service.source, first.port.path);
      const filterChains = chainsOf(context, name, port, membersOf(members), { virtualServices, domains, sidecar });
      const detects = filterChains.some(({ match }) => match.applicationProtocol !== undefined);
      const { pathNormalization, protocolDetectionTimeoutMs } = context.mesh.settings;
      listeners.set(`${address} ${listenPort}`, {
        name,
        address,
        port: listenPort,
        configPort: port,
        kind: 'sidecar-outbound',
        pathNormalization,
        filterChains,
        ...(detects ? { detectionTimeoutMs: protocolDetectionTimeoutMs } : {}),
        origin,
      });
    }
  }
  const inbound = sidecar.resource === undefined ? [] : lowerSidecarIngress(context, sidecar.resource);
  for (const listener of inbound) {
    const key = `${listener.address} ${listener.port}`;
    const taken = listeners.get(key);
    if (taken === undefined) listeners.set(key, listener);
    else if (sidecar.resource !== undefined) {
      const { path } = listener.origin;
      const text = `would listen on ${listener.port}, which serves port ${taken.configPort} already; it is left out`;
      context.findings.add('listen-port-conflict', sidecar.resource, path, text, 'Give one of them another bind.');
    }
  }
  return [...listeners.values()];
}

/** HTTP first, whose chain has the listener's name; then TLS by server name; then what takes everything else. */
function chainsOf(
  context: LowerContext,
  name: string,
  port: number,
  members: PortMembers,
  table: SidecarTable,
): FilterChain[] {
  const { byHost } = table.virtualServices;
  const [first] = members.http;
  const tls = tlsChains(context, name, members, byHost);
  const other = tcpChain(context, first === undefined ? name : `${name}/tcp`, members, byHost);
  const others = other === undefined ? tls : [...tls, other];
  if (first === undefined) return others;
  const virtualHosts = virtualHostsOf(context, port, members.http, table);
  const filter: NetworkFilter = { kind: 'http', routeConfigName: String(port), virtualHosts };
  const match: FilterChainMatch = {
    serverNames: [],
    ...(other === undefined ? {} : { applicationProtocol: 'http' }),
  };
  return [{ name, match, filter, origin: originOf(first.service.source, first.port.path) }, ...others];
}

/** The proxy's own address, unless the Sidecar names one. */
function addressOf(context: LowerContext, scope: EgressScope): string {
  const bind = scope.spec?.bind ?? '';
  return bind === '' || bind.startsWith('unix:') ? context.node.bind : bind;
}

/** Services by port number in ascending order, each list by host. */
function visibleServicePorts(context: LowerContext, scope: EgressScope): Map<number, ServicePort[]> {
  const { mesh, node } = context;
  const byPort = new Map<number, ServicePort[]>();
  for (const host of [...mesh.services.keys()].sort(compareText)) {
    const service = findScopedService(mesh, scope, host, node.namespace);
    if (service === undefined) continue;
    for (const port of service.ports) {
      if (port.protocol === 'UDP') continue;
      const list = byPort.get(port.number);
      if (list === undefined) byPort.set(port.number, [{ service, port }]);
      else list.push({ service, port });
    }
  }
  return new Map([...byPort].sort(([left], [right]) => left - right));
}

function meshVirtualServices(bound: readonly BoundVirtualService[], scope: EgressScope): MeshVirtualServices {
  const ordered = scope.spec === undefined ? bound : bound.filter((candidate) => scope.hasVirtualService(candidate));
  const byHost = new HostIndex<BoundVirtualService[]>();
  for (const candidate of ordered) {
    for (const host of candidate.hosts) {
      const list = byHost.get(host);
      if (list === undefined) byHost.set(host, [candidate]);
      else list.push(candidate);
    }
  }
  return { ordered, byHost };
}

function virtualHostsOf(
  context: LowerContext,
  port: number,
  members: readonly ServicePort[],
  sidecarTable: SidecarTable,
): VirtualHost[] {
  const { virtualServices, domains } = sidecarTable;
  const draft = new VirtualHostDraft(port);
  const services = new Map(members.map((member) => [member.service.host, member.service]));
  const { attached, coveredWildcards } = attach(services, virtualServices.byHost);
  const candidates = port === UNREGISTERED_HOST_PORT ? virtualServices.ordered : inOrder(attached.keys());
  for (const bound of candidates) {
    const routes = lowerRoutes(context, bound.resource, { port, gateway: MESH_GATEWAY });
    if (routes.length === 0) continue;
    const origins = [originOf(bound.resource, 'spec.hosts')];
    for (const service of attached.get(bound) ?? []) {
      draft.add(service.host, domains.domainsOf(service), routes, origins);
    }
    for (const host of bound.hosts) {
      if (!services.has(host) && !coveredWildcards.has(host)) draft.add(host, [host], routes, origins);
    }
  }
  for (const { service, port: servicePort } of members) {
    if (draft.has(service.host)) continue;
    const origin = originOf(service.source, servicePort.path);
    const route = defaultRoute(context.clusters.useService(service, port), origin, context.node);
    draft.add(service.host, domains.domainsOf(service), [route], [origin]);
  }
  return [...sortVirtualHosts(draft.list()), unknownHosts(context, port, sidecarTable.sidecar)];
}

/**
 * Which VirtualServices each service belongs to: those that name its host, else those with the most specific wildcard.
 * Also the wildcards that cover any service: such a pattern is no host of its own.
 */
function attach(
  services: ReadonlyMap<string, MeshService>,
  byHost: HostIndex<BoundVirtualService[]>,
): { attached: Map<BoundVirtualService, MeshService[]>; coveredWildcards: Set<string> } {
  const attached = new Map<BoundVirtualService, MeshService[]>();
  const coveredWildcards = new Set<string>();
  for (const service of services.values()) {
    let isSettled = false;
    byHost.visitCovering(service.host, (bounds, pattern) => {
      if (isWildcard(pattern)) coveredWildcards.add(pattern);
      if (isSettled) return false;
      isSettled = true;
      for (const bound of bounds) {
        const list = attached.get(bound);
        if (list === undefined) attached.set(bound, [service]);
        else list.push(service);
      }
      return false;
    });
  }
  return { attached, coveredWildcards };
}

function inOrder(bounds: Iterable<BoundVirtualService>): BoundVirtualService[] {
  return [...bounds].sort((left, right) => left.rank - right.rank);
}

/** The virtual hosts of one table: the first to claim a host or a domain keeps it. */
class VirtualHostDraft {
  readonly #port: number;
  readonly #claimed = new Set<string>();
  readonly #virtualHosts = new Map<string, VirtualHost>();

  constructor(port: number) {
    this.#port = port;
  }

  has(host: string): boolean {
    return this.#virtualHosts.has(host);
  }

  add(host: string, domains: readonly string[], routes: readonly Route[], origins: readonly Origin[]): void {
    if (this.#virtualHosts.has(host)) return;
    const free = [...new Set(domains)].filter((domain) => !this.#claimed.has(domain));
    if (free.length === 0) return;
    for (const domain of free) this.#claimed.add(domain);
    this.#virtualHosts.set(host, { name: `${host}:${this.#port}`, domains: free, routes, origins });
  }

  list(): VirtualHost[] {
    return [...this.#virtualHosts.values()];
  }
}

function defaultRoute(cluster: string, origin: Origin, node: ProxyNode): Route {
  return {
    name: 'default',
    match: CATCH_ALL,
    action: {
      kind: 'forward',
      clusters: [{ cluster, weight: 1, requestHeaders: [], responseHeaders: [] }],
      timeoutMs: 0,
      retry: defaultRetry(node),
    },
    origin,
  };
}

/** What becomes of hosts that nothing else serves. */
function unknownHosts(context: LowerContext, port: number, sidecar: SidecarScope): VirtualHost {
  const { resource, egressProxy, outboundPolicy } = sidecar;
  if (outboundPolicy !== 'ALLOW_ANY') return blockAll(context, port);
  if (egressProxy === undefined || resource === undefined) return allowAny(context, port);
  const path = 'spec.outboundTrafficPolicy.egressProxy';
  const origin = originOf(resource, path);
  const cluster = context.clusters.useDestination(egressProxy, port, { resource, path });
  const route: Route = { ...defaultRoute(cluster, origin, context.node), name: 'allow_any' };
  return { name: 'allow_any', domains: ['*'], routes: [route], origins: [origin] };
}

/** Where unknown hosts may be reached, each request goes to the host that it names. */
function allowAny(context: LowerContext, port: number): VirtualHost {
  const origin = outboundPolicyOrigin(context);
  const cluster = context.clusters.useSpecial('PassthroughCluster', port, origin);
  const route: Route = { ...defaultRoute(cluster, origin, context.node), name: 'allow_any' };
  return { name: 'allow_any', domains: ['*'], routes: [route], origins: [origin] };
}

function outboundPolicyOrigin(context: LowerContext): Origin {
  const namespace = context.mesh.settings.rootNamespace;
  return { kind: 'MeshConfig', namespace, name: 'outboundTrafficPolicy', file: '', line: 0, path: '' };
}

function blockAll(context: LowerContext, port: number): VirtualHost {
  const origin = outboundPolicyOrigin(context);
  const cluster = context.clusters.useSpecial('BlackHoleCluster', port, origin);
  const route: Route = {
    name: 'block_all',
    match: CATCH_ALL,
    action: { kind: 'direct', status: 502, body: new Uint8Array(0), responseHeaders: [], cluster },
    origin,
  };
  return { name: 'block_all', domains: ['*'], routes: [route], origins: [origin] };
}
