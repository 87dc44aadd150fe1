// SPDX-License-Identifier: Apache-2.0
/**
 * A data-path thread's own world: its engine, exchanges, connections, clock and generations. Fronts hand it heads that
 * lie in the request input; everything else happens in exchanges and connections.
 *
 * One class, although it is long: what exchanges, connections and fronts may ask of their thread can be read in one place.
 */
import * as layout from '../../assembly/layout.js';
import type { ClientLimits } from '../engine/client-limits.js';
import type { Engine } from '../engine/engine.js';
import type { Mirror } from '../model/model.js';
import type { AccessLogEntry } from '../telemetry/access-log.js';
import type { Logger } from '../telemetry/log.js';
import type { AccessLog } from './access-log-entry.js';
import { HEAD_UNPARSED } from './contracts.js';
import type { CapacityMessage, Downstream, MirroredExchange, RequestText, ThreadContext } from './contracts.js';
import { Exchange } from './exchange.js';
import type { GenerationMessage } from './generation-view.js';
import { GenerationView } from './generation-view.js';
import { Mirrors } from './mirrors.js';
import { OutputBuffers } from './output-buffers.js';
import { TimerWheel } from './timers.js';
import { UpstreamPools } from './upstream-pools.js';
import { UpstreamTransports } from './upstream-transports.js';

export interface DataPathOptions {
  readonly engine: Engine;
  readonly logger: Logger;
  readonly limits: ClientLimits;
  readonly exposeReasons: boolean;
  /** Absent when the access log is off. */
  readonly accessLog?: AccessLog;
  tellOthers(message: CapacityMessage): void;
}

const PATH_MODES = ['NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES'];

export class DataPath implements ThreadContext {
  readonly engine: Engine;
  readonly logger: Logger;
  readonly limits: ClientLimits;
  readonly exposeReasons: boolean;
  readonly timers: TimerWheel;
  readonly upstreams: UpstreamPools;
  readonly transports = new UpstreamTransports();
  readonly output: OutputBuffers;
  /** Shared by all sockets: a read callback is synchronous. */
  readonly readBuffer: Uint8Array;
  readonly readOffset: number;
  readonly tellOthers: (message: CapacityMessage) => void;
  draining = false;
  onIdle: (() => void) | null = null;
  readonly #accessLog: AccessLog | undefined;
  readonly #generations: (GenerationView | undefined)[] = [];
  readonly #free: Exchange[] = [];
  /** Of exchanges that were no request's. */
  readonly #freeRecords: number[] = [];
  readonly #mirrors: Mirrors;
  readonly #capacity: number;
  readonly #factsOffset: number;
  #created = 0;
  #active = 0;
  #lingering = 0;
  /** Until when the Date fact holds, as performance.now(). */
  #dateUntilMs = 0;
  #lastUpstream = '';
  #reading = false;
  readonly #afterRead: (() => void)[] = [];
  #lastCluster = '';

  constructor(options: DataPathOptions) {
    this.engine = options.engine;
    this.logger = options.logger;
    this.limits = options.limits;
    this.exposeReasons = options.exposeReasons;
    this.tellOthers = (message) => options.tellOthers(message);
    this.#accessLog = options.accessLog;
    this.output = new OutputBuffers(options.engine);
    this.timers = new TimerWheel((error) => this.onBug(error));
    this.readOffset = this.engine.slab + layout.SLAB_READ;
    this.readBuffer = this.engine.bytes.subarray(this.readOffset, this.readOffset + layout.READ_SIZE);
    this.#factsOffset = this.engine.slab + layout.SLAB_INPUT + layout.INPUT_FACTS;
    this.#capacity = this.engine.control(layout.CONTROL_EXCHANGE_CAPACITY);
    this.upstreams = new UpstreamPools(this);
    this.#mirrors = new Mirrors(
      this,
      () => this.#newIndex(),
      (slot) => this.#generations[slot],
    );
  }

  /** Nothing is under way and nothing is left to send. */
  get isIdle(): boolean {
    return this.#active === 0 && this.#lingering === 0;
  }

  /** Whether every head is kept: the access log reads from it. */
  get keepsHeads(): boolean {
    return this.#accessLog !== undefined;
  }

  /** Where a front puts a request's head, and how much fits. */
  get inputOffset(): number {
    return this.engine.slab + layout.SLAB_INPUT + layout.INPUT_REQUEST;
  }

  get nowMs(): number {
    return this.timers.nowMs;
  }

  readClock(): void {
    this.timers.readClock();
  }

  beginRead(): void {
    this.timers.readClock();
    this.#reading = true;
  }

  endRead(): void {
    this.#reading = false;
    while (this.#afterRead.length > 0) {
      const task = this.#afterRead.shift();
      try {
        task?.();
      } catch (error) {
        this.onBug(error);
      }
    }
  }

  whenRead(task: () => void): void {
    if (this.#reading) this.#afterRead.push(task);
    else setImmediate(this.guard(task));
  }

  // -------------------------------------------------------------------------------------------------- generations

  addGeneration(message: GenerationMessage): void {
    this.#generations[message.slot] = new GenerationView(message);
  }

  removeGeneration(slot: number, serial: number): void {
    if (this.#generations[slot]?.serial === serial) this.#generations[slot] = undefined;
  }

  /** The generation in `slot` has become current: connections to what it lacks are closed. */
  useGeneration(slot: number): GenerationView | undefined {
    const view = this.#generations[slot];
    if (view) {
      this.transports.use(view);
      this.upstreams.retainEndpoints(view.endpointSlots(this.engine), view);
    }
    return view;
  }

  routeWord(generation: GenerationView, route: number, field: number): number {
    const words = this.engine.words;
    const slotAt = layout.CONTROL_BASE + layout.CONTROL_GENERATIONS + generation.slot * layout.GENERATION_SIZE;
    const base = words[(slotAt + layout.GENERATION_BASE) >> 2] ?? 0;
    const routes = base + (words[(base + layout.TABLE_ROUTES + 4) >> 2] ?? 0);
    return words[(routes + route * layout.ROUTE_SIZE + field) >> 2] ?? 0;
  }

  // ----------------------------------------------------------------------------------------------------- requests

  /**
   * Takes a request whose head lies at [offset, offset + length) during the call. `verdict` is HEAD_UNPARSED, HEAD_PARSED or
   * the failure for which the front refuses it. Returns false when the thread is full or has no tables: the front closes
   * the connection.
   */
  accept(downstream: Downstream, filterChain: string, offset: number, length: number, verdict: number): boolean {
    const exchange = this.#free.pop() ?? this.#newExchange();
    if (!exchange) return false;
    const slot = this.engine.exports.beginExchange(exchange.index);
    const generation = slot >= 0 ? this.#generations[slot] : undefined;
    if (!generation) {
      this.#free.push(exchange);
      return false;
    }
    this.#active++;
    this.setGauge(layout.SLAB_ACTIVE_EXCHANGES, this.#active);
    exchange.open(downstream, generation, filterChain);
    downstream.exchange = exchange;
    try {
      const failure = verdict === HEAD_UNPARSED ? this.#parse(offset, length) : Math.min(verdict, 0);
      exchange.start(failure < 0 ? failure : this.#decide(exchange, generation, filterChain), offset, length);
    } catch (error) {
      this.onBug(error);
      exchange.onBug();
    }
    return true;
  }

  #newExchange(): Exchange | null {
    const index = this.#newIndex();
    return index < 0 ? null : new Exchange(this, index);
  }

  #newIndex(): number {
    return this.#created < this.#capacity ? this.#created++ : -1;
  }

  beginRecord(): { index: number; generation: GenerationView } | null {
    const index = this.#freeRecords.pop() ?? this.#newIndex();
    if (index < 0) return null;
    const generation = this.#generations[this.engine.exports.beginExchange(index)];
    if (generation !== undefined) return { index, generation };
    this.endRecord(index);
    return null;
  }

  endRecord(index: number): void {
    this.engine.exports.abandonExchange(index);
    this.#freeRecords.push(index);
  }

  logConnection(entry: AccessLogEntry): void {
    this.#accessLog?.writeEntry(entry);
  }

  mirror(exchange: MirroredExchange, mirrors: readonly Mirror[]): void {
    this.#mirrors.start(exchange, mirrors);
  }

  #decide(exchange: Exchange, generation: GenerationView, filterChain: string): number {
    const exports = this.engine.exports;
    const failure = this.#normalize(generation, filterChain);
    if (failure < 0) return failure;
    // What is said of a refusal must not speak of the virtual host of an earlier request.
    this.engine.ints[(this.engine.slab + layout.SLAB_RESULT + layout.RESULT_VIRTUAL_HOST) >> 2] = -1;
    const request = (this.engine.slab + layout.SLAB_REQUEST) >> 2;
    const flags = this.engine.words[request + layout.REQUEST_FLAGS / 4] ?? 0;
    if (flags & layout.REQUEST_FLAG_UPGRADE && !exchange.acceptUpgrade(flags)) return layout.FAILURE_UPGRADE;
    if (flags & layout.REQUEST_FLAG_LAST_HOP) return layout.FAILURE_METHOD;
    const method = this.engine.words[request + layout.REQUEST_METHOD_ID / 4];
    if (method === layout.METHOD_CONNECT && !exchange.acceptConnect()) return layout.FAILURE_NO_ROUTE;
    if (method === layout.METHOD_TRACE) return layout.FAILURE_METHOD;
    const isOld = this.engine.words[request + layout.REQUEST_VERSION / 4] === 10;
    if (isOld && !this.limits.acceptsHttp10) return layout.FAILURE_LOW_VERSION;
    const index = generation.filterChainIndex(filterChain);
    if (index < 0) return layout.FAILURE_NO_ROUTE;
    let decision = exports.routeRequest(exchange.index, index);
    while (decision === layout.DECISION_ASK_HOST) {
      const result = (this.engine.slab + layout.SLAB_RESULT) >> 2;
      const pattern = this.engine.words[result + layout.RESULT_PATTERN / 4] ?? 0;
      const offset = this.engine.words[result + layout.RESULT_SUBJECT_OFFSET / 4] ?? 0;
      const length = this.engine.words[result + layout.RESULT_SUBJECT_LENGTH / 4] ?? 0;
      // A copy, since text decoders refuse shared memory.
      const subject = Buffer.from(this.engine.buffer.subarray(offset, offset + length));
      exports.answerPattern(generation.matcher(pattern).matches(subject) ? 1 : 0);
      decision = exports.routeRequest(exchange.index, index);
    }
    return decision;
  }

  /** 0 or a failure. */
  #parse(offset: number, length: number): number {
    const taken = this.engine.exports.parseRequestHead(offset, length);
    if (taken < 0) return taken;
    return taken === length ? 0 : layout.FAILURE_BAD_REQUEST;
  }

  /** Normalises the path of the parsed request as its listener wants it; 0 or a failure. */
  #normalize(generation: GenerationView, filterChain: string): number {
    const mode = generation.listenerOf(filterChain)?.pathNormalization ?? 'BASE';
    return this.engine.exports.normalizePath(PATH_MODES.indexOf(mode));
  }

  /** Parses a head again that was parsed before. Throws when that fails, which only a bug can cause. */
  parseSavedHead(head: Buffer, generation: GenerationView, filterChain: string): void {
    this.engine.bytes.set(head, this.inputOffset);
    if (this.#parse(this.inputOffset, head.length) < 0 || this.#normalize(generation, filterChain) < 0)
      throw new Error('a head that was accepted before is refused now');
  }

  finish(exchange: Exchange): void {
    if (this.#accessLog) this.#accessLog.write(exchange);
    this.engine.exports.finishExchange(exchange.index, this.nowMs - exchange.startedAtMs);
    this.#free.push(exchange);
    this.#active--;
    this.setGauge(layout.SLAB_ACTIVE_EXCHANGES, this.#active);
    this.#checkIdle();
  }

  /** A response whose exchange is over still has bytes to be sent; `release` says that it has not any more. */
  linger(): () => void {
    this.#lingering++;
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#lingering--;
      this.#checkIdle();
    };
  }

  #checkIdle(): void {
    if (this.isIdle) this.onIdle?.();
  }

  // -------------------------------------------------------------------------------------------------------- facts

  /** The client's address, "" when unknown; `port` 0 when unknown. */
  setDownstreamFacts(ip: Uint8Array, port: number): void {
    const bytes = this.engine.bytes;
    const at = this.#factsOffset;
    bytes.set(ip, at);
    const words = (this.engine.slab + layout.SLAB_FACTS) >> 2;
    this.engine.words[words + layout.FACT_DOWNSTREAM_REMOTE_IP / 4] = at;
    this.engine.words[words + layout.FACT_DOWNSTREAM_REMOTE_IP / 4 + 1] = ip.length;
    const suffix = this.engine.buffer.write(`:${port}`, at + ip.length, 'latin1');
    this.engine.words[words + layout.FACT_DOWNSTREAM_REMOTE / 4] = at;
    this.engine.words[words + layout.FACT_DOWNSTREAM_REMOTE / 4 + 1] = ip.length + suffix;
  }

  /** The client's address as it stands in a connection record; see UpstreamPools.setClientAddress. */
  useDownstreamFacts(record: number): void {
    const words = this.engine.words;
    const connection = this.engine.connections + record * layout.CONNECTION_SIZE;
    const lengths = words[(connection + layout.CONNECTION_IP_LENGTH) >> 2] ?? 0;
    const facts = (this.engine.slab + layout.SLAB_FACTS) >> 2;
    words[facts + layout.FACT_DOWNSTREAM_REMOTE_IP / 4] = connection + layout.CONNECTION_ADDRESS;
    words[facts + layout.FACT_DOWNSTREAM_REMOTE_IP / 4 + 1] = lengths & 0xffff;
    words[facts + layout.FACT_DOWNSTREAM_REMOTE / 4] = connection + layout.CONNECTION_ADDRESS;
    words[facts + layout.FACT_DOWNSTREAM_REMOTE / 4 + 1] = lengths >>> 16;
  }

  /** Whether the client came over TLS, and the value of x-forwarded-client-cert ('' = none). */
  setTlsFacts(isSecure: boolean, clientCertificate: string): void {
    const words = (this.engine.slab + layout.SLAB_FACTS) >> 2;
    this.engine.words[words + layout.FACT_DOWNSTREAM_TLS / 4] = isSecure ? 1 : 0;
    this.#setFact(layout.FACT_CLIENT_CERTIFICATE, 2048, clientCertificate);
  }

  /** `ip:port` of the client whose request is being handled. */
  downstreamAddress(): string {
    const words = (this.engine.slab + layout.SLAB_FACTS + layout.FACT_DOWNSTREAM_REMOTE) >> 2;
    const at = this.engine.words[words] ?? 0;
    return this.engine.buffer.toString('latin1', at, at + (this.engine.words[words + 1] ?? 0));
  }

  setUpstreamFacts(address: string, cluster: string): void {
    if (address !== this.#lastUpstream) this.#setFact(layout.FACT_UPSTREAM_REMOTE, 128, address);
    if (cluster !== this.#lastCluster) this.#setFact(layout.FACT_UPSTREAM_CLUSTER, 256, cluster);
    this.#lastUpstream = address;
    this.#lastCluster = cluster;
  }

  /** Keeps the Date that complete response heads are given. */
  refreshDate(): void {
    if (this.nowMs < this.#dateUntilMs) return;
    const now = Date.now();
    this.#dateUntilMs = this.nowMs + 1000 - (now % 1000);
    this.#setFact(layout.FACT_DATE, 896, new Date(now).toUTCString());
  }

  setReason(reason: string): void {
    this.#setFact(layout.FACT_REASON, 1024, reason.slice(0, 600));
  }

  /** '' when the origin is not allowed; at most MAX_ORIGIN_BYTES. */
  setCorsOrigin(origin: string): void {
    this.#setFact(layout.FACT_CORS_ORIGIN, 1640, origin);
  }

  #setFact(fact: number, place: number, text: string): void {
    const words = (this.engine.slab + layout.SLAB_FACTS + fact) >> 2;
    const at = this.#factsOffset + place;
    this.engine.words[words] = at;
    this.engine.words[words + 1] = text === '' ? 0 : this.engine.buffer.write(text, at, 'latin1');
  }

  /** Computes the path of a route with a regex rewrite for the parsed request (Istio uriRegexRewrite). */
  setRewrittenPath(generation: GenerationView, route: number): void {
    const words = (this.engine.slab + layout.SLAB_FACTS + layout.FACT_REWRITTEN_PATH) >> 2;
    const rewrite = generation.regexRewrite(route);
    if (!rewrite) {
      this.engine.words[words + 1] = 0;
      return;
    }
    const path = rewrite.rewrite(this.readRequest().path);
    const at = this.engine.slab + layout.SLAB_INPUT + layout.INPUT_RESPONSE;
    this.engine.words[words] = at;
    this.engine.words[words + 1] = this.engine.buffer.write(path, at, layout.INPUT_RESPONSE_SIZE, 'utf8');
  }

  /** The parsed request's line and Host as strings. */
  readRequest(): RequestText {
    const record = (this.engine.slab + layout.SLAB_REQUEST) >> 2;
    const words = this.engine.words;
    const text = (field: number): string => {
      const start = words[record + field / 4] ?? 0;
      return this.engine.buffer.toString('utf8', start, start + (words[record + field / 4 + 1] ?? 0));
    };
    return {
      scheme: words[record + layout.REQUEST_SCHEME / 4] === 1 ? 'https' : 'http',
      method: text(layout.REQUEST_METHOD_OFFSET),
      authority: text(layout.REQUEST_AUTHORITY_OFFSET),
      path: text(layout.REQUEST_PATH_OFFSET),
      query: text(layout.REQUEST_QUERY_OFFSET),
      hasQuery: words[record + layout.REQUEST_HAS_QUERY / 4] === 1,
    };
  }

  headFlags(generation: GenerationView, filterChain: string): number {
    const kind = generation.listenerOf(filterChain)?.kind;
    // An upgrade that may not be kept has been refused before.
    return layout.HEAD_FLAG_UPGRADE | (kind === undefined || kind === 'gateway' ? 0 : layout.HEAD_FLAG_SIDECAR);
  }

  // ----------------------------------------------------------------------------------------------------- counting

  addCounter(clusterSlot: number, counter: number, amount: number): void {
    const at =
      (this.engine.slab + layout.SLAB_CLUSTER_COUNTERS + clusterSlot * layout.CLUSTER_COUNTERS_SIZE + counter) >> 3;
    this.engine.doubles[at] = (this.engine.doubles[at] ?? 0) + amount;
  }

  setGauge(field: number, value: number): void {
    this.engine.words[(this.engine.slab + field) >> 2] = value;
  }

  /** Sends the last access-log lines. */
  close(): void {
    this.#accessLog?.flush();
  }

  // ------------------------------------------------------------------------------------------------------- safety

  /** Wraps a callback so that its exception reaches nobody else's connection. */
  guard<Arguments extends unknown[]>(run: (...args: Arguments) => void): (...args: Arguments) => void {
    return (...args) => {
      try {
        this.readClock();
        run(...args);
      } catch (error) {
        this.onBug(error);
      }
    };
  }

  /** Logs what should not have happened; after a trap the engine gets a fresh instance. */
  onBug(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.logger.error('connection', 'internal error', { error: text });
    if (error instanceof WebAssembly.RuntimeError) this.engine.replaceInstance();
  }
}
