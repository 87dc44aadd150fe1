// SPDX-License-Identifier: Apache-2.0
/**
 * RoutingModel -> rule tables for the engine and the facts that only the host needs. Pure: equal models give equal bytes,
 * so an unchanged configuration can be told by its checksum. Indexes keep the model's order of rules; nothing here decides
 * by specificity.
 */
import { ROUTE_VIRTUAL_HOST } from '../../assembly/layout.js';
import type { Origin, RouteMatch, RoutingModel, TcpProxy } from '../model/model.js';
import { ActionEncoder } from './encode-actions.js';
import { encodeCluster } from './encode-clusters.js';
import { ConditionEncoder } from './encode-conditions.js';
import { encodeFilterChain } from './encode-hosts.js';
import { encodeVirtualHost } from './encode-paths.js';
import { PatternTable } from './encode-patterns.js';
import type { EncodedTables, FilterChainData, ListenerData, RouteData, VirtualHostData } from './encoded-tables.js';
import { TableWriter } from './table-writer.js';

export interface EncodeOptions {
  /** What `%HOSTNAME%` stands for in header values. */
  readonly hostname?: string;
  /** Bytes that automata may take in the table; patterns beyond are run by the host. */
  readonly maxAutomataBytes?: number;
}

/** Something in the model that the tables cannot carry; with one of severity error the tables are not to be used. */
/** The codes of problems that only compiling can find; meanings are for docs/problems.md. */
export const ENCODE_CODES = {
  'regex-on-host': {
    severity: 'warning',
    meaning: 'A pattern has no table of bounded size: it is run by the host, in linear time but more slowly.',
  },
} as const;

export interface EncodeProblem {
  readonly severity: 'error' | 'warning';
  readonly code: 'invalid-regex' | 'regex-on-host';
  readonly message: string;
  readonly origin: Origin;
}

export interface EncodeResult extends EncodedTables {
  readonly problems: readonly EncodeProblem[];
}

/** 64 MiB: at Weft's bound for one pattern (half a MiB) some hundred of the largest, or ten thousand usual ones. */
const DEFAULT_MAX_AUTOMATA_BYTES = 64 * 1024 * 1024;

/** Compiles a model. Problems in it are returned; a model that breaks its own rules throws. */
export function encodeTables(model: RoutingModel, options: EncodeOptions = {}): EncodeResult {
  const writer = new TableWriter();
  const patterns = new PatternTable(writer, options.maxAutomataBytes ?? DEFAULT_MAX_AUTOMATA_BYTES);
  const clusterRecords = new Map(model.clusters.map(({ name }, index) => [name, index]));
  const actions = new ActionEncoder(writer, clusterRecords, options.hostname ?? '');
  const conditions = new ConditionEncoder(writer, patterns);
  const listeners: ListenerData[] = [];
  const filterChains: FilterChainData[] = [];
  const virtualHosts: VirtualHostData[] = [];
  const routes: RouteData[] = [];
  const regexUsers = new Map<string, Origin>();
  const chains = model.listeners.flatMap((listener, index) =>
    listener.filterChains.map((chain) => ({ ...chain, listener: index })),
  );
  for (const { name, listener, match, tls, filter, origin } of chains) {
    const firstHost = virtualHosts.length;
    const ownHosts = filter.kind === 'http' ? filter.virtualHosts : [];
    for (const host of ownHosts) {
      const firstRoute = routes.length;
      for (const route of host.routes) {
        const record = writer.routes.reserve(1);
        const names = conditions.encode(record, route.match);
        const action = actions.encode(record, route.match.path, route.action);
        noteRegexes(regexUsers, route.match, route.origin);
        writer.routes.set(record, ROUTE_VIRTUAL_HOST, virtualHosts.length);
        routes.push({
          name: route.name,
          virtualHost: virtualHosts.length,
          ...(route.statPrefix === undefined ? {} : { statPrefix: route.statPrefix }),
          origin: route.origin,
          conditions: names,
          ...action,
        });
      }
      encodeVirtualHost(writer, patterns, host, firstRoute);
      virtualHosts.push({
        name: host.name,
        domains: host.domains,
        filterChain: filterChains.length,
        firstRoute,
        routeCount: host.routes.length,
      });
    }
    encodeFilterChain(writer, ownHosts, firstHost);
    filterChains.push({
      name,
      listener,
      match,
      ...(tls === undefined ? {} : { tls }),
      routeConfigName: filter.routeConfigName,
      ...(filter.kind === 'http' ? {} : { tcp: tcpDataOf(filter) }),
      origin,
    });
  }
  for (const { filterChains: _chains, ...listener } of model.listeners) listeners.push(listener);
  // Last and apart, for replaceClusters.
  writer.text.separate();
  const clusters = model.clusters.map((cluster) => encodeCluster(writer, cluster));
  const host = { listeners, filterChains, virtualHosts, routes, clusters, patterns: patterns.hostPatterns };
  return { tables: writer.finish(), host, problems: problemsOf(patterns, regexUsers) };
}

function tcpDataOf({ clusters, idleTimeoutMs, maxDurationMs }: TcpProxy): FilterChainData['tcp'] & object {
  return { clusters, idleTimeoutMs, maxDurationMs };
}

/** The first route that uses each pattern answers for it. */
function noteRegexes(users: Map<string, Origin>, match: RouteMatch, origin: Origin): void {
  const note = (test: { readonly kind: string; readonly value?: string } | undefined): void => {
    if (test?.kind === 'regex' && test.value !== undefined && !users.has(test.value)) users.set(test.value, origin);
  };
  note(match.path);
  note(match.scheme);
  note(match.method);
  note(match.authority);
  for (const { value } of match.headers) note(value);
  for (const { value } of match.queryParams) note(value);
}

function problemsOf(patterns: PatternTable, users: ReadonlyMap<string, Origin>): EncodeProblem[] {
  const problems: EncodeProblem[] = [];
  for (const [pattern, origin] of users) {
    const reason = patterns.invalid.get(pattern);
    if (reason === undefined) continue;
    problems.push({ severity: 'error', code: 'invalid-regex', message: `regex ${pattern}: ${reason}`, origin });
  }
  for (const pattern of patterns.hostPatterns) {
    const origin = users.get(pattern);
    if (!origin) continue;
    const message = `regex ${pattern} is too large for an automaton: requests that reach it are matched more slowly`;
    problems.push({ severity: 'warning', code: 'regex-on-host', message, origin });
  }
  return problems;
}
