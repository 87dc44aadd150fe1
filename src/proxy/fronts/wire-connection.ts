// SPDX-License-Identifier: Apache-2.0
/**
 * One client connection of the wire front: raw bytes -> requests, one at a time and in order. The engine parses heads and
 * chunked bodies; what is forwarded is written anew by the engine, never the client's bytes.
 *
 * One state machine in one file, although it is long: reading, answering and ending a connection decide on each other. What
 * could be taken out (timers, limits, the bytes of answers) is in the files beside it.
 */
import * as layout from '../../../assembly/layout.js';
import { HEAD_PARSED } from '../contracts.js';
import type { ByteTunnel, Downstream, RequestExchange, ResponseFraming, ThreadContext } from '../contracts.js';
import { hasRoom } from '../output-buffers.js';
import { TrailerSection } from '../trailers.js';
import { AnswerWriter } from './answer-writer.js';
import type { ClientProtocol, ClientSocket } from './client-socket.js';
import { ClientTimer } from './client-timer.js';
import type { Expiry, TimedClient } from './client-timer.js';
import { appendBytes, keepBytes } from './pending-bytes.js';

/** Bytes of later requests kept while one is under way; beyond it the client is paused. */
const PIPELINE_BYTES = 65536;

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const NOTHING = Buffer.alloc(0);

const LF = 0x0a;

/**
 * With these flags, or CONNECT, a request is the last of its connection. After an upgrade that is not accepted, nobody can
 * tell a next request from bytes of the other protocol that the client has sent already.
 */
const LAST_REQUEST = layout.REQUEST_FLAG_CLOSE | layout.REQUEST_FLAG_WEBSOCKET;

const COUNTER_OF: Readonly<Record<Exclude<Expiry, 'phase'>, number>> = {
  head: layout.LISTENER_RQ_HEADER_TIMEOUT,
  request: layout.LISTENER_RQ_TIMEOUT,
  'stream-idle': layout.LISTENER_RQ_IDLE_TIMEOUT,
};

/** Whether the body goes to a client of HTTP/1.1 in chunks. */
function hasChunks({ bodyKind, isHead }: ResponseFraming): boolean {
  return bodyKind !== layout.BODY_LENGTH && bodyKind !== layout.BODY_NONE && !isHead;
}

export class WireConnection implements Downstream, TimedClient, ClientProtocol {
  readonly carriesTunnels = true;
  exchange: RequestExchange | null = null;
  readonly #path: ThreadContext;
  readonly #client: ClientSocket;
  readonly #timer: ClientTimer;
  readonly #answers: AnswerWriter;
  #framing: ResponseFraming | null = null;
  /** While `exchange` is one that has been upgraded. */
  #tunnel: ByteTunnel | null = null;
  /** What has been read and can't be used yet. */
  #pending: Buffer = NOTHING;
  #readingHead = true;
  #bodyKind = 0;
  /** Made with the first chunked request. */
  #trailers: TrailerSection | null = null;
  #remaining = 0;
  #closeAfter = false;
  /** The request under way is of HTTP/1.0, and served as such. */
  #isOld = false;
  /** Not understood, so what follows can't be either. */
  #refused = false;
  /** The listener is gone: the next answer is the last. */
  #retiring = false;
  #pausedByExchange = false;
  #socketPaused = false;
  #clientEnded = false;
  #closed = false;
  #processing = false;
  /** The last answer is complete: it leaves, and the socket ends, with the end of the cork. */
  #endsWithCork = false;

  constructor(path: ThreadContext, client: ClientSocket) {
    this.#path = path;
    this.#client = client;
    this.#timer = new ClientTimer(this, path.timers, path.limits);
    this.#answers = new AnswerWriter(path, client.socket);
    this.#timer.idle();
  }

  get sinceMs(): number {
    return this.#timer.sinceMs;
  }

  get isBusy(): boolean {
    return this.exchange !== null;
  }

  get hasUnsent(): boolean {
    return this.#client.socket.writableLength > 0;
  }

  onEvict(): void {
    if (!this.#framing) this.exchange?.fail(layout.FAILURE_DRAINING);
  }

  /** A request that is on its way already is still answered, with `connection: close`; an idle client gets a moment. */
  retire(): void {
    this.#retiring = true;
    if (this.exchange === null) this.#timer.retire();
  }

  // ------------------------------------------------------------------------------------------------------- reading

  onRead(length: number): void {
    const path = this.#path;
    this.#timer.touch();
    if (this.#pending.length === 0 && !this.#processing) {
      const taken = this.#consume(path.readOffset, length);
      if (taken < length && !this.#closed) {
        this.#pending = keepBytes(path.engine.bytes.subarray(path.readOffset + taken, path.readOffset + length));
        this.#regulate();
      }
      return;
    }
    const read = path.engine.bytes.subarray(path.readOffset, path.readOffset + length);
    this.#pending = appendBytes(this.#pending, read);
    // A line must have ended for a head to be complete; a parse for each byte of it would be the client's to cause.
    const isEnough = this.#pending.length >= path.limits.maxHeadBytes || read.includes(LF);
    if (this.#timer.phase === 'head' && !isEnough) return;
    this.#process();
  }

  /** Takes as much of the pending bytes as can be used now. Not from inside a callback that still needs the read region. */
  #process(): void {
    const { engine, readOffset } = this.#path;
    while (this.#pending.length > 0 && !this.#processing && !this.#closed) {
      const length = Math.min(this.#pending.length, layout.READ_SIZE);
      engine.bytes.set(this.#pending.subarray(0, length), readOffset);
      const taken = this.#consume(readOffset, length);
      this.#pending = this.#pending.subarray(taken);
      if (taken < length) break;
    }
    this.#regulate();
  }

  /** Returns how many of the bytes at [offset, offset + length) were taken. */
  #consume(offset: number, length: number): number {
    // A response that ends inside the call would start the next request in the middle of this one.
    this.#processing = true;
    let at = offset;
    const end = offset + length;
    try {
      while (at < end && !this.#closed) {
        const taken = this.#step(at, end - at);
        if (taken === 0) break;
        at += taken;
      }
    } finally {
      this.#processing = false;
    }
    return at - offset;
  }

  #step(offset: number, length: number): number {
    // Whatever follows the last request that is answered is not read.
    if (this.#closeAfter && this.exchange === null) return length;
    if (this.#readingHead) {
      if (this.exchange === null) return this.#readHead(offset, length);
      return this.#tunnel ? this.#passOn(this.#tunnel, offset, length) : 0;
    }
    if (this.#pausedByExchange) return 0;
    return this.#bodyKind === layout.BODY_CHUNKED
      ? this.#readChunks(offset, length)
      : this.#readCounted(offset, length);
  }

  #readHead(offset: number, length: number): number {
    // Who does not take the answers to what it has asked gets no more of them into memory.
    if (!hasRoom(this.#client.socket)) return 0;
    this.restoreFacts();
    const taken = this.#path.engine.exports.parseRequestHead(offset, length);
    if (taken === 0) {
      this.#timer.head();
      return 0;
    }
    if (taken < 0) this.#refuseHead(offset, length, taken);
    else this.#begin(offset, taken, length);
    return taken < 0 ? length : taken;
  }

  /** HTTP/1.0 knows no interim answers. */
  get relaysInterim(): boolean {
    return !this.#isOld;
  }

  restoreFacts(): void {
    this.#path.useDownstreamFacts(this.#client.record);
    const { secure } = this.#client;
    this.#path.setTlsFacts(secure !== undefined, secure?.clientCertificate ?? '');
  }

  #refuseHead(offset: number, length: number, failure: number): void {
    this.#framing = null;
    this.#bodyKind = layout.BODY_NONE;
    this.#refused = true;
    this.#isOld = false;
    this.#closeAfter = true;
    this.#timer.stream(true);
    // Of a head that was not parsed to its end the record has these of an earlier one.
    const { words, slab } = this.#path.engine;
    words[(slab + layout.SLAB_REQUEST + layout.REQUEST_FLAGS) >> 2] = 0;
    words[(slab + layout.SLAB_REQUEST + layout.REQUEST_BODY_KIND) >> 2] = layout.BODY_NONE;
    this.restoreFacts();
    if (!this.#path.accept(this, this.#client.filterChain, offset, length, failure)) this.#client.socket.destroy();
  }

  /** Refuses a head of which only the pending bytes have come. */
  #refusePending(failure: number): void {
    const { engine, readOffset } = this.#path;
    const length = this.#pending.length;
    engine.bytes.set(this.#pending, readOffset);
    engine.words[(engine.slab + layout.SLAB_REQUEST + layout.REQUEST_METHOD_ID) >> 2] = 0;
    engine.exports.parseRequestHead(readOffset, length);
    this.#refuseHead(readOffset, length, failure);
  }

  #begin(offset: number, headLength: number, available: number): void {
    const { engine } = this.#path;
    this.#framing = null;
    const record = (engine.slab + layout.SLAB_REQUEST) >> 2;
    const flags = engine.words[record + layout.REQUEST_FLAGS / 4] ?? 0;
    this.#bodyKind = engine.words[record + layout.REQUEST_BODY_KIND / 4] ?? 0;
    this.#isOld = this.#path.limits.acceptsHttp10 && engine.words[record + layout.REQUEST_VERSION / 4] === 10;
    if (this.#bodyKind !== layout.BODY_NONE) {
      this.#remaining = engine.doubles[(engine.slab + layout.SLAB_REQUEST + layout.REQUEST_CONTENT_LENGTH) >> 3] ?? 0;
      if (this.#bodyKind === layout.BODY_CHUNKED) {
        engine.exports.resetChunked(this.#client.record);
        this.#trailers ??= new TrailerSection();
        this.#trailers.begin((flags & layout.REQUEST_FLAG_NAMED_OPTIONS) !== 0);
      } else if (this.#remaining === 0) this.#bodyKind = layout.BODY_NONE;
      // A client that has not waited needs no answer (RFC 9110 10.1.1).
      if (flags & layout.REQUEST_FLAG_EXPECT_CONTINUE && available === headLength) this.#client.socket.write(CONTINUE);
    }
    this.#readingHead = this.#bodyKind === layout.BODY_NONE;
    const isConnect = engine.words[record + layout.REQUEST_METHOD_ID / 4] === layout.METHOD_CONNECT;
    this.#closeAfter ||= isConnect || (flags & LAST_REQUEST) !== 0;
    this.#timer.stream(this.#readingHead);
    if (!this.#path.accept(this, this.#client.filterChain, offset, headLength, HEAD_PARSED))
      this.#client.socket.destroy();
  }

  /** Bytes of the protocol that the connection has switched to. */
  #passOn(tunnel: ByteTunnel, offset: number, length: number): number {
    if (this.#pausedByExchange) return 0;
    tunnel.onClientBytes(this.#path.engine.buffer.subarray(offset, offset + length));
    return length;
  }

  #readCounted(offset: number, available: number): number {
    const length = Math.min(available, this.#remaining);
    this.#remaining -= length;
    const last = this.#remaining === 0;
    if (last) this.#bodyIsRead();
    this.exchange?.onRequestBody(this.#path.engine.bytes.subarray(offset, offset + length), last);
    return length;
  }

  #readChunks(offset: number, length: number): number {
    const { engine } = this.#path;
    const payload = engine.exports.decodeChunked(this.#client.record, offset, length);
    if (payload < 0) {
      this.#refuseBody();
      return length;
    }
    const result = (engine.slab + layout.SLAB_RESULT) >> 2;
    const consumed = engine.words[result + layout.RESULT_CONSUMED / 4] ?? 0;
    const done = engine.words[result + layout.RESULT_DONE / 4] === 1;
    const trailers = this.#trailers?.take(engine, done);
    if (done) this.#bodyIsRead();
    this.exchange?.onRequestBody(engine.bytes.subarray(offset, offset + payload), done, trailers);
    return consumed;
  }

  #bodyIsRead(): void {
    this.#readingHead = true;
    if (this.exchange) this.#timer.requestSettled();
    else if (this.#retiring) this.#timer.retire();
    else this.#timer.idle();
  }

  /** A malformed body: nothing after it can be understood. */
  #refuseBody(): void {
    this.#refused = true;
    this.#closeAfter = true;
    const exchange = this.exchange;
    if (!exchange) this.#client.socket.destroy();
    else if (this.#framing) exchange.onAborted();
    else exchange.fail(layout.FAILURE_BAD_REQUEST);
    if (this.#framing) this.#client.socket.destroy();
  }

  /** Reads on only when there is room for what comes. */
  #regulate(): void {
    const full = this.#pausedByExchange || this.#pending.length > PIPELINE_BYTES;
    if (full === this.#socketPaused || this.#closed) return;
    this.#socketPaused = full;
    if (full) this.#client.socket.pause();
    else this.#client.socket.resume();
  }

  /** Goes on with what is pending, but not inside the callback that is running. */
  #processSoon(): void {
    if (this.#pending.length === 0) this.#regulate();
    else if (!this.#processing) this.#path.whenRead(() => this.#process());
  }

  onEnd(): void {
    this.#clientEnded = true;
    if (this.exchange && this.#tunnel) {
      const rest = this.#pending;
      this.#pending = NOTHING;
      if (rest.length > 0) this.#tunnel.onClientBytes(rest);
      this.#tunnel.onClientEnd();
      return;
    }
    // A client that closes gives up what it has asked for, as with Envoy; what is being sent still goes out.
    if (this.exchange) this.#client.socket.destroy();
    else this.#client.socket.destroySoon();
  }

  onDrain(): void {
    this.#timer.touch();
    if (this.exchange) this.exchange.onDownstreamDrain();
    else this.#processSoon();
  }

  /**
   * As Envoy does: 408 for what is not complete, 504 for an idle request that is; an answer that has begun is broken off, and
   * a connection without a request is closed.
   */
  onOver(expiry: Expiry): void {
    if (expiry !== 'phase') this.#client.count(COUNTER_OF[expiry]);
    else if (this.#timer.phase === 'idle') this.#client.count(layout.LISTENER_CX_IDLE_TIMEOUT);
    if (this.exchange) this.exchange.onExpired(this.#failureOf(expiry));
    else if (this.#timer.phase === 'head') this.#refusePending(this.#failureOf(expiry));
    else this.#client.socket.destroy();
  }

  #failureOf(expiry: Expiry): number {
    if (expiry === 'head') return layout.FAILURE_REQUEST_HEADER_TIMEOUT;
    if (expiry === 'request') return layout.FAILURE_REQUEST_TIMEOUT;
    // To Envoy an upgrade is a request without an end.
    const isComplete = this.exchange !== null && !this.exchange.isUpgrade && this.#readingHead;
    return isComplete ? layout.FAILURE_STREAM_IDLE : layout.FAILURE_STREAM_IDLE_REQUEST;
  }

  onClose(): void {
    this.#closed = true;
    this.#answers.drop();
    this.#timer.stop();
    const exchange = this.exchange;
    this.exchange = null;
    exchange?.onAborted();
  }

  // ------------------------------------------------------------------------------------------------------- writing

  cork(write: () => void): void {
    const answers = this.#answers;
    if (answers.corked) {
      write();
      return;
    }
    answers.corked = true;
    try {
      write();
    } finally {
      answers.corked = false;
      if (this.#endsWithCork) this.#finishSocket();
      else answers.flushGathered();
    }
  }

  sendInterim(): void {
    this.#timer.touch();
    if (this.exchange) this.#answers.head(this.exchange.index, layout.STYLE_COMPLETE);
  }

  sendHead(style: number, framing: ResponseFraming): number {
    // To a client of HTTP/1.0 only the end of the connection can end a body without a length.
    if (this.#isOld && hasChunks(framing)) this.#closeAfter = true;
    const { index, methodId } = this.exchange as RequestExchange;
    const opensTunnel = methodId === layout.METHOD_CONNECT && framing.status < 300;
    const closes = (this.#closeAfter || this.#retiring) && !opensTunnel ? layout.STYLE_CLOSE : 0;
    const version = this.#isOld && !opensTunnel ? layout.STYLE_HTTP_10 : 0;
    const length = this.#answers.head(index, style | closes | version | layout.STYLE_COMPLETE);
    if (length < 0) return length;
    this.#framing = framing;
    this.#timer.requestSettled();
    this.#timer.touch();
    if (framing.close) this.#closeAfter = true;
    return length;
  }

  sendBody(offset: number, length: number): boolean {
    this.#timer.touch();
    if (this.#isOld || this.#framing?.bodyKind === layout.BODY_LENGTH) this.#answers.body(offset, length);
    else this.#answers.chunk(offset, length);
    return hasRoom(this.#client.socket);
  }

  sendBytes(chunk: Uint8Array): void {
    this.#answers.flushGathered();
    this.#client.socket.write(chunk);
  }

  end(trailers: Buffer = NOTHING): void {
    const framing = this.#framing;
    if (framing && hasChunks(framing) && !this.#isOld) this.#answers.lastChunk(trailers);
    this.exchange = null;
    this.#pausedByExchange = false;
    if (this.#closeAfter || this.#retiring || this.#clientEnded) {
      this.#closeAfter = true;
      // The limits that the exchange holds are free before the client can know that it has its answer.
      if (this.#answers.corked) this.#endsWithCork = true;
      else this.#finishSocket();
      return;
    }
    if (this.#readingHead) this.#timer.idle();
    else this.#timer.discard();
    this.#processSoon();
  }

  destroy(): void {
    this.exchange = null;
    this.#answers.flushGathered();
    this.#client.socket.destroy();
  }

  openTunnel(tunnel: ByteTunnel): void {
    this.#tunnel = tunnel;
    // A tunnel has a timer of its own, for both of its connections.
    this.#timer.stop();
    this.#processSoon();
  }

  sendTunnel(chunk: Uint8Array): boolean {
    this.#path.output.sendCopy(this.#client.socket, chunk);
    return hasRoom(this.#client.socket);
  }

  endTunnel(onSent: () => void): void {
    this.#answers.flushGathered();
    this.#client.socket.end(onSent);
  }

  pauseBody(): void {
    this.#pausedByExchange = true;
    this.#regulate();
  }

  resumeBody(): void {
    this.#pausedByExchange = false;
    this.#processSoon();
  }

  #finishSocket(): void {
    const unread = !this.#readingHead || this.#pending.length > 0 || this.#refused;
    this.#endsWithCork = false;
    this.#pending = NOTHING;
    this.#answers.flushGathered();
    if (this.#closed) return;
    this.#timer.idle();
    this.#client.socket.once('close', this.#path.linger());
    if (!unread || this.#clientEnded) {
      this.#client.socket.end(() => this.#client.socket.destroySoon());
      return;
    }
    // A close with bytes unread resets the connection, and the client may lose the answer (RFC 9112 9.6).
    this.#client.socket.end();
    this.#timer.linger();
    this.#regulate();
  }
}
