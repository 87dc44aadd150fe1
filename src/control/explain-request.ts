// SPDX-License-Identifier: Apache-2.0
/**
 * Tables and one request -> why it goes where it goes. The engine itself is asked, over a memory of its own: the same
 * parser, host index and conditions that carry traffic, so an explanation can't differ from what happens. Weights and
 * faults are draws in the engine; here they are told as the chances they are.
 */
import * as layout from '../../assembly/layout.js';
import { compileEngine, Engine } from '../engine/engine.js';
import { createEngineMemory } from '../engine/memory-plan.js';
import { TableStore } from '../engine/table-store.js';
import type {
  EncodedTables,
  FilterChainData,
  ListenerData,
  RouteData,
  VirtualHostData,
} from '../rules/encoded-tables.js';
import { compileMatcher } from '../rules/regex/host-regex.js';

export interface ProbeRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly authority: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

export interface TriedRoute {
  readonly index: number;
  readonly route: RouteData;
  /** The first condition that fails; absent when the route matches. */
  readonly failed?: string;
  /** Number of conditions that held before it, for the nearest miss. */
  readonly held: number;
}

export interface RouteExplanation {
  readonly listener: ListenerData;
  readonly filterChain: FilterChainData;
  /** Path after normalization, as it was matched. */
  readonly path: string;
  /** The request was refused before routing: a failure number of the engine. */
  readonly refusal?: number;
  readonly virtualHost?: VirtualHostData;
  readonly tried: readonly TriedRoute[];
  readonly taken?: TriedRoute;
  readonly timeoutMs: number;
  readonly retryAttempts: number;
}

const EXCHANGE = 0;
const MODES = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'];

/** An engine that carries no traffic. Throws Error when the tables are refused, which is a bug or a damaged file. */
export class RequestProbe {
  readonly #engine: Engine;
  readonly #encoded: EncodedTables;

  constructor(encoded: EncodedTables) {
    const { clusters } = encoded.host;
    const endpointCount = clusters.reduce((sum, cluster) => sum + cluster.endpoints.length, 0);
    const memory = createEngineMemory({
      clusters: clusters.length + 1,
      endpoints: endpointCount + 1,
      threads: 1,
      exchanges: 1,
      connections: 1,
      series: 16,
      arenaBytes: encoded.tables.length + 65536,
    });
    this.#engine = new Engine(compileEngine(), memory);
    this.#engine.attach(0);
    this.#encoded = encoded;
    const store = new TableStore(this.#engine);
    const prepared = store.prepare(encoded);
    if (!prepared.ok) throw new Error(prepared.reason);
    store.activate(prepared.generation);
  }

  /** `chain` is an index in the host data's filter chains. */
  explain(request: ProbeRequest, chain: number): RouteExplanation {
    const { exports } = this.#engine;
    const { host } = this.#encoded;
    const filterChain = host.filterChains[chain];
    const listener = host.listeners[filterChain?.listener ?? -1];
    if (filterChain === undefined || listener === undefined) throw new RangeError(`no filter chain ${chain}`);
    const nothing = { listener, filterChain, path: '', tried: [], timeoutMs: 0, retryAttempts: 0 };
    const refusal = this.#parse(request, listener);
    if (refusal < 0) return { ...nothing, refusal };
    const generation = exports.beginExchange(EXCHANGE);
    if (generation < 0) throw new Error(`beginExchange: ${generation}`);
    this.#answering(() => exports.routeRequest(EXCHANGE, chain), layout.DECISION_ASK_HOST);
    const path = this.#text(layout.REQUEST_PATH_OFFSET, layout.REQUEST_PATH_LENGTH);
    // Copied now: testRoute writes the same result record.
    const taken = this.#result(layout.RESULT_ROUTE);
    const timeoutMs = taken < 0 ? 0 : this.#result(layout.RESULT_TIMEOUT_MS);
    const retryAttempts = taken < 0 ? 0 : this.#result(layout.RESULT_RETRY_ATTEMPTS);
    const virtualHost = host.virtualHosts[this.#result(layout.RESULT_VIRTUAL_HOST)];
    const tried = virtualHost === undefined ? [] : this.#tryRoutes(virtualHost, taken);
    exports.finishExchange(EXCHANGE, 0);
    const explanation = { ...nothing, path, tried, timeoutMs, retryAttempts };
    const last = tried.at(-1);
    return {
      ...explanation,
      ...(virtualHost === undefined ? {} : { virtualHost }),
      ...(taken < 0 || last === undefined ? {} : { taken: last }),
    };
  }

  /** Fills the request record; 0 or a failure number. */
  #parse(request: ProbeRequest, listener: ListenerData): number {
    const engine = this.#engine;
    const lines = request.headers.map(({ name, value }) => `${name}: ${value}\r\n`).join('');
    const head = `${request.method} ${request.target} HTTP/1.1\r\nhost: ${request.authority}\r\n${lines}\r\n`;
    const bytes = Buffer.from(head, 'utf8');
    if (bytes.length > layout.INPUT_REQUEST_SIZE) return layout.FAILURE_HEAD_TOO_LARGE;
    const offset = engine.slab + layout.SLAB_INPUT;
    engine.bytes.set(bytes, offset);
    const parsed = engine.exports.parseRequestHead(offset, bytes.length);
    if (parsed <= 0) return parsed === 0 ? layout.FAILURE_BAD_REQUEST : parsed;
    return engine.exports.normalizePath(MODES.indexOf(listener.pathNormalization));
  }

  /** Tries routes in order up to the one taken, or all when none was. */
  #tryRoutes(virtualHost: VirtualHostData, taken: number): TriedRoute[] {
    const tried: TriedRoute[] = [];
    for (let offset = 0; offset < virtualHost.routeCount; offset++) {
      const index = virtualHost.firstRoute + offset;
      const route = this.#encoded.host.routes[index];
      if (route === undefined) break;
      const verdict = this.#answering(
        () => this.#engine.exports.testRoute(EXCHANGE, index),
        layout.TEST_ROUTE_ASK_HOST,
      );
      const held = verdict < 0 ? route.conditions.length : verdict;
      const failed = verdict < 0 ? undefined : (route.conditions[verdict] ?? `condition ${verdict}`);
      tried.push({ index, route, held, ...(failed === undefined ? {} : { failed }) });
      if (index === taken) break;
    }
    return tried;
  }

  /** Repeats a call while the engine asks for the answer of a pattern that has no automaton. */
  #answering(call: () => number, ask: number): number {
    for (;;) {
      const outcome = call();
      if (outcome !== ask) return outcome;
      const pattern = this.#encoded.host.patterns[this.#result(layout.RESULT_PATTERN)] ?? '';
      const start = this.#result(layout.RESULT_SUBJECT_OFFSET);
      const subject = this.#engine.bytes.slice(start, start + this.#result(layout.RESULT_SUBJECT_LENGTH));
      this.#engine.exports.answerPattern(compileMatcher(pattern).matches(subject) ? 1 : 0);
    }
  }

  #result(field: number): number {
    return this.#engine.ints[(this.#engine.slab + layout.SLAB_RESULT + field) >> 2] ?? 0;
  }

  #text(offsetField: number, lengthField: number): string {
    const record = (this.#engine.slab + layout.SLAB_REQUEST) >> 2;
    const start = this.#engine.words[record + offsetField / 4] ?? 0;
    const length = this.#engine.words[record + lengthField / 4] ?? 0;
    return this.#engine.buffer.toString('latin1', start, start + length);
  }
}
