// SPDX-License-Identifier: Apache-2.0
/**
 * The routes of a table file -> a RouteConfiguration as far as it is known. Matches and actions are compiled and can't be
 * written back, so a route shows its origin, its conditions in words and its clusters under Weft's metadata.
 */
import type { HostData, VirtualHostData } from '../rules/encoded-tables.js';

export function renderTableRoutes(host: HostData | undefined, listener: number): object {
  const virtualHosts = (host?.virtualHosts ?? []).filter((virtualHost) => virtualHost.listener === listener);
  return {
    '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
    name: host?.listeners[listener]?.routeConfigName ?? '',
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
