// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTP/1.1 connection to an endpoint. Bytes arrive in the thread's shared read region, are parsed where they lie, and
 * are gone when the callback returns: only an incomplete head is put aside. One exchange at a time; no pipelining.
 *
 * One state machine in one file: its phases, from connecting to closed, decide how every byte and every end is taken.
 */
import * as layout from '../../assembly/layout.js';
import type { ClusterData, EndpointData } from '../rules/encoded-tables.js';
import type { ByteTunnel, PooledConnection, RequestExchange, ThreadContext } from './contracts.js';
import { WheelTimer } from './timers.js';
import { TrailerSection } from './trailers.js';
import { UpstreamSocket } from './upstream-socket.js';
import type { UpstreamSocketOwner } from './upstream-socket.js';
import type { UpstreamTransport } from './upstream-transport.js';

const CHUNK_END = Buffer.from('\r\n');
const LAST_CHUNK_START = Buffer.from('0\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

const ALPN = ['http/1.1'];

const CONTINUE = 100;
const SWITCHING_PROTOCOLS = 101;

type Phase = 'connecting' | 'idle' | 'head' | 'body' | 'tunnel' | 'closed';

export class UpstreamConnection implements PooledConnection, UpstreamSocketOwner {
  readonly index: number;
  readonly clusterName: string;
  readonly clusterSlot: number;
  readonly endpointSlot: number;
  readonly address: string;
  readonly transportKey: string;
  readonly settingsKey: string;
  phase: Phase = 'connecting';
  exchange: RequestExchange | null = null;
  /** Requests sent on it so far. */
  requestCount = 0;
  /** After the message under way the connection is closed. */
  closing = false;
  readonly #path: ThreadContext;
  readonly #socket: UpstreamSocket;
  readonly #timer: WheelTimer;
  readonly #consume = (): void => this.#parse();
  #idleTimeoutMs: number;
  #maxRequests: number;
  /** Its address is what the request asked for. */
  readonly #isDynamic: boolean;
  #partial: Buffer | null = null;
  #bodyKind = 0;
  #remaining = 0;
  #keepAlive = false;
  #requestSent = false;
  /** The request's body goes out in chunks. */
  #sendsChunks = false;
  /** Made with the first chunked answer. */
  #trailers: TrailerSection | null = null;
  #tunnel: ByteTunnel | null = null;
  /** In a tunnel: the upstream sends no more. */
  #ended = false;
  #offset = 0;
  #length = 0;
  /** Bytes of the same read that come after [#offset, #offset + #length). */
  #rest = 0;

  constructor(
    path: ThreadContext,
    index: number,
    exchange: RequestExchange,
    cluster: ClusterData,
    endpoint: EndpointData,
    transport: UpstreamTransport | null,
  ) {
    this.#path = path;
    this.index = index;
    this.exchange = exchange;
    this.clusterName = cluster.name;
    this.clusterSlot = exchange.word(layout.EXCHANGE_CLUSTER_SLOT);
    this.endpointSlot = exchange.word(layout.EXCHANGE_ENDPOINT_SLOT);
    this.#idleTimeoutMs = cluster.idleTimeoutMs;
    this.#maxRequests = cluster.maxRequestsPerConnection;
    this.#isDynamic = cluster.discovery !== undefined;
    this.#timer = new WheelTimer(() => this.#onIdleTimeout());
    this.transportKey = transport?.key ?? '';
    this.settingsKey = transport?.settingsKey ?? '';
    const { clusterSlot } = this;
    this.#socket = new UpstreamSocket(path, this, { cluster, clusterSlot, endpoint, transport, alpn: ALPN });
    this.address = this.#socket.address;
  }

  get pendingBytes(): number {
    return this.#socket.pendingBytes;
  }

  get localAddress(): string {
    return this.#socket.localAddress;
  }

  /** Whether another request may be sent once this one has ended. */
  get isReusable(): boolean {
    return this.phase === 'idle' && !this.closing && (this.#maxRequests === 0 || this.requestCount < this.#maxRequests);
  }

  send(exchange: RequestExchange, flags: number): number {
    const { engine, output, keepsHeads } = this.#path;
    const offset = output.open();
    const length = engine.exports.writeRequestHead(exchange.index, offset, output.capacity, flags);
    if (length < 0) return length;
    if (keepsHeads || exchange.keepsSentHead)
      exchange.sentHead = engine.buffer.toString('latin1', offset, offset + length);
    const kind = engine.words[(engine.slab + layout.SLAB_REQUEST + layout.REQUEST_BODY_KIND) >> 2];
    this.#sendsChunks = kind === layout.BODY_CHUNKED;
    this.exchange = exchange;
    this.phase = 'head';
    this.requestCount++;
    this.#requestSent = false;
    this.#keepAlive = false;
    this.#socket.send(offset, length);
    return length;
  }

  writeBody(chunk: Uint8Array): boolean {
    if (!this.#sendsChunks) return this.write(chunk);
    this.write(Buffer.from(chunk.length.toString(16) + '\r\n', 'latin1'));
    this.write(chunk);
    return this.write(CHUNK_END);
  }

  endBody(trailers?: Buffer): void {
    if (this.#sendsChunks) {
      if (!trailers || trailers.length === 0) this.write(LAST_CHUNK);
      else this.write(Buffer.concat([LAST_CHUNK_START, trailers, CHUNK_END]));
    }
    this.#requestSent = true;
  }

  /** Writes bytes, which may change after the call. Returns false until 'drain'. */
  write(chunk: Uint8Array): boolean {
    return this.#socket.write(chunk);
  }

  takeTunnel(exchange: RequestExchange): boolean {
    if (this.requestCount > 0) return false;
    this.exchange = exchange;
    this.phase = 'tunnel';
    this.requestCount++;
    this.closing = true;
    return true;
  }

  openTunnel(tunnel: ByteTunnel): void {
    this.#tunnel = tunnel;
    // Each way of a tunnel ends by itself; before it, the end of one is the end of both.
    this.#socket.allowHalfOpen();
  }

  endTunnel(onSent: () => void): void {
    this.#socket.end(onSent);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Puts the connection to rest in the pool; it closes itself after the cluster's idle timeout. */
  rest(): void {
    this.phase = 'idle';
    this.exchange = null;
    this.resume();
    if (this.#idleTimeoutMs > 0) this.#path.timers.start(this.#timer, this.#idleTimeoutMs);
  }

  /** Closes at once and gives its place in the limits back; the exchange, if any, has been told already. */
  destroy(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.exchange = null;
    this.#tunnel = null;
    this.#partial = null;
    this.#path.timers.stop(this.#timer);
    this.#socket.destroy();
    this.#path.upstreams.onClosed(this);
  }

  onSocketOpen(): void {
    if (this.phase !== 'connecting') return;
    if (this.#isDynamic && this.exchange?.generation.isListener(this.#socket.remoteAddress, this.#socket.remotePort)) {
      this.#fail(layout.FAILURE_CONNECT, 'the Host leads to the proxy itself');
      return;
    }
    this.phase = 'idle';
    this.exchange?.onConnected(this);
  }

  onSocketDrain(): void {
    this.exchange?.onUpstreamDrain();
  }

  onSocketFailure(failure: number, detail: string): void {
    if (this.phase !== 'closed') this.#fail(failure, detail);
  }

  onSocketEnd(): void {
    if (this.phase === 'closed') return;
    if (this.phase === 'tunnel') {
      // Also called when the socket has closed, because both ways had ended.
      if (!this.#ended) this.#tunnel?.onUpstreamEnd();
      this.#ended = true;
      return;
    }
    if (this.phase === 'body' && this.#bodyKind === layout.BODY_UNTIL_CLOSE) {
      this.closing = true;
      this.#finishMessage();
      return;
    }
    this.#fail(layout.FAILURE_UPSTREAM_CLOSED, 'closed by the upstream');
  }

  onSocketRead(length: number): void {
    this.#offset = this.#path.readOffset;
    this.#length = length;
    const exchange = this.exchange;
    if (exchange && (this.phase === 'head' || this.phase === 'body')) exchange.cork(this.#consume);
    else if (this.phase === 'tunnel') this.#passOn();
    // Bytes that nobody asked for: the connection's state is unknown.
    else this.destroy();
  }

  onSocketBug(): void {
    const exchange = this.exchange;
    exchange?.detach();
    this.destroy();
    exchange?.onBug();
  }

  #onIdleTimeout(): void {
    if (this.phase !== 'idle') return;
    this.#path.addCounter(this.clusterSlot, layout.COUNTER_CX_IDLE_TIMEOUT, 1);
    this.destroy();
  }

  #fail(failure: number, detail: string): void {
    const exchange = this.exchange;
    const gotBytes = this.phase === 'body' || this.#partial !== null;
    if (exchange && this.phase !== 'connecting') {
      this.#path.addCounter(this.clusterSlot, layout.COUNTER_CX_DESTROY_WITH_ACTIVE_RQ, 1);
    }
    // The exchange lets go of the connection before it is closed, so that closing can serve waiting requests.
    this.exchange = null;
    const reused = this.requestCount > 1;
    if (!exchange) {
      this.destroy();
      return;
    }
    this.phase = 'idle';
    exchange.detach();
    this.destroy();
    exchange.onUpstreamFailure(failure, detail, reused && !gotBytes && failure === layout.FAILURE_UPSTREAM_CLOSED);
  }

  #parse(): void {
    if (!this.#partial) {
      this.#parseRange();
      return;
    }
    // The head that began earlier and the bytes after it are brought together in the input region, which has room for the
    // largest head allowed; what does not fit there can only be body and is taken from where it was read.
    const partial = this.#partial;
    const engine = this.#path.engine;
    const input = engine.slab + layout.SLAB_INPUT + layout.INPUT_RESPONSE;
    const taken = Math.min(this.#length, layout.INPUT_RESPONSE_SIZE - partial.length);
    const restOffset = this.#offset + taken;
    this.#rest = this.#length - taken;
    partial.copy(engine.buffer, input);
    engine.exports.moveBytes(input + partial.length, this.#offset, taken);
    this.#partial = null;
    this.#offset = input;
    this.#length = partial.length + taken;
    this.#parseRange();
    const rest = this.#rest;
    this.#rest = 0;
    if (rest === 0 || this.phase === 'closed') return;
    this.#offset = restOffset;
    this.#length = rest;
    this.#parseRange();
  }

  #parseRange(): void {
    while (this.phase === 'head' && this.#length > 0) if (this.#parseHead() <= 0) return;
    if (this.phase === 'body') this.#parseBody();
    else if (this.phase === 'tunnel') this.#passOn();
    else if (this.phase === 'idle' && this.#length > 0) this.destroy();
  }

  #parseHead(): number {
    const exchange = this.exchange as RequestExchange;
    const engine = this.#path.engine;
    const taken = engine.exports.parseResponseHead(this.#offset, this.#length, exchange.methodId);
    if (taken === 0) {
      this.#partial = Buffer.from(engine.buffer.subarray(this.#offset, this.#offset + this.#length));
      return 0;
    }
    if (taken < 0) {
      this.#fail(layout.FAILURE_UPSTREAM_PROTOCOL, 'malformed response head');
      return taken;
    }
    this.#offset += taken;
    this.#length -= taken;
    const record = engine.slab + layout.SLAB_RESPONSE;
    const status = engine.words[(record + layout.RESPONSE_STATUS) >> 2] ?? 0;
    if (status === SWITCHING_PROTOCOLS) return this.#switchProtocol(exchange) ? taken : -1;
    if (status < 200) {
      // The front has sent its own 100 where the client asked for one.
      if (status !== CONTINUE) exchange.onInterimHead();
      return taken;
    }
    this.#bodyKind = engine.words[(record + layout.RESPONSE_BODY_KIND) >> 2] ?? 0;
    this.#remaining = engine.doubles[(record + layout.RESPONSE_CONTENT_LENGTH) >> 3] ?? 0;
    this.#keepAlive = engine.words[(record + layout.RESPONSE_KEEP_ALIVE) >> 2] === 1;
    if (this.#bodyKind === layout.BODY_CHUNKED) {
      engine.exports.resetChunked(this.index);
      this.#trailers ??= new TrailerSection();
      this.#trailers.begin(engine.words[(record + layout.RESPONSE_NAMED_OPTIONS) >> 2] === 1);
    }
    this.phase = 'body';
    if (!exchange.onResponseHead(status, this.#bodyKind, this.#remaining)) return -1;
    if (this.#bodyKind === layout.BODY_NONE || (this.#bodyKind === layout.BODY_LENGTH && this.#remaining === 0)) {
      this.#finishMessage();
    }
    return taken;
  }

  /** Only to what the client has asked for (RFC 9110 15.2.2). Returns false when the connection is gone. */
  #switchProtocol(exchange: RequestExchange): boolean {
    const kind =
      this.#path.engine.words[(this.#path.engine.slab + layout.SLAB_RESPONSE + layout.RESPONSE_BODY_KIND) >> 2];
    if (!exchange.isUpgrade || kind !== layout.BODY_TUNNEL) {
      this.#fail(layout.FAILURE_UPSTREAM_PROTOCOL, 'an upgrade that was not asked for');
      return false;
    }
    this.phase = 'tunnel';
    this.closing = true;
    if (!exchange.onResponseHead(SWITCHING_PROTOCOLS, layout.BODY_NONE, -1)) return false;
    exchange.openTunnel();
    return true;
  }

  /** What has been read is of the other protocol. */
  #passOn(): void {
    const offset = this.#offset;
    const length = this.#length;
    this.#offset += length;
    this.#length = 0;
    if (length > 0) this.#tunnel?.onUpstreamBytes(this.#path.engine.buffer.subarray(offset, offset + length));
  }

  #parseBody(): void {
    if (this.#length === 0) return;
    if (this.#bodyKind === layout.BODY_CHUNKED) {
      this.#parseChunks();
      return;
    }
    const exchange = this.exchange as RequestExchange;
    const counted = this.#bodyKind === layout.BODY_LENGTH;
    const length = counted ? Math.min(this.#length, this.#remaining) : this.#length;
    const offset = this.#offset;
    this.#offset += length;
    this.#length -= length;
    if (counted) this.#remaining -= length;
    const isLast = counted && this.#remaining === 0;
    exchange.onResponseBody(offset, length, isLast);
    if (isLast && this.exchange === exchange) this.#finishMessage();
  }

  #parseChunks(): void {
    const exchange = this.exchange as RequestExchange;
    const engine = this.#path.engine;
    const payload = engine.exports.decodeChunked(this.index, this.#offset, this.#length);
    if (payload < 0) {
      this.#fail(layout.FAILURE_UPSTREAM_PROTOCOL, 'malformed chunk');
      return;
    }
    const result = engine.slab + layout.SLAB_RESULT;
    const consumed = engine.words[(result + layout.RESULT_CONSUMED) >> 2] ?? 0;
    const done = engine.words[(result + layout.RESULT_DONE) >> 2] === 1;
    const trailers = this.#trailers?.take(engine, done);
    const offset = this.#offset;
    this.#offset += consumed;
    this.#length -= consumed;
    if (payload > 0) exchange.onResponseBody(offset, payload, done && !trailers?.length);
    if (done && this.exchange === exchange) this.#finishMessage(trailers);
  }

  /** The response is complete: the exchange is told, and the connection goes back to the pool or is closed. */
  #finishMessage(trailers?: Buffer): void {
    const exchange = this.exchange as RequestExchange;
    const clean = this.#keepAlive && this.#requestSent && this.#length + this.#rest === 0 && !this.closing;
    this.phase = 'idle';
    this.exchange = null;
    exchange.detach();
    if (clean && this.isReusable) this.#path.upstreams.release(this);
    else {
      if (clean) this.#path.addCounter(this.clusterSlot, layout.COUNTER_CX_MAX_REQUESTS, 1);
      this.destroy();
    }
    exchange.onResponseEnd(trailers);
  }
}
