// SPDX-License-Identifier: Apache-2.0
/**
 * One client connection of the wire front: raw bytes -> requests, one at a time and in order. The engine parses heads and
 * chunked bodies; what is forwarded is written anew by the engine, never the client's bytes.
 */
import type net from 'node:net';
import * as layout from '../../../assembly/layout.js';
import { HEAD_PARSED } from '../contracts.js';
import type { Downstream, RequestExchange, ResponseFraming, ThreadContext } from '../contracts.js';
import type { Gatherer } from '../output-buffers.js';
import { hasRoom } from '../output-buffers.js';
import { WheelTimer } from '../timers.js';
import { adoptSocket, readByEvents } from './adopt-socket.js';
import type { SecureSocket } from './tls-acceptor.js';

/** A head must be complete this long after its first byte (Istio's edge profile: request_headers_timeout). */
const HEAD_TIMEOUT_MS = 60_000;
/** No request for this long closes the connection (Envoy's HTTP idle timeout). */
const IDLE_TIMEOUT_MS = 3_600_000;
/** How long an idle client of a listener that is gone may still send a request. */
const RETIRE_MS = 5000;
/** How long the rest of a body that nobody wants is read and thrown away, so that the connection can go on. */
const DISCARD_MS = 30_000;
/** How long a client whose connection is being closed may still send: closing earlier could cost it the answer. */
const LINGER_MS = 5000;
/** Bytes of later requests kept while one is under way; beyond it the client is paused. */
const PIPELINE_BYTES = 65536;

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const NOTHING = Buffer.alloc(0);

const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
/** `0`, CRLF, CRLF. */
const LAST_CHUNK_BYTES = 5;
/** A chunk's size line at its longest and the CRLF after its data. */
const CHUNK_FRAME_BYTES = 12;

const OWNER = Symbol('connection');

interface OwnedSocket extends net.Socket {
  [OWNER]?: WireConnection;
}

function listenerOf(callback: (connection: WireConnection) => void): (this: OwnedSocket) => void {
  return function (this: OwnedSocket) {
    this[OWNER]?.run(callback);
  };
}

export class WireConnection implements Downstream, Gatherer {
  /** HTTP/1.0 clients, who know no interim answers, are refused before they could get one. */
  readonly relaysInterim = true;
  exchange: RequestExchange | null = null;
  readonly #path: ThreadContext;
  readonly #filterChain: string;
  /** Absent on plaintext connections. */
  readonly #secure: SecureSocket | undefined;
  readonly #socket: net.Socket;
  readonly #onClosed: (connection: WireConnection) => void;
  readonly #timer: WheelTimer;
  /** Record that keeps the state of the request's chunked body, and the client's address. */
  readonly #record: number;
  #framing: ResponseFraming | null = null;
  /** What has been read and can't be used yet. */
  #pending: Buffer = NOTHING;
  #readingHead = true;
  #bodyKind = 0;
  #remaining = 0;
  #closeAfter = false;
  /** Not understood, so what follows can't be either. */
  #refused = false;
  /** The listener is gone: the next answer is the last. */
  #retiring = false;
  #pausedByExchange = false;
  #socketPaused = false;
  #clientEnded = false;
  #closed = false;
  #processing = false;
  #corked = false;
  /** Bytes of the answer that lie together in the thread's output buffer and leave with the end of the cork. */
  #gatherOffset = 0;
  #gathered = 0;

  /** `record` is a connection record of the thread that nobody else uses. With `secure`, its socket is used and not `accepted`. */
  constructor(
    path: ThreadContext,
    filterChain: string,
    accepted: net.Socket,
    record: number,
    onClosed: (connection: WireConnection) => void,
    secure?: SecureSocket,
  ) {
    this.#path = path;
    this.#filterChain = filterChain;
    this.#secure = secure;
    this.#record = record;
    this.#onClosed = onClosed;
    this.#timer = new WheelTimer(() => this.#onTimer());
    const onRead = (length: number): true => {
      this.#onRead(length);
      return true;
    };
    const socket: OwnedSocket = secure?.socket ?? adoptSocket(accepted, path.readBuffer, onRead, true);
    this.#socket = socket;
    socket[OWNER] = this;
    for (const [event, listener] of WireConnection.#listeners) socket.on(event, listener);
    if (secure !== undefined) readByEvents(socket, path.readBuffer, onRead);
    path.upstreams.setClientAddress(record, socket.remoteAddress ?? '', socket.remotePort ?? 0);
    path.timers.start(this.#timer, IDLE_TIMEOUT_MS);
  }

  /** Shared by all connections, because closures of its own would cost an idle connection more than its state does. */
  static readonly #listeners: readonly (readonly [string, (this: OwnedSocket) => void])[] = [
    ['end', listenerOf((connection) => connection.#onEnd())],
    ['drain', listenerOf((connection) => connection.exchange?.onDownstreamDrain())],
    ['error', listenerOf((connection) => connection.#socket.destroy())],
    ['close', listenerOf((connection) => connection.#onClose())],
  ];

  get record(): number {
    return this.#record;
  }

  /** Runs a callback of the socket, so that its exception reaches nobody else's connection. */
  run(callback: (connection: WireConnection) => void): void {
    try {
      this.#path.readClock();
      callback(this);
    } catch (error) {
      this.#path.onBug(error);
    }
  }

  /** A request that is on its way already is still answered, with `connection: close`; an idle client gets a moment. */
  retire(): void {
    this.#retiring = true;
    if (this.exchange === null) this.#path.timers.start(this.#timer, RETIRE_MS);
  }

  get style(): number {
    return layout.STYLE_COMPLETE | (this.#closeAfter || this.#retiring ? layout.STYLE_CLOSE : 0);
  }

  destroyNow(): void {
    this.#socket.destroy();
  }

  // ------------------------------------------------------------------------------------------------------- reading

  /** `length` bytes lie in the thread's read region. */
  #onRead(length: number): void {
    const path = this.#path;
    try {
      path.readClock();
      if (this.#pending.length === 0 && !this.#processing) {
        const taken = this.#consume(path.readOffset, length);
        if (taken < length && !this.#closed) {
          this.#pending = Buffer.from(path.engine.buffer.subarray(path.readOffset + taken, path.readOffset + length));
          this.#regulate();
        }
        return;
      }
      const read = path.engine.buffer.subarray(path.readOffset, path.readOffset + length);
      this.#pending = Buffer.concat([this.#pending, read]);
      this.#process();
    } catch (error) {
      path.onBug(error);
      this.#socket.destroy();
    }
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
    if (this.#readingHead) return this.exchange === null ? this.#readHead(offset, length) : 0;
    if (this.#pausedByExchange) return 0;
    return this.#bodyKind === layout.BODY_CHUNKED
      ? this.#readChunks(offset, length)
      : this.#readCounted(offset, length);
  }

  #readHead(offset: number, length: number): number {
    this.restoreFacts();
    const taken = this.#path.engine.exports.parseRequestHead(offset, length);
    if (taken === 0) {
      if (this.#timer.deadlineMs - this.#path.nowMs > HEAD_TIMEOUT_MS)
        this.#path.timers.start(this.#timer, HEAD_TIMEOUT_MS);
      return 0;
    }
    if (taken < 0) this.#refuseHead(offset, length, taken);
    else this.#begin(offset, taken, length);
    return taken < 0 ? length : taken;
  }

  restoreFacts(): void {
    this.#path.useDownstreamFacts(this.#record);
    this.#path.setTlsFacts(this.#secure !== undefined, this.#secure?.clientCertificate ?? '');
  }

  #refuseHead(offset: number, length: number, failure: number): void {
    this.#framing = null;
    this.#bodyKind = layout.BODY_NONE;
    this.#refused = true;
    this.#closeAfter = true;
    if (!this.#path.accept(this, this.#filterChain, offset, length, failure)) this.#socket.destroy();
  }

  #begin(offset: number, headLength: number, available: number): void {
    const { engine } = this.#path;
    this.#framing = null;
    const record = (engine.slab + layout.SLAB_REQUEST) >> 2;
    const flags = engine.words[record + layout.REQUEST_FLAGS / 4] ?? 0;
    this.#bodyKind = engine.words[record + layout.REQUEST_BODY_KIND / 4] ?? 0;
    if (this.#bodyKind !== layout.BODY_NONE) {
      this.#remaining = engine.doubles[(engine.slab + layout.SLAB_REQUEST + layout.REQUEST_CONTENT_LENGTH) >> 3] ?? 0;
      if (this.#bodyKind === layout.BODY_CHUNKED) engine.exports.resetChunked(this.#record);
      else if (this.#remaining === 0) this.#bodyKind = layout.BODY_NONE;
      // A client that has not waited needs no answer (RFC 9110 10.1.1).
      if (flags & layout.REQUEST_FLAG_EXPECT_CONTINUE && available === headLength) this.#socket.write(CONTINUE);
    }
    this.#readingHead = this.#bodyKind === layout.BODY_NONE;
    this.#closeAfter ||= (flags & layout.REQUEST_FLAG_CLOSE) !== 0;
    if (!this.#path.accept(this, this.#filterChain, offset, headLength, HEAD_PARSED)) this.#socket.destroy();
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
    const payload = engine.exports.decodeChunked(this.#record, offset, length);
    if (payload < 0) {
      this.#refuseBody();
      return length;
    }
    const result = (engine.slab + layout.SLAB_RESULT) >> 2;
    const consumed = engine.words[result + layout.RESULT_CONSUMED / 4] ?? 0;
    const done = engine.words[result + layout.RESULT_DONE / 4] === 1;
    if (done) this.#bodyIsRead();
    this.exchange?.onRequestBody(engine.bytes.subarray(offset, offset + payload), done);
    return consumed;
  }

  #bodyIsRead(): void {
    this.#readingHead = true;
    if (!this.exchange) this.#path.timers.start(this.#timer, IDLE_TIMEOUT_MS);
  }

  /** A malformed body: nothing after it can be understood. */
  #refuseBody(): void {
    this.#refused = true;
    this.#closeAfter = true;
    const exchange = this.exchange;
    if (!exchange) this.#socket.destroy();
    else if (this.#framing) exchange.onAborted();
    else exchange.fail(layout.FAILURE_BAD_REQUEST);
    if (this.#framing) this.#socket.destroy();
  }

  /** Reads on only when there is room for what comes. */
  #regulate(): void {
    const full = this.#pausedByExchange || this.#pending.length > PIPELINE_BYTES;
    if (full === this.#socketPaused || this.#closed) return;
    this.#socketPaused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Goes on with what is pending, but not inside the callback that is running. */
  #processSoon(): void {
    if (this.#pending.length === 0) this.#regulate();
    else if (!this.#processing) setImmediate(this.#path.guard(() => this.#process()));
  }

  #onEnd(): void {
    this.#clientEnded = true;
    // A client that closes gives up what it has asked for, as with Envoy; what is being sent still goes out.
    if (this.exchange) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  #onTimer(): void {
    if (this.exchange) this.#path.timers.start(this.#timer, IDLE_TIMEOUT_MS);
    else if (this.#readingHead && this.#pending.length > 0 && !this.#closeAfter)
      this.#socket.end('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gathered = 0;
    this.#path.output.stopGathering(this);
    this.#path.timers.stop(this.#timer);
    const exchange = this.exchange;
    this.exchange = null;
    exchange?.onAborted();
    this.#onClosed(this);
  }

  // ------------------------------------------------------------------------------------------------------- writing

  cork(write: () => void): void {
    if (this.#corked) {
      write();
      return;
    }
    this.#corked = true;
    try {
      write();
    } finally {
      this.#corked = false;
      this.flushGathered();
    }
  }

  flushGathered(): void {
    const length = this.#gathered;
    if (length === 0) return;
    this.#gathered = 0;
    this.#path.output.stopGathering(this);
    if (!this.#closed) this.#path.output.send(this.#socket, this.#gatherOffset, length);
  }

  /** Makes room for `size` more bytes and returns where they go; call `#gatheredMore` when they are there. */
  #room(size: number): number {
    const { output } = this.#path;
    if (this.#gathered > 0 && this.#gathered + size > output.capacity) this.flushGathered();
    if (this.#gathered === 0) this.#gatherOffset = output.open();
    return this.#gatherOffset + this.#gathered;
  }

  #gatheredMore(size: number): void {
    this.#gathered += size;
    if (this.#corked) this.#path.output.gather(this);
    else this.flushGathered();
  }

  sendInterim(offset: number, length: number): void {
    this.#gatherOffset = offset;
    this.#gatheredMore(length);
  }

  sendHead(offset: number, length: number, framing: ResponseFraming): void {
    this.#framing = framing;
    if (framing.close) this.#closeAfter = true;
    this.#gatherOffset = offset;
    this.#gatheredMore(length);
  }

  sendBody(offset: number, length: number): boolean {
    const { bytes } = this.#path.engine;
    if (this.#framing?.bodyKind === layout.BODY_LENGTH) {
      bytes.copyWithin(this.#room(length), offset, offset + length);
      this.#gatheredMore(length);
      return hasRoom(this.#socket);
    }
    const start = this.#room(length + CHUNK_FRAME_BYTES);
    let at = this.#writeChunkSize(start, length);
    bytes.copyWithin(at, offset, offset + length);
    at += length;
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.#gatheredMore(at - start);
    return hasRoom(this.#socket);
  }

  sendBytes(chunk: Uint8Array): void {
    this.flushGathered();
    this.#socket.write(chunk);
  }

  end(): void {
    const framing = this.#framing;
    const chunked = framing && framing.bodyKind !== layout.BODY_LENGTH && framing.bodyKind !== layout.BODY_NONE;
    if (chunked && !framing.isHead) this.#sendLastChunk();
    this.exchange = null;
    this.#pausedByExchange = false;
    if (this.#closeAfter || this.#retiring || this.#clientEnded) {
      this.#finishSocket();
      return;
    }
    this.#path.timers.start(this.#timer, this.#readingHead ? IDLE_TIMEOUT_MS : DISCARD_MS);
    this.#processSoon();
  }

  /** Size line of a chunk in hexadecimal without leading zeros (RFC 9112 7.1). Returns the offset after it. */
  #writeChunkSize(offset: number, size: number): number {
    const { bytes } = this.#path.engine;
    let at = offset;
    for (let shift = 28 - (Math.clz32(size) & ~3); shift >= 0; shift -= 4) {
      const digit = (size >>> shift) & 15;
      bytes[at++] = digit < 10 ? ZERO + digit : 0x57 + digit;
    }
    bytes[at++] = CR;
    bytes[at++] = LF;
    return at;
  }

  #sendLastChunk(): void {
    const { bytes } = this.#path.engine;
    const at = this.#room(LAST_CHUNK_BYTES);
    bytes[at] = ZERO;
    bytes[at + 1] = CR;
    bytes[at + 2] = LF;
    bytes[at + 3] = CR;
    bytes[at + 4] = LF;
    this.#gatheredMore(LAST_CHUNK_BYTES);
  }

  destroy(): void {
    this.exchange = null;
    this.flushGathered();
    this.#socket.destroy();
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
    this.#closeAfter = true;
    this.#pending = NOTHING;
    this.flushGathered();
    if (this.#closed) return;
    this.#socket.once('close', this.#path.linger());
    if (!unread || this.#clientEnded) {
      this.#socket.end(() => this.#socket.destroySoon());
      return;
    }
    // A close with bytes unread resets the connection, and the client may lose the answer (RFC 9112 9.6).
    this.#socket.end();
    this.#path.timers.start(this.#timer, LINGER_MS);
    this.#regulate();
  }
}
