// SPDX-License-Identifier: Apache-2.0
/**
 * The routes of a table file -> a RouteConfiguration as far as it is known. Matches and actions are compiled and can't be
 * written back, so a route shows its origin, its conditions in words and its clusters under Weft's metadata.
 */
import type { HostData, VirtualHostData } from '../rules/encoded-tables.js';

/** `filterChain` is an index in the host data. */
export function renderTableRoutes(host: HostData | undefined, filterChain: number): object {
  const virtualHosts = (host?.virtualHosts ?? []).filter((virtualHost) => virtualHost.filterChain === filterChain);
  return {
    '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
    name: host?.filterChains[filterChain]?.routeConfigName ?? '',
    virtual_hosts: virtualHosts.map((virtualHost) => ({
      name: virtualHost.name,
      domains: virtualHost.domains,
      routes: routesOf(host, virtualHost),
    })),
  };
}

function routesOf(host: HostData | undefined, { firstRoute, routeCount }: VirtualHostData): object[] {
  return (host?.routes ?? [])
    .slice(firstRoute, firstRoute + routeCount)
    .map(({ name, origin, conditions, weighted }) => ({
      ...(name === '' ? {} : { name }),
      metadata: { filter_metadata: { weft: { origin, conditions, clusters: weighted } } },
    }));
}
