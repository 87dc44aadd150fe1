// SPDX-License-Identifier: Apache-2.0
/**
 * Server groups and the VirtualServices bound to their Gateways -> gateway listeners. A host's routes come from all
 * VirtualServices that share it, in order, catch-alls last; a gateway exposes nothing that no VirtualService names.
 */
import type {
  FilterChain,
  Listener,
  NetworkFilter,
  Origin,
  RedirectAction,
  Route,
  VirtualHost,
} from '../model/model.js';
import { protocolOfDeclaration } from '../mesh/port-protocol.js';
import { hostSubsetOf, isWildcard } from '../resources/hosts.js';
import { originOf } from './findings.js';
import { lowerDownstreamTls } from './downstream-tls.js';
import { groupServers, passesTlsOn, serverNames, terminatesTls } from './gateway-servers.js';
import type { GatewayServer, ServerGroup } from './gateway-servers.js';
import { HostIndex } from './host-index.js';
import type { LowerContext } from './lower-context.js';
import { CATCH_ALL } from './route-match.js';
import { blackHole, lowerTcpRoute, lowerTlsRoutes } from './tcp-routes.js';
import { sortVirtualHosts } from './virtual-host-order.js';
import { catchAllsLast, lowerRoutes } from './virtual-service-routes.js';
import { virtualServicesFor } from './virtual-services.js';
import type { BoundVirtualService } from './virtual-services.js';

/** What is collected for one host before it becomes a virtual host. */
interface HostDraft {
  /** Lists are kept apart, so that one VirtualService reached through two servers counts once. */
  readonly routeLists: Set<readonly Route[]>;
  readonly origins: Map<string, Origin>;
  redirect?: Route;
  readonly port: number;
}

const HTTPS_REDIRECT: RedirectAction = { kind: 'redirect', status: 301, scheme: 'https', responseHeaders: [] };

export function lowerGatewayListeners(context: LowerContext): Listener[] {
  const byGateway = new Map<string, BoundVirtualService[]>();
  for (const bound of virtualServicesFor(context.mesh, context.node.namespace)) {
    for (const name of bound.gateways) {
      const list = byGateway.get(name);
      if (list === undefined) byGateway.set(name, [bound]);
      else list.push(bound);
    }
  }
  return groupServers(context).map((group) => lowerGroup(context, group, byGateway));
}

type ByGateway = ReadonlyMap<string, readonly BoundVirtualService[]>;

/** Plaintext servers of a port share their hosts; servers with TLS have a chain each, with routes of its own. */
function lowerGroup(context: LowerContext, group: ServerGroup, byGateway: ByGateway): Listener {
  const [first] = group.servers;
  if (first === undefined) throw new Error('a server group has at least one server');
  const name = `${group.address}_${group.port}`;
  const filterChains = chainsOf(context, name, group, first, byGateway);
  return {
    name,
    address: group.address,
    port: group.port,
    configPort: first.server.port.number,
    kind: 'gateway',
    pathNormalization: context.mesh.settings.pathNormalization,
    filterChains,
    origin: originOf(first.gateway, first.path),
  };
}

function chainsOf(
  context: LowerContext,
  name: string,
  group: ServerGroup,
  first: GatewayServer,
  byGateway: ByGateway,
): FilterChain[] {
  if (group.use === 'plaintext HTTP') return [plaintextChain(context, name, group, first, byGateway)];
  const origin = originOf(first.gateway, first.path);
  if (group.use === 'TCP') {
    return [{ name, match: { serverNames: [] }, filter: tcpFilter(context, first, byGateway), origin }];
  }
  const claimed = new Set<string>();
  const chains = group.servers.flatMap((entry) =>
    passesTlsOn(entry.server.tls)
      ? passthroughChains(context, name, entry, byGateway, claimed)
      : [tlsChain(context, name, entry, byGateway)],
  );
  if (chains.length > 0) return chains;
  return [{ name, match: { serverNames: [], transportProtocol: 'tls' }, filter: blackHole(), origin }];
}

/** On a TCP port the first rule of the first VirtualService that has one for this gateway is all there is (Istio). */
function tcpFilter(context: LowerContext, entry: GatewayServer, byGateway: ByGateway): NetworkFilter {
  const gateway = `${entry.gateway.namespace}/${entry.gateway.name}`;
  const hosts = serverHosts(entry);
  for (const bound of byGateway.get(gateway) ?? []) {
    if (intersection(hosts, bound).size === 0) continue;
    const route = lowerTcpRoute(context, bound.resource, { port: entry.server.port.number, gateway });
    if (route !== undefined) return route.proxy;
  }
  return blackHole();
}

/** A chain for each `tls` block; a server name belongs to the first that has it. */
function passthroughChains(
  context: LowerContext,
  listener: string,
  entry: GatewayServer,
  byGateway: ByGateway,
  claimed: Set<string>,
): FilterChain[] {
  const gateway = `${entry.gateway.namespace}/${entry.gateway.name}`;
  const hosts = serverHosts(entry);
  const chains: FilterChain[] = [];
  for (const bound of byGateway.get(gateway) ?? []) {
    if (intersection(hosts, bound).size === 0) continue;
    const { resource } = bound;
    for (const route of lowerTlsRoutes(context, resource, { port: entry.server.port.number, gateway })) {
      const names = intersection(hosts, { ...bound, hosts: route.serverNames });
      const free = [...names].filter((name) => !claimed.has(name));
      for (const name of free) claimed.add(name);
      if (free.length === 0) continue;
      chains.push({
        name: `${listener}/passthrough.${entry.path}.${resource.namespace}.${resource.name}.${route.path}`,
        match: { serverNames: free.includes('*') ? [] : free, transportProtocol: 'tls' },
        filter: route.proxy,
        origin: originOf(resource, route.path),
      });
    }
  }
  return chains;
}

function plaintextChain(
  context: LowerContext,
  name: string,
  group: ServerGroup,
  first: GatewayServer,
  byGateway: ByGateway,
): FilterChain {
  const bindSuffix = first.server.bind === undefined ? '' : `.${first.server.bind}`;
  const virtualHosts = virtualHostsOf(context, group.servers, first, byGateway);
  const filter: NetworkFilter = {
    kind: 'http',
    routeConfigName: `http.${group.targetPort}${bindSuffix}`,
    virtualHosts,
  };
  return { name, match: { serverNames: [] }, filter, origin: originOf(first.gateway, first.path) };
}

function tlsChain(context: LowerContext, listener: string, entry: GatewayServer, byGateway: ByGateway): FilterChain {
  const { gateway, server, path } = entry;
  const routeConfigName = `https.${server.port.number}.${server.port.name ?? ''}.${gateway.name}.${gateway.namespace}`;
  const names = serverNames(server);
  return {
    name: `${listener}/${routeConfigName}`,
    match: { serverNames: names.includes('*') ? [] : [...new Set(names)] },
    tls: lowerDownstreamTls(context, entry),
    filter:
      protocolOfDeclaration(server.port.protocol) === 'HTTPS'
        ? { kind: 'http', routeConfigName, virtualHosts: virtualHostsOf(context, [entry], entry, byGateway) }
        : tcpFilter(context, entry, byGateway),
    origin: originOf(gateway, path),
  };
}

function virtualHostsOf(
  context: LowerContext,
  servers: readonly GatewayServer[],
  first: GatewayServer,
  byGateway: ByGateway,
): readonly VirtualHost[] {
  const drafts = new Map<string, HostDraft>();
  const cache: RouteCache = new Map();
  for (const entry of servers) {
    const { gateway, server } = entry;
    const redirects = server.tls?.httpsRedirect === true && !terminatesTls(server.tls);
    const gatewayName = `${gateway.namespace}/${gateway.name}`;
    const hosts = serverHosts(entry);
    for (const bound of byGateway.get(gatewayName) ?? []) {
      const shared = intersection(hosts, bound);
      if (shared.size === 0) continue;
      const routes = routesOf(context, cache, bound, gatewayName, server.port.number);
      if (routes.length === 0) continue;
      for (const host of shared) {
        const draft = draftOf(drafts, host, server.port.number);
        draft.routeLists.add(routes);
        draft.origins.set(`${bound.resource.namespace}/${bound.resource.name}`, originOf(bound.resource, 'spec.hosts'));
        if (redirects) draft.redirect ??= redirectRoute(entry);
      }
    }
    if (redirects) {
      for (const [host] of hosts.entries()) {
        const draft = draftOf(drafts, host, server.port.number);
        draft.redirect ??= redirectRoute(entry);
      }
    }
  }
  const virtualHosts = [...drafts].map(([host, draft]) => virtualHost(host, draft));
  if (virtualHosts.length > 0) return sortVirtualHosts(virtualHosts);
  const origin = originOf(first.gateway, first.path);
  return [{ name: `blackhole:${first.server.port.number}`, domains: ['*'], routes: [], origins: [origin] }];
}

function virtualHost(host: string, draft: HostDraft): VirtualHost {
  const name = `${host}:${draft.port}`;
  if (draft.redirect !== undefined) {
    return { name, domains: [host], routes: [draft.redirect], origins: [draft.redirect.origin] };
  }
  const routes = catchAllsLast([...draft.routeLists].flat());
  return { name, domains: [host], routes, origins: [...draft.origins.values()] };
}

function draftOf(drafts: Map<string, HostDraft>, host: string, port: number): HostDraft {
  const existing = drafts.get(host);
  if (existing !== undefined) return existing;
  const draft: HostDraft = { routeLists: new Set(), origins: new Map(), port };
  drafts.set(host, draft);
  return draft;
}

/** With httpsRedirect Envoy answers before it looks at any route (VirtualHost.require_tls), so this one stands alone. */
function redirectRoute(entry: GatewayServer): Route {
  return {
    name: '',
    match: CATCH_ALL,
    action: HTTPS_REDIRECT,
    origin: originOf(entry.gateway, `${entry.path}.tls.httpsRedirect`),
  };
}

type RouteCache = Map<string, readonly Route[]>;

/** One list per VirtualService, unless its match blocks tell gateways or ports apart. */
function routesOf(
  context: LowerContext,
  cache: RouteCache,
  bound: BoundVirtualService,
  gateway: string,
  port: number,
): readonly Route[] {
  const { resource, rank } = bound;
  const asksGateway = context.delegates
    .rulesOf(resource)
    .some(({ blocks }) => blocks.some(({ block }) => (block.gateways ?? []).length > 0));
  const key = `${rank} ${port} ${asksGateway ? gateway : ''}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const routes = lowerRoutes(context, resource, { port, gateway });
  cache.set(key, routes);
  return routes;
}

/** A server's hosts in lower case, each with the namespaces whose VirtualServices may use it (`*` = all). */
function serverHosts(entry: GatewayServer): HostIndex<Set<string>> {
  const index = new HostIndex<Set<string>>();
  for (const text of entry.server.hosts) {
    const slash = text.indexOf('/');
    const written = slash < 0 ? '*' : text.slice(0, slash);
    const namespace = written === '.' ? entry.gateway.namespace : written;
    const host = text.slice(slash + 1).toLowerCase();
    const namespaces = index.get(host);
    if (namespaces === undefined) index.set(host, new Set([namespace]));
    else namespaces.add(namespace);
  }
  return index;
}

/** For each pair of a VirtualService host and a server host that overlap, the narrower one. */
function intersection(hosts: HostIndex<Set<string>>, bound: BoundVirtualService): ReadonlySet<string> {
  const { namespace } = bound.resource;
  const allows = (namespaces: ReadonlySet<string>): boolean => namespaces.has('*') || namespaces.has(namespace);
  const shared = new Set<string>();
  for (const host of bound.hosts) {
    if (hosts.visitCovering(host, allows)) shared.add(host);
    if (!isWildcard(host)) continue;
    for (const [narrower, namespaces] of hosts.entries()) {
      if (allows(namespaces) && hostSubsetOf(narrower, host)) shared.add(narrower);
    }
  }
  return shared;
}
