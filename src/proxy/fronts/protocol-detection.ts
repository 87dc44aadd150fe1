// SPDX-License-Identifier: Apache-2.0
/**
 * The first bytes of a client of a port whose protocol is not declared, or that TLS and plaintext share -> the filter chain for
 * what it speaks. A client that waits for its server to speak first shows nothing: after the detection timeout it gets the
 * chain for all (Istio protocolDetectionTimeout).
 */
import type { ThreadContext } from '../contracts.js';
import { WheelTimer } from '../timers.js';
import { MAX_CLIENT_HELLO_BYTES, readClientHello } from './client-hello.js';
import type { ClientProtocol, ClientSocket } from './client-socket.js';
import { inspectHttp } from './http-inspection.js';
import { appendBytes } from './pending-bytes.js';

/** Where each kind of client goes on; `received` is what it has sent. Undefined: it is closed. */
export interface DetectedProtocols {
  readonly tls: ((received: Buffer) => void) | undefined;
  readonly http: ((received: Buffer) => void) | undefined;
  readonly other: ((received: Buffer) => void) | undefined;
}

export class ProtocolDetection implements ClientProtocol {
  readonly isBusy = false;
  readonly sinceMs: number;
  readonly #path: ThreadContext;
  readonly #client: ClientSocket;
  readonly #next: DetectedProtocols;
  readonly #timer: WheelTimer;
  #received: Buffer = Buffer.alloc(0);

  /** `timeoutMs` 0 = for ever. */
  constructor(path: ThreadContext, client: ClientSocket, next: DetectedProtocols, timeoutMs: number) {
    this.sinceMs = path.nowMs;
    this.#path = path;
    this.#client = client;
    this.#next = next;
    this.#timer = new WheelTimer(path.guard(() => this.#goOn(this.#next.other)));
    if (timeoutMs > 0) path.timers.start(this.#timer, timeoutMs);
  }

  onRead(length: number): void {
    this.#received = appendBytes(this.#received, this.#path.readBuffer.subarray(0, length));
    const { tls, http, other } = this.#next;
    if (tls !== undefined) {
      const hello = readClientHello(this.#received).kind;
      if (hello === 'incomplete' && this.#received.length < MAX_CLIENT_HELLO_BYTES) return;
      if (hello === 'hello') {
        this.#goOn(tls);
        return;
      }
    }
    const inspection = http === undefined ? 'other' : inspectHttp(this.#received);
    if (inspection !== 'incomplete') this.#goOn(inspection === 'http' ? http : other);
  }

  /** What it has sent is all there will be. */
  onEnd(): void {
    if (this.#received.length === 0) {
      this.#client.socket.destroy();
      return;
    }
    this.#goOn(this.#next.other);
    this.#client.endRead();
  }

  onDrain(): void {}

  onEvict(): void {}

  onClose(): void {
    this.#path.timers.stop(this.#timer);
  }

  retire(): void {}

  #goOn(next: ((received: Buffer) => void) | undefined): void {
    this.#path.timers.stop(this.#timer);
    if (next === undefined) this.#client.socket.destroy();
    else next(this.#received);
  }
}
