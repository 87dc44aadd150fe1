// SPDX-License-Identifier: Apache-2.0
/** What a data-path thread knows of a generation of tables beyond the tables themselves. */
import { networkInterfaces } from 'node:os';
import * as layout from '../../assembly/layout.js';
import type { Engine } from '../engine/engine.js';
import type { CertificateSet } from '../model/certificate-set.js';
import type { HostMatcher, PathRewriter } from '../rules/regex/host-regex.js';
import { compileMatcher, compileRewrite } from '../rules/regex/host-regex.js';
import type { ClusterData, EndpointData, ListenerData } from '../rules/encoded-tables.js';
import { conditionOf, routeNameOf, routeOriginOf, routesOf, virtualHostNameOf } from './thread-facts.js';
import type { RouteExtras, ThreadFacts } from './thread-facts.js';
import { settingsKeyOf } from './transport-settings.js';

/** Sent by the main thread before the generation becomes current. */
export interface GenerationMessage {
  readonly slot: number;
  readonly serial: number;
  readonly base: number;
  readonly facts: ThreadFacts;
  readonly certificates: CertificateSet;
}

export class GenerationView {
  readonly slot: number;
  readonly serial: number;
  readonly facts: ThreadFacts;
  readonly certificates: CertificateSet;
  readonly #base: number;
  readonly #filterChains: ReadonlyMap<string, number>;
  readonly #matchers = new Map<number, HostMatcher>();
  readonly #rewrites = new Map<number, PathRewriter>();
  /** Made when a name is first looked up. */
  #clusterIndices: ReadonlyMap<string, number> | undefined;

  constructor(message: GenerationMessage) {
    this.slot = message.slot;
    this.serial = message.serial;
    this.facts = message.facts;
    this.certificates = message.certificates;
    this.#base = message.base;
    this.#filterChains = new Map(message.facts.filterChains.map(({ name }, index) => [name, index]));
  }

  /** Index of a filter chain by name, -1 when this generation has none of that name. */
  filterChainIndex(name: string): number {
    return this.#filterChains.get(name) ?? -1;
  }

  /** The listener of a filter chain by the chain's name; undefined when this generation has none of that name. */
  listenerOf(filterChain: string): ListenerData | undefined {
    return this.facts.listeners[this.facts.filterChains[this.filterChainIndex(filterChain)]?.listener ?? -1];
  }

  /** Whether a connection to that address comes back to one of this proxy's own listeners. */
  isListener(address: string, port: number): boolean {
    if (!this.facts.listeners.some((listener) => listener.port === port)) return false;
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const plain = address.replace(/^::ffff:/, '');
    return plain.startsWith('127.') || own.some((candidate) => candidate.address === plain);
  }

  /** Index of a cluster by name, -1 when this generation has none of that name. */
  clusterIndex(name: string): number {
    this.#clusterIndices ??= new Map(this.facts.clusters.map((cluster, index) => [cluster.name, index]));
    return this.#clusterIndices.get(name) ?? -1;
  }

  cluster(index: number): ClusterData {
    const cluster = this.facts.clusters[index];
    if (!cluster) throw new RangeError(`no cluster ${index} in generation ${this.serial}`);
    return cluster;
  }

  /** The endpoint of a cluster by its index in the table. */
  endpoint(cluster: ClusterData, index: number): EndpointData {
    const endpoint = cluster.endpoints[index - cluster.firstEndpoint];
    if (!endpoint) throw new RangeError(`no endpoint ${index} in cluster ${cluster.name}`);
    return endpoint;
  }

  /** What a route has besides its name and origin; undefined when that is all. */
  routeExtras(route: number): RouteExtras | undefined {
    return this.facts.extras.get(route);
  }

  /** '' when it has none. */
  routeName(route: number): string {
    return routeNameOf(this.facts, route);
  }

  /** `Kind/namespace/name file:line` of the rule; undefined for no route. */
  routeOrigin(route: number): string | undefined {
    return routeOriginOf(this.facts, route);
  }

  /** Undefined for no virtual host. */
  virtualHostName(virtualHost: number): string | undefined {
    return virtualHostNameOf(this.facts, virtualHost);
  }

  /** The routes of a virtual host as [first, count]. */
  routesOf(virtualHost: number): readonly [number, number] {
    return routesOf(this.facts, virtualHost);
  }

  /** A condition of a route, in the numbering of testRoute. */
  condition(route: number, condition: number): string {
    return conditionOf(this.facts, route, condition);
  }

  /** The linear-time matcher of a pattern that has no DFA. */
  matcher(pattern: number): HostMatcher {
    let matcher = this.#matchers.get(pattern);
    if (!matcher) this.#matchers.set(pattern, (matcher = compileMatcher(this.facts.patterns[pattern] ?? '')));
    return matcher;
  }

  /** The regex rewrite of a route; undefined when it has none. */
  regexRewrite(route: number): PathRewriter | undefined {
    const rewrite = this.routeExtras(route)?.regexRewrite;
    if (!rewrite) return undefined;
    let compiled = this.#rewrites.get(route);
    if (!compiled) {
      const result = compileRewrite(rewrite.pattern, rewrite.substitution);
      if ('error' in result) throw new Error(`rewrite of route ${route}: ${result.error.message}`);
      this.#rewrites.set(route, (compiled = result));
    }
    return compiled;
  }

  /** What the connections of a cluster are opened with, as a key; '' for plaintext, and for no cluster. */
  settingsKeyOf(cluster: string): string {
    return settingsKeyOf(this.facts.clusters[this.clusterIndex(cluster)]?.upstreamTls);
  }

  /** The Host that requests to a weighted cluster get; '' = their own. `weighted` is an index in the table, -1 = none. */
  hostRewrite(engine: Engine, weighted: number): string {
    if (weighted < 0) return '';
    const { words } = engine;
    const first = this.#base + (words[(this.#base + layout.TABLE_WEIGHTED + 4) >> 2] ?? 0);
    const record = (first + weighted * layout.WEIGHTED_SIZE) >> 2;
    const at = this.#base + (words[record + layout.WEIGHTED_HOST_OFFSET / 4] ?? 0);
    return engine.buffer.toString('latin1', at, at + (words[record + layout.WEIGHTED_HOST_LENGTH / 4] ?? 0));
  }

  /** State slots of all endpoints of this generation. */
  endpointSlots(engine: Engine): Set<number> {
    const words = engine.words;
    const count = words[(this.#base + layout.TABLE_ENDPOINTS) >> 2] ?? 0;
    const first = this.#base + (words[(this.#base + layout.TABLE_ENDPOINTS + 4) >> 2] ?? 0);
    const slots = new Set<number>();
    for (let index = 0; index < count; index++) {
      slots.add(words[(first + index * layout.ENDPOINT_SIZE + layout.ENDPOINT_STATE_SLOT) >> 2] ?? 0);
    }
    return slots;
  }
}
