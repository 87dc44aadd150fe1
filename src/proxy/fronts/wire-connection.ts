// SPDX-License-Identifier: Apache-2.0
/**
 * One client connection of the wire front: raw bytes -> requests, one at a time and in order. The engine parses heads and
 * chunked bodies; what is forwarded is written anew by the engine, never the client's bytes.
 */
import type net from 'node:net';
import * as layout from '../../../assembly/layout.js';
import type { RequestExchange, ThreadContext } from '../contracts.js';
import type { Downstream, ResponseFraming } from '../downstream.js';
import { WheelTimer } from '../timers.js';

/** A head must be complete this long after its first byte (Istio's edge profile: request_headers_timeout). */
const HEAD_TIMEOUT_MS = 60_000;
/** No request for this long closes the connection (Envoy's HTTP idle timeout). */
const IDLE_TIMEOUT_MS = 3_600_000;
/** How long an idle client of a listener that is gone may still send a request. */
const RETIRE_MS = 5000;
/** Bytes of later requests kept while one is under way; beyond it the client is paused. */
const PIPELINE_BYTES = 65536;

const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');
const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const NOTHING = Buffer.alloc(0);

const DATE_FIELD = Buffer.from('\r\ndate: ');
const END_OF_HEAD = 2;
let dateLine = '';
let dateLineSecond = 0;

/** A copy of a head, with a Date where the upstream sent none (RFC 9110 6.6.1). */
function withDate(head: Buffer): Buffer {
  if (head.includes(DATE_FIELD)) return Buffer.from(head);
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateLineSecond) {
    dateLineSecond = second;
    dateLine = `date: ${new Date(second * 1000).toUTCString()}\r\n\r\n`;
  }
  const copy = Buffer.allocUnsafe(head.length - END_OF_HEAD + dateLine.length);
  head.copy(copy, 0, 0, head.length - END_OF_HEAD);
  copy.write(dateLine, head.length - END_OF_HEAD, 'latin1');
  return copy;
}

export class WireConnection implements Downstream {
  readonly #path: ThreadContext;
  readonly #listener: string;
  readonly #socket: net.Socket;
  readonly #onClosed: (connection: WireConnection) => void;
  readonly #timer: WheelTimer;
  /** Record that keeps the state of the request's chunked body. */
  readonly #record: number;
  #exchange: RequestExchange | null = null;
  #framing: ResponseFraming | null = null;
  #pending: Buffer = NOTHING;
  #readingHead = true;
  #bodyKind = 0;
  #remaining = 0;
  #closeAfter = false;
  /** The listener is gone: the next answer is the last. */
  #retiring = false;
  #pausedByExchange = false;
  #clientEnded = false;
  #closed = false;
  #processing = false;

  /** `record` is a connection record of the thread that nobody else uses. */
  constructor(
    path: ThreadContext,
    listener: string,
    socket: net.Socket,
    record: number,
    onClosed: (connection: WireConnection) => void,
  ) {
    this.#path = path;
    this.#listener = listener;
    this.#socket = socket;
    this.#record = record;
    this.#onClosed = onClosed;
    this.#timer = new WheelTimer(() => this.#onTimer());
    socket.on(
      'data',
      path.guard((chunk: Buffer) => this.#onData(chunk)),
    );
    socket.on(
      'end',
      path.guard(() => this.#onEnd()),
    );
    socket.on(
      'drain',
      path.guard(() => this.#exchange?.onDownstreamDrain()),
    );
    socket.on('error', () => socket.destroy());
    socket.on(
      'close',
      path.guard(() => this.#onClose()),
    );
    path.timers.start(this.#timer, IDLE_TIMEOUT_MS);
  }

  get record(): number {
    return this.#record;
  }

  /** A request that is on its way already is still answered, with `connection: close`; an idle client gets a moment. */
  retire(): void {
    this.#retiring = true;
    if (this.#exchange === null) this.#path.timers.start(this.#timer, RETIRE_MS);
  }

  get style(): number {
    return layout.STYLE_COMPLETE | (this.#closeAfter || this.#retiring ? layout.STYLE_CLOSE : 0);
  }

  destroyNow(): void {
    this.#socket.destroy();
  }

  // ------------------------------------------------------------------------------------------------------- reading

  #onData(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    this.#process();
  }

  /** Takes as much of the pending bytes as can be used now. */
  #process(): void {
    // A response that ends inside the call would start the next request in the middle of this one.
    if (this.#processing) return;
    this.#processing = true;
    try {
      while (this.#pending.length > 0 && !this.#closed && this.#step());
    } finally {
      this.#processing = false;
    }
    this.#regulate();
  }

  /** Returns whether anything was taken. */
  #step(): boolean {
    if (this.#readingHead) return this.#exchange === null && !this.#closeAfter && this.#readHead();
    if (this.#pausedByExchange) return false;
    return this.#bodyKind === layout.BODY_CHUNKED ? this.#readChunks() : this.#readCounted();
  }

  #readHead(): boolean {
    const { engine } = this.#path;
    const length = Math.min(this.#pending.length, layout.INPUT_REQUEST_SIZE);
    engine.bytes.set(this.#pending.subarray(0, length), this.#path.inputOffset);
    const taken = engine.exports.parseRequestHead(this.#path.inputOffset, length);
    if (taken === 0 && length < layout.INPUT_REQUEST_SIZE) {
      if (this.#timer.deadlineMs - performance.now() > HEAD_TIMEOUT_MS)
        this.#path.timers.start(this.#timer, HEAD_TIMEOUT_MS);
      return false;
    }
    this.#path.timers.stop(this.#timer);
    const failure = taken > 0 ? 0 : taken === 0 ? layout.FAILURE_HEAD_TOO_LARGE : taken;
    const headLength = taken > 0 ? taken : length;
    this.#begin(failure, headLength);
    return true;
  }

  #begin(failure: number, headLength: number): void {
    const { engine } = this.#path;
    this.#framing = null;
    const record = (engine.slab + layout.SLAB_REQUEST) >> 2;
    const flags = failure === 0 ? (engine.words[record + layout.REQUEST_FLAGS / 4] ?? 0) : 0;
    this.#bodyKind = failure === 0 ? (engine.words[record + layout.REQUEST_BODY_KIND / 4] ?? 0) : layout.BODY_NONE;
    this.#remaining = engine.doubles[(engine.slab + layout.SLAB_REQUEST + layout.REQUEST_CONTENT_LENGTH) >> 3] ?? 0;
    if (this.#bodyKind === layout.BODY_LENGTH && this.#remaining === 0) this.#bodyKind = layout.BODY_NONE;
    this.#readingHead = this.#bodyKind === layout.BODY_NONE;
    this.#closeAfter ||= failure !== 0 || (flags & layout.REQUEST_FLAG_CLOSE) !== 0;
    this.#pending = this.#pending.subarray(headLength);
    if (this.#bodyKind === layout.BODY_CHUNKED) engine.exports.resetChunked(this.#record);
    if (flags & layout.REQUEST_FLAG_EXPECT_CONTINUE && this.#pending.length === 0) this.#socket.write(CONTINUE);
    const address = Buffer.from(this.#socket.remoteAddress ?? '', 'latin1');
    this.#path.setDownstreamFacts(address, this.#socket.remotePort ?? 0);
    const exchange = this.#path.accept(this, this.#listener, headLength, failure, (started) => {
      this.#exchange = started;
    });
    if (!exchange) this.#socket.destroy();
  }

  #readCounted(): boolean {
    const length = Math.min(this.#pending.length, this.#remaining);
    const chunk = this.#pending.subarray(0, length);
    this.#pending = this.#pending.subarray(length);
    this.#remaining -= length;
    const last = this.#remaining === 0;
    if (last) this.#readingHead = true;
    this.#exchange?.onRequestBody(chunk, last);
    return true;
  }

  #readChunks(): boolean {
    const { engine } = this.#path;
    const length = Math.min(this.#pending.length, layout.READ_SIZE);
    const at = this.#path.readOffset;
    engine.bytes.set(this.#pending.subarray(0, length), at);
    const payload = engine.exports.decodeChunked(this.#record, at, length);
    if (payload < 0) {
      this.#refuseBody();
      return false;
    }
    const result = (engine.slab + layout.SLAB_RESULT) >> 2;
    const consumed = engine.words[result + layout.RESULT_CONSUMED / 4] ?? 0;
    const done = engine.words[result + layout.RESULT_DONE / 4] === 1;
    this.#pending = this.#pending.subarray(consumed);
    if (done) this.#readingHead = true;
    // A copy, because handing it on may read from an upstream into the same region.
    this.#exchange?.onRequestBody(Buffer.from(engine.buffer.subarray(at, at + payload)), done);
    return consumed > 0;
  }

  /** A malformed body: nothing after it can be understood. */
  #refuseBody(): void {
    this.#closeAfter = true;
    this.#pending = NOTHING;
    const exchange = this.#exchange;
    if (!exchange) this.#socket.destroy();
    else if (this.#framing) exchange.onAborted();
    else exchange.fail(layout.FAILURE_BAD_REQUEST);
    if (this.#framing) this.#socket.destroy();
  }

  /** Reads on only when there is room for what comes. */
  #regulate(): void {
    if (this.#closed) return;
    const full = this.#pending.length > PIPELINE_BYTES;
    if (this.#pausedByExchange || full) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #onEnd(): void {
    this.#clientEnded = true;
    // A client that closes gives up what it has asked for, as with Envoy; what is being sent still goes out.
    if (this.#exchange) this.#socket.destroy();
    else this.#socket.destroySoon();
  }

  #onTimer(): void {
    if (this.#pending.length > 0)
      this.#socket.end('HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
    else this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#path.timers.stop(this.#timer);
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.onAborted();
    this.#onClosed(this);
  }

  // ------------------------------------------------------------------------------------------------------- writing

  cork(write: () => void): void {
    this.#socket.cork();
    try {
      write();
    } finally {
      this.#socket.uncork();
    }
  }

  sendHead(offset: number, length: number, framing: ResponseFraming): void {
    this.#framing = framing;
    if (framing.close) this.#closeAfter = true;
    this.#socket.write(withDate(this.#path.engine.buffer.subarray(offset, offset + length)));
  }

  sendBody(chunk: Uint8Array): boolean {
    const copy = Buffer.from(chunk);
    if (this.#framing?.bodyKind === layout.BODY_LENGTH) return this.#socket.write(copy);
    this.#socket.write(Buffer.from(copy.length.toString(16) + '\r\n', 'latin1'));
    this.#socket.write(copy);
    return this.#socket.write(CRLF);
  }

  end(): void {
    const framing = this.#framing;
    const chunked = framing && framing.bodyKind !== layout.BODY_LENGTH && framing.bodyKind !== layout.BODY_NONE;
    if (chunked && !framing.isHead) this.#socket.write(LAST_CHUNK);
    this.#exchange = null;
    this.#pausedByExchange = false;
    // The rest of a body that nobody wants any more can't be told from the next request without reading all of it.
    if (this.#closeAfter || this.#retiring || this.#clientEnded || !this.#readingHead) {
      this.#finishSocket();
      return;
    }
    this.#path.timers.start(this.#timer, IDLE_TIMEOUT_MS);
    // Not from inside the exchange that is just ending.
    setImmediate(this.#path.guard(() => this.#process()));
  }

  destroy(): void {
    this.#exchange = null;
    this.#socket.destroy();
  }

  pauseBody(): void {
    this.#pausedByExchange = true;
    this.#regulate();
  }

  resumeBody(): void {
    this.#pausedByExchange = false;
    setImmediate(this.#path.guard(() => this.#process()));
  }

  #finishSocket(): void {
    this.#closeAfter = true;
    if (this.#closed) return;
    const release = this.#path.linger();
    this.#socket.once('close', release);
    this.#socket.end(() => this.#socket.destroySoon());
  }
}
