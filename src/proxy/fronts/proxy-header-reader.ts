// SPDX-License-Identifier: Apache-2.0
/** A client of a listener that is told addresses by a load balancer: the header first, then whatever the listener speaks. */
import type { ThreadContext } from '../contracts.js';
import { WheelTimer } from '../timers.js';
import type { ClientProtocol, ClientSocket } from './client-socket.js';
import { appendBytes } from './pending-bytes.js';
import { readProxyHeader } from './proxy-header.js';

/** Envoy's limit for what comes before a connection's protocol is known. */
const TIMEOUT_MS = 15_000;

export class ProxyHeaderReader implements ClientProtocol {
  readonly isBusy = false;
  readonly sinceMs: number;
  readonly #path: ThreadContext;
  readonly #client: ClientSocket;
  readonly #next: (received: Uint8Array) => void;
  readonly #timer: WheelTimer;
  #received: Buffer = Buffer.alloc(0);

  /** `next` gives the client its protocol and what has come after the header. */
  constructor(path: ThreadContext, client: ClientSocket, next: (received: Uint8Array) => void) {
    this.sinceMs = path.nowMs;
    this.#path = path;
    this.#client = client;
    this.#next = next;
    this.#timer = new WheelTimer(() => client.socket.destroy());
    path.timers.start(this.#timer, TIMEOUT_MS);
  }

  onRead(length: number): void {
    const path = this.#path;
    this.#received = appendBytes(this.#received, path.readBuffer.subarray(0, length));
    const header = readProxyHeader(this.#received);
    if (header.kind === 'incomplete') return;
    path.timers.stop(this.#timer);
    if (header.kind === 'malformed') {
      path.logger.debug('front', 'a connection does not begin with a PROXY header', {
        client: this.#client.socket.remoteAddress ?? '',
      });
      this.#client.socket.destroy();
      return;
    }
    const { source } = header;
    if (source !== undefined) path.upstreams.setClientAddress(this.#client.record, source.address, source.port);
    this.#next(this.#received.subarray(header.length));
  }

  onEnd(): void {
    this.#client.socket.destroy();
  }

  onDrain(): void {}

  onEvict(): void {}

  onClose(): void {
    this.#path.timers.stop(this.#timer);
  }

  retire(): void {}
}
