// SPDX-License-Identifier: Apache-2.0
/**
 * Services whose port carries TCP or TLS -> filter chains of a sidecar's listener on that port. Without the address that the
 * client dialled, TLS is told apart by server name, and of several TCP services on one port the first gets the connections,
 * as in Istio for services without an address of their own.
 */
import type { FilterChain } from '../model/model.js';
import type { MeshPort, MeshService } from '../mesh/mesh.js';
import { isHttp } from '../mesh/port-protocol.js';
import { originOf } from './findings.js';
import type { HostIndex } from './host-index.js';
import type { LowerContext } from './lower-context.js';
import { lowerTcpRoute, lowerTlsRoutes, proxyTo } from './tcp-routes.js';
import { MESH_GATEWAY } from './virtual-services.js';
import type { BoundVirtualService } from './virtual-services.js';

export interface ServicePort {
  readonly service: MeshService;
  readonly port: MeshPort;
}

/** The services of one port number, by what their connections are. */
export interface PortMembers {
  /** Declared HTTP, and those whose protocol is to be detected. */
  readonly http: readonly ServicePort[];
  readonly tls: readonly ServicePort[];
  /** Declared TCP; without HTTP beside them also those whose protocol is to be detected. */
  readonly tcp: readonly ServicePort[];
}

export function membersOf(all: readonly ServicePort[]): PortMembers {
  const declaredHttp = all.filter(({ port }) => isHttp(port.protocol));
  const auto = all.filter(({ port }) => port.protocol === 'AUTO');
  const tls = all.filter(({ port }) => port.protocol === 'TLS' || port.protocol === 'HTTPS');
  const opaque = all.filter(
    (member) => !declaredHttp.includes(member) && !auto.includes(member) && !tls.includes(member),
  );
  return {
    http: all.filter((member) => declaredHttp.includes(member) || auto.includes(member)),
    tls,
    tcp: declaredHttp.length > 0 ? opaque : [...opaque, ...auto],
  };
}

/** Everything that is neither TLS for a known name nor HTTP; undefined when no service wants it. */
export function tcpChain(
  context: LowerContext,
  name: string,
  { tcp }: PortMembers,
  byHost: HostIndex<BoundVirtualService[]>,
): FilterChain | undefined {
  const [first, ...others] = tcp;
  if (first === undefined) return undefined;
  const { service, port } = first;
  for (const other of others) warnOfShared(context, other, first);
  const scope = { port: port.number, gateway: MESH_GATEWAY };
  for (const bound of virtualServicesOf(byHost, service.host)) {
    const route = lowerTcpRoute(context, bound.resource, scope);
    if (route === undefined) continue;
    const origin = originOf(bound.resource, route.path);
    return { name, match: { serverNames: [] }, filter: route.proxy, origin };
  }
  const cluster = context.clusters.useService(service, port.number);
  const origin = originOf(service.source, port.path);
  return { name, match: { serverNames: [] }, filter: proxyTo(context, cluster), origin };
}

/** Chains for the server names of `tls` rules, else for the services' hosts; the only service of a port takes any name. */
export function tlsChains(
  context: LowerContext,
  listener: string,
  { tls }: PortMembers,
  byHost: HostIndex<BoundVirtualService[]>,
): FilterChain[] {
  const claimed = new Set<string>();
  const chains: FilterChain[] = [];
  const add = (names: readonly string[], name: string, chain: Pick<FilterChain, 'filter' | 'origin'>): void => {
    const free = names.filter((candidate) => !claimed.has(candidate));
    if (free.length === 0) return;
    for (const candidate of free) claimed.add(candidate);
    const serverNames = free.includes('*') ? [] : free;
    chains.push({ name: `${listener}/tls.${name}`, match: { serverNames, transportProtocol: 'tls' }, ...chain });
  };
  for (const { service, port } of tls) {
    const scope = { port: port.number, gateway: MESH_GATEWAY };
    const bounds = virtualServicesOf(byHost, service.host);
    const routes = bounds.flatMap(({ resource }) =>
      lowerTlsRoutes(context, resource, scope).map((route) => ({ resource, route })),
    );
    for (const { resource, route } of routes) {
      const name = `${resource.namespace}.${resource.name}.${route.path}`;
      add(route.serverNames, name, { filter: route.proxy, origin: originOf(resource, route.path) });
    }
    if (routes.length > 0) continue;
    const filter = proxyTo(context, context.clusters.useService(service, port.number));
    const names = tls.length === 1 ? ['*'] : [service.host];
    add(names, service.host, { filter, origin: originOf(service.source, port.path) });
  }
  return chains;
}

/** Those that name the host, else those with the most specific wildcard. */
function virtualServicesOf(byHost: HostIndex<BoundVirtualService[]>, host: string): readonly BoundVirtualService[] {
  let found: readonly BoundVirtualService[] = [];
  byHost.visitCovering(host, (bounds) => {
    found = bounds;
    return true;
  });
  return found;
}

function warnOfShared(context: LowerContext, other: ServicePort, first: ServicePort): void {
  context.findings.add(
    'port-shared',
    other.service.source,
    other.port.path,
    `connections to port ${other.port.number} that are neither HTTP nor TLS go to "${first.service.host}", not to "${other.service.host}"`,
    'Give one of the services another port, or declare its protocol.',
  );
}
