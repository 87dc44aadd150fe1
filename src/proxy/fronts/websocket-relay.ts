// SPDX-License-Identifier: Apache-2.0
/**
 * WebSocket messages of a client whose front parses the protocol itself <-> the bytes that the upstream speaks. Towards the
 * upstream it is a WebSocket client (RFC 6455), with the framing of the `ws` package; to the tunnel, and so to limits, timers
 * and counters, it looks like any other client. Fragments arrive here merged and go on merged.
 */
import * as ws from 'ws';
import type { ByteTunnel, ThreadContext } from '../contracts.js';
import { WheelTimer } from '../timers.js';

/** Longest message in either direction, bytes: it is held in memory as a whole. */
export const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** Bytes that the client has still to take, above which the upstream waits. */
const HIGH_WATER_BYTES = 64 * 1024;
/** Bytes that a client may send while the upstream does not take them; it can't be told to wait. */
const MAX_AHEAD_BYTES = 64 * 1024 * 1024;
/** How long an upstream has to answer a close, as browsers and `ws` give it. */
const CLOSE_ANSWER_MS = 30_000;

const OPCODE_TEXT = 1;
const OPCODE_BINARY = 2;
const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;
const OPCODE_PONG = 10;

const CLOSED_WITHOUT_CODE = 1005;
const CLOSED_WITHOUT_FRAME = 1006;
const PROTOCOL_ERROR = 1002;
const INVALID_PAYLOAD = 1007;
const TOO_BIG = 1009;
const INTERNAL_ERROR = 1011;
const TRY_AGAIN_LATER = 1013;

/** The part of `ws` that its type declarations leave out. */
interface FrameCodec {
  readonly Receiver: new (options: { readonly isServer: boolean; readonly maxPayload: number }) => Receiver;
  readonly Sender: {
    frame(data: Buffer, options: { fin: boolean; opcode: number; mask: boolean; readOnly: boolean }): Buffer[];
  };
}

interface Receiver {
  write(chunk: Buffer): boolean;
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this;
  on(event: 'ping', listener: (data: Buffer) => void): this;
  on(event: 'conclude', listener: (code: number, reason: Buffer) => void): this;
  on(event: 'error', listener: (error: { readonly code?: string }) => void): this;
}

const { Receiver, Sender } = ws as unknown as FrameCodec;

/** The client's side, parsed by its front. After `end` or `close` it must not be used. */
export interface RelaySocket {
  send(message: Uint8Array, isBinary: boolean): number;
  ping(message: Uint8Array): number;
  end(code: number, reason: Uint8Array): void;
  close(): void;
  getBufferedAmount(): number;
}

export class WebSocketRelay {
  readonly #path: ThreadContext;
  readonly #tunnel: ByteTunnel;
  /** The client's connection broke without a close frame. */
  readonly #onAborted: () => void;
  readonly #receiver: Receiver;
  readonly #closeTimer: WheelTimer;
  #socket: RelaySocket | null;
  /** A close frame has come from the upstream, or what came can't be understood. */
  #upstreamClosed = false;
  /** A close frame has gone to the upstream, the last that it gets. */
  #closeSent = false;
  /** The upstream sends no more: to be called when the client has all. */
  #onSent: (() => void) | null = null;
  #isAhead = false;
  #aheadBytes = 0;

  constructor(path: ThreadContext, tunnel: ByteTunnel, socket: RelaySocket, onAborted: () => void) {
    this.#path = path;
    this.#tunnel = tunnel;
    this.#socket = socket;
    this.#onAborted = onAborted;
    this.#closeTimer = new WheelTimer(() => this.#tunnel.onClientEnd());
    this.#receiver = new Receiver({ isServer: false, maxPayload: MAX_MESSAGE_BYTES });
    this.#receiver
      .on('message', (data, isBinary) => void this.#socket?.send(data, isBinary))
      .on('ping', (data) => void this.#socket?.ping(data))
      .on('conclude', (code, reason) => this.#onUpstreamClose(code, reason))
      .on('error', (error) => this.#onUpstreamError(error.code ?? ''));
  }

  // ---------------------------------------------------------------------------------------------- from the client

  /** A whole message. Its memory is the library's, which goes on reading behind it: it must not be masked in place. */
  onMessage(message: ArrayBuffer, isBinary: boolean): void {
    const data = Buffer.from(message);
    this.#sendUpstream(isBinary ? OPCODE_BINARY : OPCODE_TEXT, data);
    if (!this.#isAhead) return;
    this.#aheadBytes += data.length;
    if (this.#aheadBytes > MAX_AHEAD_BYTES)
      this.#socket?.end(TRY_AGAIN_LATER, Buffer.from('the service reads too slowly'));
  }

  /** The front has answered it; the service is told that the client lives. */
  onPing(data: ArrayBuffer): void {
    this.#sendUpstream(OPCODE_PING, Buffer.from(data));
  }

  onPong(data: ArrayBuffer): void {
    this.#sendUpstream(OPCODE_PONG, Buffer.from(data));
  }

  /** The client takes bytes again. Returns whether it may be given more. */
  onDrain(): boolean {
    if (this.#onSent !== null && this.#socket?.getBufferedAmount() === 0) this.#socket.close();
    return this.#hasRoom();
  }

  /** The client's connection is over, whoever has ended it; with the code and reason of the close frame. */
  onClosed(code: number, reason: ArrayBuffer): void {
    this.#socket = null;
    if (this.#onSent !== null) {
      this.#settle(this.#onSent);
    } else if (this.#upstreamClosed) {
      this.#awaitEnd();
    } else if (code === CLOSED_WITHOUT_FRAME) {
      this.#onAborted();
    } else {
      this.#sendClose(code, Buffer.from(reason));
      this.#awaitEnd();
    }
  }

  // -------------------------------------------------------------------------------------------- from the upstream

  /** Takes bytes that may change after the call; false when the client can't keep up. */
  fromUpstream(chunk: Uint8Array): boolean {
    if (!this.#upstreamClosed) this.#receiver.write(Buffer.from(chunk));
    return this.#hasRoom();
  }

  /** The upstream sends no more, so the client's connection ends too; `onSent` when it has. */
  endFromUpstream(onSent: () => void): void {
    if (this.#socket === null) {
      this.#settle(onSent);
      return;
    }
    this.#onSent = onSent;
    if (this.#socket.getBufferedAmount() === 0) this.#socket.close();
  }

  // --------------------------------------------------------------------------------------------------- from the tunnel

  /** Whether the upstream takes no more for now. */
  setAhead(isAhead: boolean): void {
    this.#isAhead = isAhead;
    this.#aheadBytes = 0;
  }

  /** The tunnel is over: the client's connection ends, `atOnce` or when it has taken what was sent. */
  finish(atOnce: boolean): void {
    this.#path.timers.stop(this.#closeTimer);
    this.#upstreamClosed = true;
    this.#onSent = () => undefined;
    const socket = this.#socket;
    if (socket && (atOnce || socket.getBufferedAmount() === 0)) socket.close();
  }

  #hasRoom(): boolean {
    return this.#socket === null || this.#socket.getBufferedAmount() < HIGH_WATER_BYTES;
  }

  #onUpstreamClose(code: number, reason: Buffer): void {
    this.#upstreamClosed = true;
    this.#sendClose(code, Buffer.from(reason));
    if (this.#socket) this.#socket.end(code === CLOSED_WITHOUT_CODE ? 0 : code, reason);
    else this.#awaitEnd();
  }

  /** The service has broken the protocol, or its message is too large. */
  #onUpstreamError(error: string): void {
    this.#upstreamClosed = true;
    const isTooBig = error === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    const code = isTooBig ? TOO_BIG : error === 'WS_ERR_INVALID_UTF8' ? INVALID_PAYLOAD : PROTOCOL_ERROR;
    this.#sendClose(code, Buffer.alloc(0));
    this.#socket?.end(isTooBig ? TOO_BIG : INTERNAL_ERROR, Buffer.from('the service sent what is no message'));
    this.#tunnel.onUpstreamLost();
  }

  #sendClose(code: number, reason: Buffer): void {
    if (this.#closeSent) return;
    const payload = Buffer.alloc(code === CLOSED_WITHOUT_CODE ? 0 : 2 + reason.length);
    if (payload.length > 0) {
      payload.writeUInt16BE(code, 0);
      reason.copy(payload, 2);
    }
    this.#sendUpstream(OPCODE_CLOSE, payload);
    this.#closeSent = true;
  }

  #sendUpstream(opcode: number, data: Buffer): void {
    if (this.#closeSent) return;
    for (const part of Sender.frame(data, { fin: true, opcode, mask: true, readOnly: true })) {
      this.#tunnel.onClientBytes(part);
    }
  }

  /** Both sides have closed: the upstream ends its connection (RFC 6455 7.1.1), or is left after a while. */
  #awaitEnd(): void {
    this.#path.timers.start(this.#closeTimer, CLOSE_ANSWER_MS);
  }

  #settle(onSent: () => void): void {
    this.#path.timers.stop(this.#closeTimer);
    onSent();
    this.#tunnel.onClientEnd();
  }
}
