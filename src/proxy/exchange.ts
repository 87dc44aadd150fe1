// SPDX-License-Identifier: Apache-2.0
/**
 * One request and its response, from the parsed head to the last byte: fault -> admission -> endpoint -> connection ->
 * request out -> response back -> count. Objects are pooled with their callbacks, so that a request allocates little; an
 * exchange that has to wait keeps a copy of its head and parses it again when its turn comes.
 *
 * One state machine in one file, although it is long: which step may follow which can only be seen with all of them in view.
 */
import * as layout from '../../assembly/layout.js';
import type {
  BodyCopy,
  Downstream,
  FinishedExchange,
  MirroredExchange,
  ResponseFraming,
  ThreadContext,
  Upstream,
} from './contracts.js';
import { allowedOrigin, preflightResponse } from './cors.js';
import { ExchangeFacts } from './exchange-facts.js';
import type { GenerationView } from './generation-view.js';
import { failureOf } from './failures.js';
import type { LocalResponse } from './local-response.js';
import {
  abortResponse,
  failureResponse,
  grpcResponse,
  prepareConnectHead,
  prepareLocalHead,
  routedResponse,
} from './local-response.js';
import { canMirror } from './mirrors.js';
import { RequestBody } from './request-body.js';
import { answerConditions, decideRetry, failureConditions, mayRepeatSent, retryConditions } from './retry.js';
import type { RouteExtras } from './thread-facts.js';
import { WheelTimer } from './timers.js';
import { Tunnel } from './tunnel.js';
import type { TunnelOwner } from './tunnel.js';

/** Most heads fit; a larger one gets a buffer of its own. */
const HEAD_STORE_BYTES = 1024;
/** Picks that may be thrown away because they fell on an endpoint that was tried. */
const REPICKS = 5;
const SWITCHING_PROTOCOLS = 101;

export class Exchange extends ExchangeFacts implements FinishedExchange, MirroredExchange, TunnelOwner {
  readonly index: number;
  readonly #path: ThreadContext;
  readonly #record: number;
  readonly #delay: WheelTimer;
  readonly #timeout: WheelTimer;
  readonly #perTry: WheelTimer;
  readonly #backoff: WheelTimer;
  downstream!: Downstream;
  generation!: GenerationView;
  filterChain = '';
  methodId = 0;
  isUpgrade = false;
  /** False once finished: late callbacks then do nothing. */
  active = false;
  /** The request's head, for when it must be parsed again; the buffer is kept from request to request. */
  #headStore: Buffer = Buffer.allocUnsafe(HEAD_STORE_BYTES);
  #headLength = 0;
  /** Where the head lies while the call that brought it lasts. */
  #headOffset = 0;
  #isGrpc = false;
  readonly #body = new RequestBody();
  #connection: Upstream | null = null;
  #tunnel: Tunnel | null = null;
  #waiting = false;
  #headSent = false;
  /** Endpoints of the tries before this one. */
  #tried: number[] = [];
  #replayed = false;
  /** What the route has for the host to do; undefined for most routes. */
  #extras: RouteExtras | undefined;
  timeoutMs = 0;
  #perTryTimeoutMs = 0;
  #abortStatus = 0;
  /** The origin that the route's CORS policy allows. */
  #corsOrigin = '';
  #preflight: LocalResponse | undefined;

  constructor(path: ThreadContext, index: number) {
    super();
    this.#path = path;
    this.index = index;
    this.#record = path.engine.exchanges + index * layout.EXCHANGE_SIZE;
    this.#delay = new WheelTimer(() => this.#protect(() => this.#afterDelay()));
    this.#timeout = new WheelTimer(() => this.#protect(() => this.#onTimeout()));
    this.#perTry = new WheelTimer(() => this.#protect(() => this.#onPerTryTimeout()));
    this.#backoff = new WheelTimer(() => this.#protect(() => this.#dispatch()));
  }

  /** A u32 field of the exchange record. */
  word(field: number): number {
    return this.#path.engine.words[(this.#record + field) >> 2] ?? 0;
  }

  get isGrpc(): boolean {
    return this.#isGrpc;
  }

  /** '' when the request never got as far as a cluster. */
  get clusterName(): string {
    const index = this.word(layout.EXCHANGE_CLUSTER) | 0;
    return this.generation.facts.clusters[index]?.name ?? '';
  }

  get route(): number {
    return this.word(layout.EXCHANGE_ROUTE) | 0;
  }

  /** The saved head, empty when it was not kept. */
  get requestHead(): Buffer {
    return this.#headStore.subarray(0, this.#headLength);
  }

  requestedEndpoint(defaultPort: number): { readonly address: string; readonly port: number } {
    if (this.#headLength > 0) this.#restoreHead();
    const { authority } = this.#path.readRequest();
    const [, host = authority, port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
    return { address: host.replace(/^\[(.*)\]$/, '$1'), port: port === undefined ? defaultPort : Number(port) };
  }

  requestedHost(): string {
    const rewritten = this.generation.hostRewrite(this.#path.engine, this.word(layout.EXCHANGE_WEIGHTED) | 0);
    if (rewritten !== '') return rewritten;
    if (this.#headLength > 0) this.#restoreHead();
    return this.#path.readRequest().authority;
  }

  /** Mirrors get what was sent. */
  get keepsSentHead(): boolean {
    return this.#extras?.mirrors !== undefined;
  }

  /** Runs `write` corked when the client is still there. */
  cork(write: () => void): void {
    this.downstream.cork(write);
  }

  /** Resets a pooled exchange for a new request. */
  open(downstream: Downstream, generation: GenerationView, filterChain: string): void {
    this.downstream = downstream;
    this.generation = generation;
    this.filterChain = filterChain;
    this.active = true;
    this.resetFacts(this.#path.nowMs);
    this.methodId = 0;
    this.isUpgrade = false;
    this.#headLength = 0;
    this.#isGrpc = false;
    this.#body.open(downstream, layout.BODY_NONE);
    this.#connection = null;
    this.#tunnel = null;
    this.#waiting = false;
    this.#headSent = false;
    if (this.#tried.length > 0) this.#tried = [];
    this.#replayed = false;
    this.#extras = undefined;
    this.timeoutMs = 0;
    this.#perTryTimeoutMs = 0;
    this.#abortStatus = 0;
    this.#corsOrigin = '';
    this.#preflight = undefined;
  }

  /** Whether the upgrade asked for by a request with these REQUEST_FLAG_* is one that Weft and the client's front can carry. */
  acceptUpgrade(flags: number): boolean {
    this.isUpgrade = (flags & layout.REQUEST_FLAG_WEBSOCKET) !== 0 && this.downstream.carriesTunnels;
    return this.isUpgrade;
  }

  /** Whether the client's front can carry what a CONNECT asks for. */
  acceptConnect(): boolean {
    this.isUpgrade = this.downstream.carriesTunnels;
    return this.isUpgrade;
  }

  /** The head is parsed and routed (`decision` of routeRequest, or a failure); its bytes lie at `headOffset`. */
  start(decision: number, headOffset: number, headLength: number): void {
    this.#headOffset = headOffset;
    const words = this.#path.engine.words;
    const request = (this.#path.engine.slab + layout.SLAB_REQUEST) >> 2;
    this.methodId = words[request + layout.REQUEST_METHOD_ID / 4] ?? 0;
    this.#body.open(this.downstream, words[request + layout.REQUEST_BODY_KIND / 4] ?? 0);
    this.#isGrpc = ((words[request + layout.REQUEST_FLAGS / 4] ?? 0) & layout.REQUEST_FLAG_GRPC) !== 0;
    this.requestBytes = headLength;
    this.requestHeadBytes = headLength;
    // Kept for a second try; see #mayReplay.
    if (this.#path.keepsHeads) this.downstreamAddress = this.#path.downstreamAddress();
    const extras = this.generation.routeExtras(this.route);
    this.#extras = extras;
    if (this.#isReplayable || this.#path.keepsHeads || extras?.keepRequestHead) this.#keepHead(headLength);
    if (decision < 0) {
      this.fail(decision);
      return;
    }
    if (decision !== layout.DECISION_FORWARD) {
      if (extras?.directCluster !== undefined) this.#charge(extras.directCluster);
      this.#respond(routedResponse(this.#path, this, decision));
      return;
    }
    const result = (this.#path.engine.slab + layout.SLAB_RESULT) >> 2;
    this.timeoutMs = words[result + layout.RESULT_TIMEOUT_MS / 4] ?? 0;
    // To Envoy an upgrade is a request without an end, and the route's timeout runs from the end.
    if (this.isUpgrade) this.timeoutMs = 0;
    this.#abortStatus = words[result + layout.RESULT_ABORT_STATUS / 4] ?? 0;
    if (extras) this.#takeExtras(extras);
    const delayMs = words[result + layout.RESULT_DELAY_MS / 4] ?? 0;
    if (delayMs > 0) {
      this.flags |= layout.FLAG_DI;
      this.#keepHead(headLength);
      this.#body.pause();
      this.#path.timers.start(this.#delay, delayMs);
      return;
    }
    this.#admit(headLength);
  }

  // ------------------------------------------------------------------------------------------------- request side

  /** Body bytes of the request, valid during the call; `last` with or after the final ones, with the lines of its trailers. */
  onRequestBody(chunk: Uint8Array, last: boolean, trailers?: Buffer): void {
    if (!this.active || this.#body.ended) return;
    this.requestBytes += chunk.length;
    if (this.#body.isFlooded) {
      this.failureDetail = 'the client sends on although it is paused';
      this.fail(layout.FAILURE_DRAINING);
      return;
    }
    if (trailers) this.requestBytes += trailers.length;
    this.#body.take(chunk, last && !trailers?.length);
    if (last && this.#body.end(trailers)) this.#startTimeout();
  }

  onUpstreamDrain(): void {
    if (!this.active) return;
    if (this.#tunnel) this.#tunnel.onUpstreamDrain();
    else this.#body.resume();
  }

  /** The client is gone. */
  onAborted(): void {
    if (!this.active) return;
    if (this.#tunnel) {
      this.#tunnel.onClientClosed();
      return;
    }
    this.flags |= layout.FLAG_DC;
    this.responseDetails ||= failureOf(layout.FAILURE_DOWNSTREAM_CLOSED).details;
    if (this.#connection) {
      this.#path.addCounter(this.word(layout.EXCHANGE_CLUSTER_SLOT), layout.COUNTER_RQ_CANCELLED, 1);
    }
    if (!this.#headSent) this.status = 0;
    this.#finish();
  }

  /** A limit of the client's side on time is over: `failure` answers, or says why the answer under way is broken off. */
  onExpired(failure: number): void {
    if (!this.active) return;
    if (!this.#headSent) {
      this.fail(failure);
      return;
    }
    this.flags |= failureOf(failure).flag;
    this.responseDetails = failureOf(failure).details;
    this.#breakResponse();
  }

  onDownstreamDrain(): void {
    if (!this.active) return;
    if (this.#tunnel) this.#tunnel.onDownstreamDrain();
    else this.#connection?.resume();
  }

  // ------------------------------------------------------------------------------------------------ upstream side

  /** A connection is being opened for this exchange. */
  onConnecting(connection: Upstream): void {
    this.#waiting = false;
    this.#connection = connection;
  }

  /** A connection is ready for this exchange. */
  onConnected(connection: Upstream): void {
    this.#waiting = false;
    this.#path.engine.exports.leavePending(this.index);
    this.#connection = connection;
    this.#restoreHead();
    this.#send(connection);
  }

  /** Lets go of the connection, which has ended its message or will be closed. */
  detach(): void {
    this.#connection = null;
    this.#body.stopSending();
  }

  /** `replayable`: nothing came back on a connection that had served before, so the upstream had probably closed it. */
  onUpstreamFailure(failure: number, detail: string, replayable: boolean): void {
    if (!this.active) return;
    if (this.#tunnel && !this.#tunnel.isWhole) {
      this.#tunnel.onUpstreamLost();
      return;
    }
    this.failureDetail = detail;
    this.#countEndpointFailure();
    if (this.#tunnel) {
      this.#tunnel.onUpstreamLost();
      return;
    }
    this.#path.engine.exports.leavePending(this.index);
    if (this.#headSent) {
      this.flags |= failureOf(failure).flag;
      this.#breakResponse();
      return;
    }
    if (replayable && this.#mayReplay()) {
      this.#replayed = true;
      this.#dispatch();
      return;
    }
    if (this.#retry(failureConditions(failure))) return;
    this.fail(failure);
  }

  /** An interim answer other than 100 and 101 is in the response record; one that can't be passed on is dropped. */
  onInterimHead(): void {
    if (this.downstream.relaysInterim) this.downstream.sendInterim();
  }

  /** Returns false when the response could not be passed on; the connection is gone then. */
  onResponseHead(status: number, bodyKind: number, contentLength: number): boolean {
    const path = this.#path;
    const engine = path.engine;
    // Most routes repeat nothing below 400, and for them this is all that retries cost.
    if ((status >= 400 || this.#isGrpc || this.#extras?.retry) && this.#retriesAnswer(status)) return false;
    this.#settleRetry();
    this.upstreamServiceMs = Math.round(path.nowMs - this.upstreamStartedAtMs);
    const facts = engine.slab + layout.SLAB_FACTS;
    engine.words[(facts + layout.FACT_UPSTREAM_SERVICE_MS) >> 2] = this.upstreamServiceMs;
    const close = path.draining;
    const style = this.#style(close) | layout.STYLE_SERVICE_TIME;
    path.refreshDate();
    const isHead = this.methodId === layout.METHOD_HEAD;
    if (this.#sendHead(style, { status, bodyKind, contentLength, isHead, close }) < 0) {
      this.#dropConnection();
      this.failureDetail =
        status === SWITCHING_PROTOCOLS
          ? 'the answer to the WebSocket handshake does not fit the question'
          : 'the response head with what is added to it is too large';
      this.fail(layout.FAILURE_UPSTREAM_PROTOCOL);
      return false;
    }
    this.responseDetails = 'via_upstream';
    return true;
  }

  onResponseBody(offset: number, length: number, isLast: boolean): void {
    this.responseBytes += length;
    if (!this.downstream.sendBody(offset, length, isLast)) this.#connection?.pause();
  }

  onResponseEnd(trailers?: Buffer): void {
    if (!this.active) return;
    if (trailers) this.responseBytes += trailers.length;
    this.downstream.end(trailers);
    this.#finish();
  }

  openTunnel(): void {
    const connection = this.#connection;
    if (!connection) return;
    const tunnel = new Tunnel(this.#path, this, this.downstream, connection);
    this.#tunnel = tunnel;
    // Nothing is looked up in the rules from here on, and a tunnel that lasts for days must not hold them in memory.
    this.#path.engine.exports.leaveGeneration(this.index);
    connection.openTunnel(tunnel);
    this.downstream.openTunnel(tunnel);
  }

  onTunnelEnd(flags: number, details: string, atOnce: boolean): void {
    this.flags |= flags;
    if (details !== '') this.responseDetails = details;
    if (atOnce) this.downstream.destroy();
    else this.downstream.end();
    this.#finish();
  }

  /** A bug while handling this exchange: it alone is answered with 500. */
  onBug(): void {
    if (!this.active) return;
    this.#dropConnection();
    if (this.#headSent) this.#breakResponse();
    else this.fail(layout.FAILURE_ENGINE);
  }

  /** Answers with the failure's row and ends. */
  fail(failure: number): void {
    if (!this.active) return;
    this.flags |= failureOf(failure).flag;
    this.#respond(failureResponse(this.#path, this, failure));
  }

  // --------------------------------------------------------------------------------------------------------- steps

  #admit(headLength: number): void {
    if (this.#abortStatus > 0) {
      this.flags |= layout.FLAG_FI;
      this.#respond(abortResponse(this.#path, this, this.#abortStatus, this.#extras?.abortGrpcStatus));
      return;
    }
    // After the fault, as Envoy's filters stand.
    if (this.#preflight) {
      this.#respond(this.#preflight);
      return;
    }
    const verdict = this.#path.engine.exports.admitRequest(this.index);
    if (verdict !== 0) {
      this.fail(verdict);
      return;
    }
    if (this.#body.ended) this.#startTimeout();
    this.#dispatch(headLength);
  }

  /** Counts an answer of the proxy's own for a cluster. */
  #charge(cluster: string): void {
    const index = this.generation.clusterIndex(cluster);
    if (index < 0) return;
    this.#path.engine.ints[(this.#record + layout.EXCHANGE_CLUSTER) >> 2] = index;
    this.#path.engine.exports.admitRequest(this.index);
  }

  /** What a route asks for beside the engine's decision; the request's head is parsed. */
  #takeExtras({ cors, retry }: RouteExtras): void {
    const perTryMs = retry?.perTryTimeoutMs ?? 0;
    // Envoy ignores one that could never expire first.
    if (perTryMs > 0 && !this.isUpgrade && (this.timeoutMs === 0 || perTryMs < this.timeoutMs)) {
      this.#perTryTimeoutMs = perTryMs;
    }
    if (!cors) return;
    this.#corsOrigin = allowedOrigin(this.#path, cors);
    this.#preflight = preflightResponse(this.#path, cors, this.methodId, this.#corsOrigin);
    // The answer to a preflight brings its own fields.
    if (this.#preflight) this.#corsOrigin = '';
  }

  #afterDelay(): void {
    if (!this.active) return;
    this.#restoreHead();
    this.#admit(this.#headLength);
  }

  /** Picks an endpoint and finds a connection. `freshHeadLength` above 0: the parsed head still lies in memory. */
  #dispatch(freshHeadLength = 0): void {
    if (!this.active) return;
    const exports = this.#path.engine.exports;
    const endpoint = this.#pick();
    if (endpoint < 0) {
      this.fail(endpoint);
      return;
    }
    if (this.#perTryTimeoutMs > 0 && this.#body.ended) this.#path.timers.start(this.#perTry, this.#perTryTimeoutMs);
    // A tunnel is to the endpoint itself, not a request on a connection that others have used.
    const ready = this.methodId === layout.METHOD_CONNECT ? null : this.#path.upstreams.takeReady(this);
    if (ready) {
      this.#connection = ready;
      if (freshHeadLength === 0) this.#restoreHead();
      this.#send(ready);
      return;
    }
    if (freshHeadLength > 0) this.#keepHead(freshHeadLength);
    this.#body.pause();
    const connection = this.#path.upstreams.open(this);
    const verdict = exports.enterPending(this.index, connection ? 0 : 1);
    if (verdict !== 0) {
      if (connection) {
        connection.exchange = null;
        connection.destroy();
      }
      this.fail(verdict);
      return;
    }
    if (connection) {
      this.#connection = connection;
      return;
    }
    this.#waiting = true;
    this.#path.upstreams.enqueue(this);
  }

  /** Stays away from endpoints that were tried, for as many picks as Istio sets (host_selection_retry_max_attempts). */
  #pick(): number {
    const exports = this.#path.engine.exports;
    const tried = this.#tried;
    let endpoint = exports.pickEndpoint(this.index, tried.at(-1) ?? -1);
    for (let again = 0; again < REPICKS && tried.length > 1 && tried.includes(endpoint); again++) {
      endpoint = exports.pickEndpoint(this.index, tried.at(-1) ?? -1);
    }
    return endpoint;
  }

  #send(connection: Upstream): void {
    const path = this.#path;
    this.upstreamStartedAtMs = path.nowMs;
    this.upstreamAddress = connection.address;
    if (path.keepsHeads) this.upstreamLocalAddress = connection.localAddress;
    path.setUpstreamFacts(connection.address, connection.clusterName);
    if (this.methodId === layout.METHOD_CONNECT) {
      this.#connect(connection);
      return;
    }
    path.setRewrittenPath(this.generation, this.route);
    const length = connection.send(this, path.headFlags(this.generation, this.filterChain));
    if (length < 0) {
      this.#connection = null;
      connection.exchange = null;
      connection.destroy();
      this.fail(length);
      return;
    }
    if (!this.#isReplayable) this.#prepareRepeat();
    const mirrors = this.#extras?.mirrors;
    const isFirst = this.word(layout.EXCHANGE_ATTEMPT) === 1 && !this.#replayed;
    if (mirrors && isFirst && canMirror(this.isUpgrade, this.methodId)) {
      this.#path.mirror(this, mirrors);
    }
    if (this.#body.startSending(connection)) this.#startTimeout();
  }

  /** Envoy's connect_config: the endpoint gets no CONNECT, and the client its 200 as soon as there is a connection. */
  #connect(connection: Upstream): void {
    if (!connection.takeTunnel(this)) {
      this.#dropConnection();
      this.#dispatch();
      return;
    }
    this.#settleRetry();
    this.responseDetails = 'via_upstream';
    this.downstream.cork(() => {
      const style = this.#style(false);
      this.#path.refreshDate();
      prepareConnectHead(this.#path);
      const framing = { status: 200, bodyKind: layout.BODY_NONE, contentLength: -1, isHead: false, close: false };
      if (this.#sendHead(style, framing) < 0) throw new Error('the answer to CONNECT does not fit');
      this.openTunnel();
    });
  }

  copyBody(copy: BodyCopy): void {
    this.#body.addCopy(copy);
  }

  /** Keeps head and body where the route's policy may send them again. */
  #prepareRepeat(): void {
    if (!mayRepeatSent(retryConditions(this.#path, this), false)) return;
    this.#keepParsedHead();
    this.#body.keep();
  }

  /** Where the head of the request that was just sent lies. */
  #keepParsedHead(): void {
    if (this.#headLength > 0) return;
    this.#keepHead(this.requestHeadBytes);
  }

  /** Runs from the end of the request to the end of the response, over all tries (Istio HTTPRoute.timeout). */
  #startTimeout(): void {
    if (this.timeoutMs > 0 && this.#timeout.slot < 0) this.#path.timers.start(this.#timeout, this.timeoutMs);
    if (this.#perTryTimeoutMs > 0 && this.#perTry.slot < 0) {
      this.#path.timers.start(this.#perTry, this.#perTryTimeoutMs);
    }
  }

  #onPerTryTimeout(): void {
    if (!this.active) return;
    this.#path.addCounter(this.word(layout.EXCHANGE_CLUSTER_SLOT), layout.COUNTER_RQ_PER_TRY_TIMEOUT, 1);
    this.#countEndpointFailure();
    this.#dropConnection();
    if (this.#headSent) {
      this.flags |= layout.FLAG_UT;
      this.#breakResponse();
      return;
    }
    this.#path.engine.exports.leavePending(this.index);
    this.failureDetail = 'per-try timeout';
    if (this.#retry(failureConditions(layout.FAILURE_PER_TRY_TIMEOUT))) return;
    this.fail(layout.FAILURE_PER_TRY_TIMEOUT);
  }

  /** Starts another try, when the route's policy has one for what met the conditions `met` and it can be made. */
  #retry(met: number): boolean {
    if (this.#headLength === 0 || !this.#body.isWhole) return false;
    const wanted = met & retryConditions(this.#path, this);
    const decision = decideRetry(this.#path, this, wanted, this.#extras);
    if (!decision.retry) {
      this.flags |= decision.flags;
      return false;
    }
    if (this.#extras?.retry?.reusesHosts !== true) this.#tried.push(this.word(layout.EXCHANGE_ENDPOINT));
    this.#path.timers.stop(this.#perTry);
    this.#body.rewind();
    this.#path.timers.start(this.#backoff, decision.delayMs);
    return true;
  }

  /** Whether the answer in the response record is thrown away for another try. */
  #retriesAnswer(status: number): boolean {
    // Envoy does not repeat a request that is still being sent.
    if (!this.#body.ended || this.isUpgrade) return false;
    const conditions = retryConditions(this.#path, this);
    const met = answerConditions(this.#path, this, status, conditions, this.#extras);
    if (met === 0 || !this.#retry(met)) return false;
    this.#countEndpointFailure();
    this.#dropConnection();
    return true;
  }

  /** An answer is passed on: the retry that brought it, if it was one, is over. */
  #settleRetry(): void {
    if (this.word(layout.EXCHANGE_ATTEMPT) === 1) return;
    this.#path.engine.exports.endRetry(this.index);
    if ((this.flags & (layout.FLAG_URX | layout.FLAG_UO)) !== 0) return;
    this.#path.addCounter(this.word(layout.EXCHANGE_CLUSTER_SLOT), layout.COUNTER_RQ_RETRY_SUCCESS, 1);
  }

  #onTimeout(): void {
    if (!this.active) return;
    this.#path.addCounter(this.word(layout.EXCHANGE_CLUSTER_SLOT), layout.COUNTER_RQ_TIMEOUT, 1);
    this.#dropConnection();
    if (this.#headSent) {
      this.flags |= layout.FLAG_UT;
      this.#breakResponse();
    } else this.fail(layout.FAILURE_TIMEOUT);
  }

  /** Only what the upstream provably did not act on, or may be repeated by RFC 9110 9.2.2, and only once. */
  #mayReplay(): boolean {
    return this.#isReplayable && !this.#replayed;
  }

  get #isReplayable(): boolean {
    const method = this.methodId;
    const idempotent =
      method === layout.METHOD_GET || method === layout.METHOD_HEAD || method === layout.METHOD_OPTIONS;
    return idempotent && this.#body.isEmpty;
  }

  #countEndpointFailure(): void {
    const slot = this.word(layout.EXCHANGE_ENDPOINT_SLOT);
    const at = this.#path.engine.control(layout.CONTROL_ENDPOINT_STATES) + slot * layout.ENDPOINT_STATE_SIZE;
    Atomics.add(this.#path.engine.words, (at + layout.ENDPOINT_FAILURES_TOTAL) >> 2, 1);
  }

  #keepHead(length: number): void {
    if (this.#headLength > 0) return;
    const start = this.#headOffset;
    if (length > this.#headStore.length) this.#headStore = Buffer.allocUnsafe(length);
    this.#headStore.set(this.#path.engine.bytes.subarray(start, start + length));
    this.#headLength = length;
  }

  #restoreHead(): void {
    this.downstream.restoreFacts();
    this.#path.parseSavedHead(this.requestHead, this.generation, this.filterChain);
  }

  #respond(made: LocalResponse): void {
    this.#dropConnection();
    const response = this.#isGrpc ? grpcResponse(made) : made;
    this.responseDetails = response.details;
    const isHead = this.methodId === layout.METHOD_HEAD;
    const close = response.close || this.#path.draining;
    // RFC 9110 8.6 and 6.4.1: these have neither a length nor a body, whatever a direct response says.
    const isBodiless = response.status === 204 || response.status === 304;
    this.downstream.cork(() => {
      // First, because it may bring the request's head back where the response's is put.
      const style = this.#style(close);
      prepareLocalHead(this.#path, response);
      const size = isBodiless ? 0 : response.body.length;
      const length = this.#sendHead(style, {
        status: response.status,
        bodyKind: isBodiless ? layout.BODY_NONE : layout.BODY_LENGTH,
        contentLength: isBodiless ? -1 : size,
        isHead,
        close,
      });
      this.#path.setReason('');
      if (length < 0) throw new Error('a local response head does not fit');
      this.responseBytes += isHead ? 0 : size;
      if (!isHead && size > 0) this.downstream.sendBytes(response.body);
      this.downstream.end();
    });
    this.#finish();
  }

  /** The style bits of a response head; brings the request's head back where the route's templates look at it. */
  #style(close: boolean): number {
    let style = close ? layout.STYLE_CLOSE : 0;
    if (this.#extras?.cors) this.#path.setCorsOrigin(this.#corsOrigin);
    if (this.#headLength > 0 && this.#extras?.keepRequestHead) {
      this.#restoreHead();
      style |= layout.STYLE_REQUEST_PRESENT;
    }
    return style;
  }

  /** Bytes of the head, or a failure when nothing was sent. */
  #sendHead(style: number, framing: ResponseFraming): number {
    const length = this.downstream.sendHead(style, framing);
    if (length < 0) return length;
    this.status = framing.status;
    this.responseBytes += length;
    this.responseHeadBytes = length;
    this.#headSent = true;
    return length;
  }

  #breakResponse(): void {
    this.downstream.destroy();
    this.#finish();
  }

  #dropConnection(): void {
    const connection = this.#connection;
    this.#connection = null;
    this.#body.stopSending();
    if (this.#waiting) {
      this.#waiting = false;
      this.#path.upstreams.dequeue(this);
    }
    if (!connection) return;
    connection.exchange = null;
    connection.destroy();
  }

  #finish(): void {
    if (!this.active) return;
    this.active = false;
    this.#dropConnection();
    this.#path.timers.stop(this.#delay);
    this.#path.timers.stop(this.#timeout);
    this.#path.timers.stop(this.#perTry);
    this.#path.timers.stop(this.#backoff);
    this.#body.close();
    this.#tunnel?.close();
    const engine = this.#path.engine;
    const words = this.#record >> 2;
    engine.words[words + layout.EXCHANGE_STATUS / 4] = this.status;
    engine.words[words + layout.EXCHANGE_FLAGS / 4] = this.flags;
    engine.words[words + layout.EXCHANGE_PROTOCOL / 4] = this.#isGrpc ? 1 : 0;
    engine.doubles[(this.#record + layout.EXCHANGE_REQUEST_BYTES) >> 3] = this.requestBytes;
    engine.doubles[(this.#record + layout.EXCHANGE_RESPONSE_BYTES) >> 3] = this.responseBytes;
    this.#path.finish(this);
    // One large head must not keep its memory in the pool.
    if (this.#headStore.length > HEAD_STORE_BYTES) this.#headStore = Buffer.allocUnsafe(HEAD_STORE_BYTES);
  }

  #protect(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#path.onBug(error);
      this.onBug();
    }
  }
}
