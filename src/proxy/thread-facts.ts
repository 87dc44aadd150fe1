// SPDX-License-Identifier: Apache-2.0
/**
 * HostData -> what a data-path thread needs of it. Names and origins of routes and virtual hosts, of which most are never
 * asked for, lie as text in memory that all threads share and are read on demand: cloning them took 50 ms a thread for
 * 10,000 routes, on the main thread and on threads that carry traffic (perf/gate/reload.ts times publishing). Routes that
 * need more are few and are cloned.
 */
import type { ClusterData, FilterChainData, HostData, ListenerData, RouteData } from '../rules/encoded-tables.js';

/** What a route may have besides a name and an origin. */
export type RouteExtras = Pick<
  RouteData,
  | 'redirect'
  | 'directBody'
  | 'directStatus'
  | 'directCluster'
  | 'regexRewrite'
  | 'retry'
  | 'cors'
  | 'mirrors'
  | 'abortGrpcStatus'
  | 'keepRequestHead'
>;

const EXTRAS = [
  'redirect',
  'directBody',
  'directStatus',
  'directCluster',
  'regexRewrite',
  'retry',
  'cors',
  'mirrors',
  'abortGrpcStatus',
] as const satisfies readonly (keyof RouteExtras)[];

export interface ThreadFacts {
  readonly listeners: readonly ListenerData[];
  readonly filterChains: readonly FilterChainData[];
  readonly clusters: readonly ClusterData[];
  readonly patterns: readonly string[];
  /** By route; those without any are left out. */
  readonly extras: ReadonlyMap<number, RouteExtras>;
  /** ROUTE_WORDS for each route: name, origin and conditions (texts), and the origin's line. Shared. */
  readonly routes: Int32Array;
  /** HOST_WORDS for each virtual host: its name (text), its first route and the number of them. Shared. */
  readonly virtualHosts: Int32Array;
  /** All texts as UTF-8, without gaps. Shared. */
  readonly text: Uint8Array;
  /** Where each text ends. Shared. */
  readonly textEnds: Int32Array;
}

const ROUTE_NAME = 0;
const ROUTE_ORIGIN = 1;
const ROUTE_LINE = 2;
const ROUTE_CONDITIONS = 3;
const ROUTE_WORDS = 4;

const HOST_NAME = 0;
const HOST_FIRST_ROUTE = 1;
const HOST_ROUTE_COUNT = 2;
const HOST_WORDS = 3;

/** What does not change with endpoints. */
type RouteFacts = Pick<ThreadFacts, 'extras' | 'routes' | 'virtualHosts' | 'text' | 'textEnds'>;

/** By the routes that they were made of: generations that differ in endpoints alone share them, and so do all threads. */
const factsOfRoutes = new WeakMap<readonly RouteData[], RouteFacts>();

export function threadFactsOf(host: HostData): ThreadFacts {
  const { listeners, filterChains, clusters, patterns, routes, virtualHosts } = host;
  let facts = factsOfRoutes.get(routes);
  if (facts === undefined) factsOfRoutes.set(routes, (facts = routeFactsOf(routes, virtualHosts)));
  return { listeners, filterChains, clusters, patterns, ...facts };
}

function routeFactsOf(routes: HostData['routes'], virtualHosts: HostData['virtualHosts']): RouteFacts {
  const texts = new TextWriter();
  const extras = new Map<number, RouteExtras>();
  const routeWords = sharedWords(routes.length * ROUTE_WORDS);
  for (const [index, route] of routes.entries()) {
    const { name, origin, keepRequestHead } = route;
    const at = index * ROUTE_WORDS;
    routeWords[at + ROUTE_NAME] = texts.indexOf(name);
    routeWords[at + ROUTE_ORIGIN] = texts.indexOf(`${origin.kind}/${origin.namespace}/${origin.name} ${origin.file}`);
    routeWords[at + ROUTE_LINE] = origin.line;
    routeWords[at + ROUTE_CONDITIONS] = texts.indexOf(route.conditions.join('\n'));
    const own = EXTRAS.filter((extra) => route[extra] !== undefined);
    if (own.length === 0 && !keepRequestHead) continue;
    extras.set(index, { ...Object.fromEntries(own.map((extra) => [extra, route[extra]])), keepRequestHead });
  }
  const hostWords = sharedWords(virtualHosts.length * HOST_WORDS);
  for (const [index, { name, firstRoute, routeCount }] of virtualHosts.entries()) {
    hostWords.set([texts.indexOf(name), firstRoute, routeCount], index * HOST_WORDS);
  }
  const { text, textEnds } = texts.finish();
  return { extras, routes: routeWords, virtualHosts: hostWords, text, textEnds };
}

/** '' for a route without a name, and for no route. */
export function routeNameOf(facts: ThreadFacts, route: number): string {
  return textOf(facts, facts.routes[route * ROUTE_WORDS + ROUTE_NAME]);
}

/** `Kind/namespace/name file:line` of a route; undefined for no route. */
export function routeOriginOf(facts: ThreadFacts, route: number): string | undefined {
  const at = route * ROUTE_WORDS;
  const line = facts.routes[at + ROUTE_LINE];
  return line === undefined ? undefined : `${textOf(facts, facts.routes[at + ROUTE_ORIGIN])}:${line}`;
}

/** Undefined for no virtual host. */
export function virtualHostNameOf(facts: ThreadFacts, virtualHost: number): string | undefined {
  const text = facts.virtualHosts[virtualHost * HOST_WORDS + HOST_NAME];
  return text === undefined ? undefined : textOf(facts, text);
}

/** The routes of a virtual host as [first, count]; [0, 0] for no virtual host. */
export function routesOf(facts: ThreadFacts, virtualHost: number): readonly [number, number] {
  const at = virtualHost * HOST_WORDS;
  return [facts.virtualHosts[at + HOST_FIRST_ROUTE] ?? 0, facts.virtualHosts[at + HOST_ROUTE_COUNT] ?? 0];
}

/** A condition of a route, in the numbering of testRoute; '' for none. */
export function conditionOf(facts: ThreadFacts, route: number, condition: number): string {
  return textOf(facts, facts.routes[route * ROUTE_WORDS + ROUTE_CONDITIONS]).split('\n')[condition] ?? '';
}

function textOf({ text, textEnds }: ThreadFacts, index: number | undefined): string {
  if (index === undefined) return '';
  const start = index === 0 ? 0 : (textEnds[index - 1] ?? 0);
  if (textEnds[index] === start) return '';
  return Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString('utf8', start, textEnds[index]);
}

/** Equal texts are stored once. */
class TextWriter {
  readonly #indexes = new Map<string, number>();

  indexOf(text: string): number {
    const known = this.#indexes.get(text);
    if (known !== undefined) return known;
    this.#indexes.set(text, this.#indexes.size);
    return this.#indexes.size - 1;
  }

  finish(): { text: Uint8Array; textEnds: Int32Array } {
    const textEnds = sharedWords(this.#indexes.size);
    let length = 0;
    for (const [text, index] of this.#indexes) textEnds[index] = length += Buffer.byteLength(text);
    const shared = Buffer.from(new SharedArrayBuffer(length));
    let at = 0;
    for (const text of this.#indexes.keys()) at += shared.write(text, at);
    return { text: new Uint8Array(shared.buffer, 0, length), textEnds };
  }
}

function sharedWords(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}
