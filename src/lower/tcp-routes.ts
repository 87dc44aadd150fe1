// SPDX-License-Identifier: Apache-2.0
/**
 * A VirtualService's `tcp` and `tls` -> TCP proxies. Conditions of the connection's port, gateway and source are properties of
 * the proxy and settled here; what is left of a `tls` block is its server names, which become a filter chain's match.
 */
import type { TcpCluster, TcpProxy } from '../model/model.js';
import { selects } from '../mesh/mesh.js';
import type { DestinationSpec, Layer4MatchSpec, TcpRouteSpec, VirtualService } from '../resources/types.js';
import type { LowerContext } from './lower-context.js';
import type { RouteScope } from './route-match.js';
import { gatewayNameOf, MESH_GATEWAY } from './virtual-services.js';

/** Istio's default for TCP without a byte in either direction. */
export const TCP_IDLE_TIMEOUT_MS = 3_600_000;
const BLACK_HOLE = 'BlackHoleCluster';

/** A rule that holds for this proxy, with where it stands. */
export interface HeldRoute {
  readonly proxy: TcpProxy;
  /** Of the rule or its block, such as `spec.tls[0].match[1]`. */
  readonly path: string;
}

/** The first rule of `spec.tcp` that holds on this port and gateway (VirtualService.tcp); undefined when none does. */
export function lowerTcpRoute(
  context: LowerContext,
  resource: VirtualService,
  scope: RouteScope,
): HeldRoute | undefined {
  for (const [index, rule] of (resource.spec.tcp ?? []).entries()) {
    const path = `spec.tcp[${index}]`;
    const blocks = rule.match ?? [];
    const block = blocks.findIndex((candidate) => holds(context, candidate, resource, scope));
    if (blocks.length > 0 && block < 0) continue;
    const at = block < 0 ? path : `${path}.match[${block}]`;
    return { proxy: lowerProxy(context, resource, rule, path, scope), path: at };
  }
  return undefined;
}

/** The blocks of `spec.tls` that hold on this port and gateway, in order, each with its server names in lower case. */
export function lowerTlsRoutes(
  context: LowerContext,
  resource: VirtualService,
  scope: RouteScope,
): (HeldRoute & { readonly serverNames: readonly string[] })[] {
  return (resource.spec.tls ?? []).flatMap((rule, index) => {
    const path = `spec.tls[${index}]`;
    const held = rule.match.flatMap((block, place) =>
      holds(context, block, resource, scope) ? [{ block, at: `${path}.match[${place}]` }] : [],
    );
    if (held.length === 0) return [];
    const proxy = lowerProxy(context, resource, rule, path, scope);
    return held.map(({ block, at }) => {
      return { proxy, path: at, serverNames: block.sniHosts.map((name) => name.toLowerCase()) };
    });
  });
}

/** A proxy to one cluster that no rule names, as Istio makes it for a service. */
export function proxyTo(context: LowerContext, cluster: string): TcpProxy {
  return newProxy(context, [{ cluster, weight: 1 }]);
}

/** Closes every connection. */
export function blackHole(): TcpProxy {
  return { kind: 'tcp', routeConfigName: BLACK_HOLE, clusters: [], idleTimeoutMs: 0, maxDurationMs: 0 };
}

/** Unlike in HTTP all conditions of a block must hold together; a gateway knows no source. */
function holds(context: LowerContext, block: Layer4MatchSpec, resource: VirtualService, scope: RouteScope): boolean {
  if (block.port !== undefined && block.port !== 0 && block.port !== scope.port) return false;
  const gateways = block.gateways ?? [];
  if (gateways.length > 0 && !gateways.some((name) => gatewayNameOf(name, resource.namespace) === scope.gateway)) {
    return false;
  }
  if (scope.gateway !== MESH_GATEWAY) return true;
  if (!selects(block.sourceLabels, context.node.labels)) return false;
  return (block.sourceNamespace ?? '') === '' || block.sourceNamespace === context.node.namespace;
}

function lowerProxy(
  context: LowerContext,
  resource: VirtualService,
  { route }: Pick<TcpRouteSpec, 'route'>,
  path: string,
  scope: RouteScope,
): TcpProxy {
  const isSingle = route.length === 1;
  const clusters = route.flatMap(({ destination, weight = 0 }, index): TcpCluster[] => {
    // As with HTTP: the only destination gets everything, whatever its weight.
    if (!isSingle && weight === 0) return [];
    const mention = { resource, path: `${path}.route[${index}].destination` };
    return [{ cluster: useDestination(context, destination, scope, mention), weight: isSingle ? 1 : weight }];
  });
  return newProxy(context, clusters);
}

function useDestination(
  context: LowerContext,
  destination: DestinationSpec,
  { port }: RouteScope,
  mention: { readonly resource: VirtualService; readonly path: string },
): string {
  return context.clusters.useDestination(destination, port, mention);
}

/** Timeouts of the first cluster's DestinationRule govern all (Istio). */
function newProxy(context: LowerContext, clusters: readonly TcpCluster[]): TcpProxy {
  const first = clusters[0]?.cluster ?? BLACK_HOLE;
  const { idleTimeoutMs = TCP_IDLE_TIMEOUT_MS, maxDurationMs = 0 } = context.clusters.tcpTimesOf(first);
  return { kind: 'tcp', routeConfigName: first, clusters, idleTimeoutMs, maxDurationMs };
}
