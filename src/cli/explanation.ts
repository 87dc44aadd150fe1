// SPDX-License-Identifier: Apache-2.0
/**
 * The engine's account of one request -> what a person or a program reads. The shape is `weft explain -o json`'s and is
 * kept stable: fields may be added, none changes its meaning. Absent fields do not apply.
 */
import type { RouteExplanation, TriedRoute } from '../control/explain-request.js';
import type { Fault, Origin, RedirectAction, Route, RoutingModel } from '../model/model.js';
import { UNLIMITED } from '../model/model.js';
import { failureOf } from '../proxy/failures.js';
import type { ClusterData, HostData } from '../rules/encoded-tables.js';

export interface Explanation {
  readonly request: { readonly method: string; readonly authority: string; readonly target: string };
  readonly listener: {
    readonly name: string;
    readonly port: number;
    readonly configPort: number;
    readonly source: string;
  };
  readonly outcome: 'forward' | 'redirect' | 'direct-response' | 'not-found' | 'refused';
  /** Status that Weft itself answers; absent when an upstream answers. */
  readonly status?: number;
  readonly reason?: string;
  readonly virtualHost?: { readonly name: string; readonly domain: string; readonly why: string };
  readonly tried: readonly { name: string; source: string; failed?: string }[];
  readonly route?: { readonly name: string; readonly source: string; readonly path: string };
  readonly clusters?: readonly ExplainedCluster[];
  readonly timeoutMs?: number;
  readonly retryAttempts?: number;
  readonly fault?: Fault;
  readonly redirect?: RedirectAction;
  readonly body?: string;
  /** For a 404: the route that came closest, and the condition it failed. */
  readonly nearestMiss?: { readonly source: string; readonly failed: string };
}

export interface ExplainedCluster {
  readonly name: string;
  readonly percent: number;
  /** 'missing' when no cluster has the name: requests get 503 `NC`. */
  readonly state: 'ok' | 'no healthy endpoint' | 'missing';
  readonly endpoints: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** `model` gives what the tables keep for the engine alone (faults); absent when explaining a file of tables. */
export function explanationOf(
  request: Explanation['request'],
  found: RouteExplanation,
  host: HostData,
  model: RoutingModel | undefined,
): Explanation {
  const { listener, tried, taken, virtualHost } = found;
  const base = {
    request,
    listener: {
      name: listener.name,
      port: listener.port,
      configPort: listener.configPort,
      source: sourceOf(listener.origin),
    },
    tried: tried.map(({ route, failed }) => ({
      name: route.name,
      source: sourceOf(route.origin),
      ...(failed === undefined ? {} : { failed }),
    })),
    ...(virtualHost === undefined
      ? {}
      : { virtualHost: { name: virtualHost.name, ...winningDomain(virtualHost.domains, request.authority) } }),
  };
  if (found.refusal !== undefined) {
    const failure = failureOf(found.refusal);
    return { ...base, outcome: 'refused', status: failure.status, reason: failure.details };
  }
  if (taken === undefined) return { ...base, outcome: 'not-found', status: 404, ...missOf(found, host) };
  const route = { name: taken.route.name, source: sourceOf(taken.route.origin), path: taken.route.origin.path };
  const { redirect, directStatus, directBody, weighted } = taken.route;
  if (redirect !== undefined) return { ...base, outcome: 'redirect', route, status: redirect.status, redirect };
  if (directStatus !== undefined) {
    const body = Buffer.from(directBody ?? []).toString('utf8');
    return { ...base, outcome: 'direct-response', route, status: directStatus, body };
  }
  const fault = faultOf(model, taken.index);
  return {
    ...base,
    outcome: 'forward',
    route,
    clusters: explainClusters(weighted, host),
    timeoutMs: found.timeoutMs,
    retryAttempts: found.retryAttempts,
    ...(fault === undefined ? {} : { fault }),
  };
}

function explainClusters(weighted: TriedRoute['route']['weighted'], host: HostData): ExplainedCluster[] {
  const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
  return weighted.map(({ cluster: name, weight }) => {
    const percent = weighted.length === 1 ? 100 : Math.round((weight / total) * 10_000) / 100;
    const cluster = host.clusters.find((candidate) => candidate.name === name);
    if (cluster === undefined) return { name, percent, state: 'missing', endpoints: [], limits: {} };
    const endpoints = cluster.endpoints.map(
      ({ address, port, healthy }) =>
        `${address.includes(':') ? `[${address}]` : address}:${port}${healthy ? '' : ' (not ready)'}`,
    );
    const state = cluster.endpoints.some(({ healthy }) => healthy) ? 'ok' : 'no healthy endpoint';
    return { name, percent, state, endpoints, limits: limitsOf(cluster) };
  });
}

function limitsOf({ limits, maxRequestsPerConnection }: ClusterData): Record<string, number> {
  const set = Object.entries(limits).filter(([, value]) => value !== UNLIMITED);
  if (maxRequestsPerConnection > 0) set.push(['maxRequestsPerConnection', maxRequestsPerConnection]);
  return Object.fromEntries(set);
}

/** Routes stand in the tables in the model's order. */
function faultOf(model: RoutingModel | undefined, index: number): Fault | undefined {
  const routes: Route[] = [];
  for (const { filter } of model?.listeners.flatMap(({ filterChains }) => filterChains) ?? [])
    for (const virtual of filter.kind === 'http' ? filter.virtualHosts : []) routes.push(...virtual.routes);
  const action = routes[index]?.action;
  return action?.kind === 'forward' ? action.fault : undefined;
}

/** Which of a virtual host's domains the authority met: exact before the longest wildcard before `*`. */
function winningDomain(domains: readonly string[], authority: string): { domain: string; why: string } {
  const name = authority.replace(/:\d+$/, '').toLowerCase();
  if (domains.includes(name)) return { domain: name, why: 'its domain is exactly the host' };
  const suffixes = domains.filter(
    (domain) => domain.length > 1 && domain.startsWith('*') && name.endsWith(domain.slice(1)),
  );
  const longest = suffixes.sort((left, right) => right.length - left.length)[0];
  if (longest !== undefined) return { domain: longest, why: 'no exact domain, and this is the longest wildcard' };
  return { domain: '*', why: 'no other domain matches the host' };
}

function missOf(found: RouteExplanation, host: HostData): Pick<Explanation, 'reason' | 'nearestMiss'> {
  if (found.virtualHost === undefined) {
    const chain = host.filterChains.indexOf(found.filterChain);
    const domains = host.virtualHosts
      .filter((virtual) => virtual.filterChain === chain)
      .flatMap(({ domains }) => domains);
    const shown = domains.slice(0, 10).join(', ') + (domains.length > 10 ? ', ...' : '');
    return { reason: `no virtual host has a domain for this host; there are: ${shown === '' ? 'none' : shown}` };
  }
  const nearest = [...found.tried].sort((left, right) => right.held - left.held)[0];
  if (nearest?.failed === undefined) return { reason: 'the virtual host has no routes' };
  return {
    reason: 'no route of the virtual host matches',
    nearestMiss: { source: sourceOf(nearest.route.origin), failed: nearest.failed },
  };
}

function sourceOf({ kind, namespace, name, file, line }: Origin): string {
  return `${kind} ${namespace}/${name} ${file}:${line}`;
}
