// SPDX-License-Identifier: Apache-2.0
/** Small models for tests of the rules compiler and the engine: everything that a test does not say has a plain value. */
import type {
  Cluster,
  Endpoint,
  ForwardAction,
  Listener,
  Origin,
  PathMatch,
  Route,
  RouteAction,
  RouteMatch,
  RoutingModel,
  VirtualHost,
} from '../../src/model/model.js';
import { UNLIMITED } from '../../src/model/model.js';

export const ORIGIN: Origin = {
  kind: 'VirtualService',
  namespace: 'default',
  name: 'test',
  file: '-',
  line: 1,
  path: 'spec',
};

export function forwardTo(...clusters: readonly (readonly [cluster: string, weight: number])[]): ForwardAction {
  return {
    kind: 'forward',
    clusters: clusters.map(([cluster, weight]) => ({ cluster, weight, requestHeaders: [], responseHeaders: [] })),
    timeoutMs: 0,
    retry: { attempts: 0, conditions: [] },
  };
}

export function routeOf(
  path: PathMatch,
  match: Partial<RouteMatch> = {},
  action: RouteAction = forwardTo(['a', 1]),
): Route {
  return { name: '', match: { path, headers: [], queryParams: [], ...match }, action, origin: ORIGIN };
}

export function prefix(value: string, ignoreCase = false): PathMatch {
  return { kind: 'prefix', value, ignoreCase };
}

export function exact(value: string, ignoreCase = false): PathMatch {
  return { kind: 'exact', value, ignoreCase };
}

export function regex(value: string): PathMatch {
  return { kind: 'regex', value };
}

export function virtualHostOf(domains: readonly string[], routes: readonly Route[]): VirtualHost {
  return { name: `${domains[0] ?? ''}:80`, domains, routes, origins: [] };
}

export function listenerOf(...virtualHosts: readonly VirtualHost[]): Listener {
  return {
    name: '0.0.0.0_80',
    address: '0.0.0.0',
    port: 80,
    configPort: 80,
    kind: 'gateway',
    pathNormalization: 'NONE',
    filterChains: [
      {
        name: '0.0.0.0_80',
        match: { serverNames: [] },
        filter: { kind: 'http', routeConfigName: 'http.80', virtualHosts },
        origin: ORIGIN,
      },
    ],
    origin: ORIGIN,
  };
}

export function endpointOf(address: string, weight = 1, healthy = true): Endpoint {
  const unknown = 'unknown';
  return {
    address,
    port: 8080,
    weight,
    healthy,
    workload: {
      workload: unknown,
      namespace: unknown,
      app: unknown,
      version: unknown,
      canonicalService: unknown,
      canonicalRevision: unknown,
      principal: unknown,
    },
  };
}

export function clusterOf(name: string, endpoints: readonly Endpoint[] = [endpointOf('10.0.0.1')]): Cluster {
  return {
    name,
    service: { host: name, name, namespace: 'default', port: 80 },
    subset: '',
    loadBalancer: 'ROUND_ROBIN',
    endpoints,
    circuitBreaker: {
      maxConnections: UNLIMITED,
      maxPendingRequests: UNLIMITED,
      maxRequests: UNLIMITED,
      maxRetries: UNLIMITED,
    },
    connectTimeoutMs: 10_000,
    idleTimeoutMs: 0,
    maxRequestsPerConnection: 0,
    origin: ORIGIN,
  };
}

/** A model of these listeners with the clusters `a`, `b` and `c`. */
export function modelOf(...listeners: readonly Listener[]): RoutingModel {
  return { listeners, clusters: ['a', 'b', 'c'].map((name) => clusterOf(name)) };
}
