// SPDX-License-Identifier: Apache-2.0
/**
 * One uWebSockets.js response as a Downstream. The engine's head goes out in a single writeStatus call (the library puts
 * whatever it is given after `HTTP/1.1 `), and the library writes Date and the framing itself.
 */
import {
  BODY_LENGTH,
  BODY_NONE,
  FAILURE_UPSTREAM_PROTOCOL,
  REQUEST_FLAG_CLOSE,
  REQUEST_FLAGS,
  SLAB_REQUEST,
} from '../../../assembly/layout.js';
import type { ByteTunnel, Downstream, RequestExchange, ResponseFraming, ThreadContext } from '../contracts.js';
import type { UwsResponse } from './uws-module.js';
import { switchProblem, upgrade } from './uws-web-socket.js';
import type { Handshake, WebSocketEvents } from './uws-web-socket.js';
import { WebSocketRelay } from './websocket-relay.js';

const CONGESTED_LINGER_MS = 1000;
const SWITCHING_PROTOCOLS = 101;

/** Head and body of the last answer of a connection, given while the library is still reading. */
interface LastAnswer {
  readonly head: Buffer;
  body: Buffer;
}

export class UwsDownstream implements Downstream, WebSocketEvents {
  /** The library can't write an interim answer. */
  readonly relaysInterim = false;
  exchange: RequestExchange | null = null;
  readonly #path: ThreadContext;
  readonly #response: UwsResponse;
  #framing: ResponseFraming | null = null;
  /** Bytes that tryEnd did not take, and where they begin in the body. */
  #unsent: Buffer | null = null;
  #unsentOffset = 0;
  #ended = false;
  #watchesWritable = false;
  /** The library could not send all of the last write. */
  #congested = false;
  #closeAnnounced = false;
  #release: (() => void) | null = null;
  /** The library has corked already, as it does in its request handler. */
  #corked = true;
  #inHandler = true;
  #lastAnswer: LastAnswer | null = null;
  /** With a GET that may become a WebSocket. */
  readonly #handshake: Handshake | null;
  #switchHead = '';
  /** The 101 has come, and the library can't be told yet; what has come behind it. */
  #tunnelToOpen: ByteTunnel | null = null;
  #early: Buffer[] = [];
  #relay: WebSocketRelay | null = null;

  /** To be made in the library's request handler. */
  constructor(path: ThreadContext, response: UwsResponse, handshake: Handshake | null) {
    this.#path = path;
    this.#response = response;
    this.#handshake = handshake;
  }

  /** The library parses WebSocket itself, so that only messages can be carried. */
  get carriesTunnels(): boolean {
    return this.#handshake !== null;
  }

  /** The request handler has returned: later writes need a cork of their own. */
  leaveHandler(): void {
    this.#corked = false;
    this.#inHandler = false;
  }

  /** The library has closed the connection; the response must not be touched any more. */
  onAborted(): void {
    this.#path.readClock();
    this.#markEnded();
    const exchange = this.exchange;
    this.exchange = null;
    exchange?.onAborted();
  }

  /** This front carries plaintext only. */
  restoreFacts(): void {
    this.#path.setTlsFacts(false, '');
  }

  cork(write: () => void): void {
    if (this.#corked || this.#ended) {
      write();
      return;
    }
    this.#corked = true;
    // An exception must not pass through the library's native frames.
    let thrown: unknown;
    let failed = false;
    this.#response.cork(() => {
      try {
        write();
      } catch (error) {
        thrown = error;
        failed = true;
      }
    });
    this.#corked = false;
    if (failed) throw thrown;
    if (this.#tunnelToOpen) this.#upgrade(this.#tunnelToOpen);
  }

  sendHead(style: number, framing: ResponseFraming): number {
    const { engine, output } = this.#path;
    const offset = output.open();
    const index = (this.exchange as RequestExchange).index;
    const length = engine.exports.writeResponseHead(index, offset, output.capacity, style);
    if (length < 0 || this.#ended) return length;
    if (framing.status === SWITCHING_PROTOCOLS) {
      this.#switchHead = engine.buffer.toString('latin1', offset, offset + length);
      const fits = this.#handshake !== null && switchProblem(this.#handshake, this.#switchHead) === undefined;
      return fits ? length : FAILURE_UPSTREAM_PROTOCOL;
    }
    // After an upgrade that is not accepted, what the client sends need not be a request.
    const close = framing.close || this.exchange?.isUpgrade === true || (this.#inHandler && this.#asksToClose());
    this.#framing = close === framing.close ? framing : { ...framing, close };
    // The library ends the last line itself.
    const head = engine.buffer.subarray(offset, offset + length - 2);
    if (close && this.#inHandler) this.#lastAnswer = { head: Buffer.from(head), body: Buffer.alloc(0) };
    else this.#response.writeStatus(head);
    return length;
  }

  /** Whether the request that is being parsed says that it is the last. */
  #asksToClose(): boolean {
    const { words, slab } = this.#path.engine;
    return ((words[(slab + SLAB_REQUEST + REQUEST_FLAGS) >> 2] ?? 0) & REQUEST_FLAG_CLOSE) !== 0;
  }

  sendInterim(): void {
    throw new Error('interim answers are not relayed on this front');
  }

  sendBytes(chunk: Uint8Array): void {
    this.#send(chunk);
  }

  sendBody(offset: number, length: number): boolean {
    return this.#send(this.#path.engine.bytes.subarray(offset, offset + length));
  }

  #send(chunk: Uint8Array): boolean {
    if (this.#ended) return true;
    if (this.#lastAnswer) {
      this.#lastAnswer.body = Buffer.concat([this.#lastAnswer.body, chunk]);
      return true;
    }
    if (this.#framing?.close && !this.#closeAnnounced) {
      if (this.#framing.bodyKind === BODY_LENGTH && chunk.length === this.#framing.contentLength) {
        this.#response.end(chunk, true);
        this.#markEnded();
        return true;
      }
      // Past the first body byte the library can't announce it any more.
      this.#closeAnnounced = true;
      this.#response.writeHeader('Connection', 'close');
    }
    if (this.#framing?.bodyKind !== BODY_LENGTH) {
      this.#congested = !this.#response.write(chunk);
      if (this.#congested) this.#watchWritable();
      return !this.#congested;
    }
    if (this.#unsent) {
      this.#unsent = Buffer.concat([this.#unsent, chunk]);
      return false;
    }
    const before = this.#response.getWriteOffset();
    const [ok, done] = this.#response.tryEnd(chunk, this.#framing.contentLength);
    if (done) {
      this.#markEnded();
      return true;
    }
    if (ok) return true;
    const taken = this.#response.getWriteOffset() - before;
    this.#unsent = Buffer.from(chunk.subarray(taken));
    this.#unsentOffset = before + taken;
    this.#watchWritable();
    return false;
  }

  end(): void {
    const framing = this.#framing;
    this.exchange = null;
    this.#relay?.finish(false);
    if (this.#ended || !framing) return;
    if (this.#lastAnswer) {
      this.#answerLast(this.#lastAnswer);
      return;
    }
    // With bytes unsent the writable handler ends the response.
    if (this.#unsent) {
      this.#release = this.#path.linger();
      return;
    }
    this.cork(() => {
      if (framing.isHead) this.#endWithoutBody(framing, framing.contentLength);
      else if (framing.bodyKind === BODY_NONE) this.#endWithoutBody(framing, -1);
      else this.#response.end(undefined, framing.close && !this.#closeAnnounced);
    });
    // What the library still buffers it sends by itself, but says nothing of it: a closing thread leaves it a moment.
    if (this.#congested) setTimeout(this.#path.linger(), CONGESTED_LINGER_MS).unref();
    this.#markEnded();
  }

  /**
   * The library goes on reading behind an answer that is given in its handler, whatever the answer says of the connection. As
   * long as there is none, it closes the connection instead of handing out another request.
   */
  #answerLast({ head, body }: LastAnswer): void {
    const release = this.#path.linger();
    setImmediate(
      this.#path.guard(() => {
        release();
        if (this.#ended) return;
        this.#lastAnswer = null;
        this.cork(() => {
          this.#response.writeStatus(head);
          if (body.length > 0) this.#send(body);
          this.end();
        });
      }),
    );
  }

  destroy(): void {
    this.exchange = null;
    this.#relay?.finish(true);
    if (this.#ended) return;
    this.#markEnded();
    this.#response.close();
  }

  openTunnel(tunnel: ByteTunnel): void {
    this.#tunnelToOpen = tunnel;
    if (!this.#corked) this.#upgrade(tunnel);
  }

  /**
   * Never inside the library's cork: the upgrade moves the connection in memory, and when it lands where it was, the cork's end
   * takes it for an HTTP connection still and may close it by what it finds there.
   */
  #upgrade(tunnel: ByteTunnel): void {
    const handshake = this.#handshake;
    const early = this.#early;
    this.#tunnelToOpen = null;
    this.#early = [];
    if (this.#ended || !handshake) return;
    const exchange = this.exchange;
    const onAborted = (): void => {
      this.exchange = null;
      exchange?.onAborted();
    };
    const socket = upgrade(this.#response, handshake, this.#switchHead, this);
    this.#markEnded();
    this.#relay = new WebSocketRelay(this.#path, tunnel, socket, onAborted);
    for (const chunk of early) this.#relay.fromUpstream(chunk);
  }

  sendTunnel(chunk: Uint8Array): boolean {
    if (this.#tunnelToOpen) this.#early.push(Buffer.from(chunk));
    return this.#relay?.fromUpstream(chunk) ?? true;
  }

  endTunnel(onSent: () => void): void {
    if (this.#relay) this.#relay.endFromUpstream(onSent);
    else onSent();
  }

  onMessage(message: ArrayBuffer, isBinary: boolean): void {
    this.#relay?.onMessage(message, isBinary);
  }

  onPing(data: ArrayBuffer): void {
    this.#relay?.onPing(data);
  }

  onPong(data: ArrayBuffer): void {
    this.#relay?.onPong(data);
  }

  onDrain(): void {
    if (this.#relay?.onDrain()) this.exchange?.onDownstreamDrain();
  }

  onClosed(code: number, reason: ArrayBuffer): void {
    this.#relay?.onClosed(code, reason);
  }

  pauseBody(): void {
    this.#relay?.setAhead(true);
    if (!this.#ended) this.#response.pause();
  }

  resumeBody(): void {
    this.#relay?.setAhead(false);
    if (!this.#ended) this.#response.resume();
  }

  /**
   * The length goes out as a field by hand: the library would wait for that many bytes and take the connection's next
   * request for one that came too early. It also takes an undefined length for a number, so closing is announced by hand.
   */
  #endWithoutBody(framing: ResponseFraming, contentLength: number): void {
    if (contentLength >= 0) this.#response.writeHeader('Content-Length', String(contentLength));
    if (framing.close && !this.#closeAnnounced) this.#response.writeHeader('Connection', 'close');
    this.#response.endWithoutBody();
  }

  #markEnded(): void {
    this.#ended = true;
    this.#unsent = null;
    this.#release?.();
    this.#release = null;
  }

  #watchWritable(): void {
    if (this.#watchesWritable) return;
    this.#watchesWritable = true;
    this.#response.onWritable((offset) => {
      try {
        this.#path.readClock();
        return this.#onWritable(offset);
      } catch (error) {
        this.#path.onBug(error);
        return true;
      }
    });
  }

  #onWritable(offset: number): boolean {
    if (this.#ended) return true;
    if (this.#unsent) {
      const rest = this.#unsent.subarray(Math.max(0, offset - this.#unsentOffset));
      const [ok, done] = this.#response.tryEnd(rest, this.#framing?.contentLength ?? 0);
      if (done) {
        this.#markEnded();
        return true;
      }
      if (!ok) return false;
      this.#unsent = null;
    }
    this.#congested = false;
    this.exchange?.onDownstreamDrain();
    return true;
  }
}
