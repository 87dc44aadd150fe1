// SPDX-License-Identifier: Apache-2.0
/**
 * An endpoint of a cluster -> an open socket to it, for whatever protocol its owner speaks. Bytes are read into the thread's
 * read region and are gone when the callback returns. It counts bytes and failed attempts for its cluster, and keeps the
 * connect timeout; everything else is the owner's.
 */
import net from 'node:net';
import * as layout from '../../assembly/layout.js';
import type { ClusterData, EndpointData } from '../rules/encoded-tables.js';
import type { ThreadContext } from './contracts.js';
import { hasRoom } from './output-buffers.js';
import { WheelTimer } from './timers.js';
import type { UpstreamTransport } from './upstream-transport.js';

/** Whom a socket belongs to. None of these is called after `destroy`. */
export interface UpstreamSocketOwner {
  /** Connected, and the handshake done where there is one: what is written from now on reaches the upstream. */
  onSocketOpen(): void;
  /** `length` bytes lie at ThreadContext.readOffset, during the call only. An exception reaches `onSocketBug`. */
  onSocketRead(length: number): void;
  /** There is room again after a write that returned false. */
  onSocketDrain(): void;
  /** The upstream sends no more; called again when the socket has closed. */
  onSocketEnd(): void;
  /**
   * It broke. FAILURE_CONNECT or FAILURE_CONNECT_TIMEOUT when it never was open, which has been counted, else
   * FAILURE_UPSTREAM_CLOSED; `detail` says what happened. The owner destroys it.
   */
  onSocketFailure(failure: number, detail: string): void;
  /** `onSocketRead` threw, which has been logged. */
  onSocketBug(): void;
}

/** Where to connect; `clusterSlot` is the place of the cluster's counters and limits. */
export interface UpstreamTarget {
  readonly cluster: Pick<ClusterData, 'connectTimeoutMs'>;
  readonly clusterSlot: number;
  readonly endpoint: Pick<EndpointData, 'address' | 'port'>;
  /** What UpstreamTransports gives for the cluster; null or absent = plaintext. */
  readonly transport?: UpstreamTransport | null;
  /** Protocols to offer to a server with TLS, the preferred one first. */
  readonly alpn?: readonly string[];
}

export class UpstreamSocket {
  /** `ip:port`, with brackets around IPv6. */
  readonly address: string;
  /** Connected, and not known to be closed. */
  isOpen = false;
  readonly #path: ThreadContext;
  readonly #owner: UpstreamSocketOwner;
  readonly #clusterSlot: number;
  readonly #socket: net.Socket;
  readonly #transport: UpstreamTransport | null;
  /** Runs while the connection is made; null afterwards. */
  #connecting: WheelTimer | null;
  #paused = false;
  #isDestroyed = false;

  /** Begins to connect; the owner hears of the outcome in a later turn. */
  constructor(path: ThreadContext, owner: UpstreamSocketOwner, target: UpstreamTarget) {
    const { cluster, clusterSlot, endpoint, transport = null } = target;
    const { address, port } = endpoint;
    this.address = net.isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
    this.#path = path;
    this.#owner = owner;
    this.#clusterSlot = clusterSlot;
    this.#connecting = new WheelTimer(() => this.#onConnectTimeout());
    this.#transport = transport;
    this.#socket = this.#connect(target);
    this.#listen(this.#socket);
    path.timers.start(this.#connecting, cluster.connectTimeoutMs);
  }

  /** Bytes written and not yet taken by the kernel. */
  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? '';
  }

  get remotePort(): number {
    return this.#socket.remotePort ?? 0;
  }

  /** The protocol that the server has chosen of those offered; '' when it chose none. */
  get protocol(): string {
    return this.#transport?.protocolOf(this.#socket) ?? '';
  }

  get localAddress(): string {
    return `${this.#socket.localAddress ?? ''}:${this.#socket.localPort ?? ''}`;
  }

  /** Sends [offset, offset + length) of the output buffer that ThreadContext.output.open() gave. */
  send(offset: number, length: number): void {
    this.#path.addCounter(this.#clusterSlot, layout.COUNTER_TX_BYTES, length);
    this.#path.output.send(this.#socket, offset, length);
  }

  /** Sends bytes from elsewhere, which may change after the call. Returns false until `onSocketDrain`. */
  write(chunk: Uint8Array): boolean {
    this.#path.addCounter(this.#clusterSlot, layout.COUNTER_TX_BYTES, chunk.length);
    this.#path.output.sendCopy(this.#socket, chunk);
    return hasRoom(this.#socket);
  }

  /** From now on each direction ends by itself; before, the upstream's end closes the socket. */
  allowHalfOpen(): void {
    this.#socket.allowHalfOpen = true;
  }

  /** Sends the end; `onSent` when everything before it is on its way, or never will be. */
  end(onSent: () => void): void {
    this.#socket.end(onSent);
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Closes at once. */
  destroy(): void {
    this.isOpen = false;
    this.#isDestroyed = true;
    this.#stopTimer();
    this.#socket.destroy();
  }

  #connect({ endpoint: { address, port }, alpn = [] }: UpstreamTarget): net.Socket {
    const transport = this.#transport;
    const onRead = (length: number): boolean => this.#onRead(length);
    const { readBuffer } = this.#path;
    if (transport === null) {
      return net.connect({ host: address, port, noDelay: true, onread: { buffer: readBuffer, callback: onRead } });
    }
    if (transport.refusal === '') return transport.connect({ address, port, alpn, readBuffer, onRead });
    const refuse = (): void => {
      if (this.#connecting !== null) this.#failConnect(layout.FAILURE_CONNECT, transport.refusal);
    };
    setImmediate(this.#path.guard(refuse));
    return new net.Socket();
  }

  #listen(socket: net.Socket): void {
    socket.on(
      this.#transport === null ? 'connect' : 'secureConnect',
      this.#path.guard(() => this.#onConnect()),
    );
    socket.on(
      'drain',
      this.#path.guard(() => this.#owner.onSocketDrain()),
    );
    socket.on(
      'end',
      this.#path.guard(() => this.#onEnd()),
    );
    socket.on(
      'error',
      this.#path.guard((error: Error) => this.#onError(error)),
    );
    socket.on(
      'close',
      this.#path.guard(() => this.#onClose()),
    );
  }

  #onConnect(): void {
    if (this.#connecting === null) return;
    const fault = this.#transport?.verify(this.#socket) ?? '';
    if (fault !== '') {
      this.#failConnect(layout.FAILURE_CONNECT, fault);
      return;
    }
    this.#stopTimer();
    this.isOpen = true;
    this.#owner.onSocketOpen();
  }

  #onConnectTimeout(): void {
    this.#path.addCounter(this.#clusterSlot, layout.COUNTER_CX_CONNECT_TIMEOUT, 1);
    this.#failConnect(layout.FAILURE_CONNECT_TIMEOUT, 'connect timeout');
  }

  #onError(error: Error): void {
    const detail = this.#transport?.explain(error) ?? error.message;
    if (this.#connecting !== null) this.#failConnect(layout.FAILURE_CONNECT, detail);
    else if (this.isOpen) this.#owner.onSocketFailure(layout.FAILURE_UPSTREAM_CLOSED, detail);
  }

  #onClose(): void {
    if (this.#connecting !== null) this.#failConnect(layout.FAILURE_CONNECT, 'closed by the upstream');
    else this.#onEnd();
  }

  #onEnd(): void {
    if (!this.#isDestroyed) this.#owner.onSocketEnd();
  }

  #failConnect(failure: number, detail: string): void {
    this.#stopTimer();
    this.#path.addCounter(this.#clusterSlot, layout.COUNTER_CX_CONNECT_FAIL, 1);
    this.#transport?.onFailure(this.#path.logger, this.address, detail);
    this.#owner.onSocketFailure(failure, detail);
  }

  #stopTimer(): void {
    if (this.#connecting === null) return;
    this.#path.timers.stop(this.#connecting);
    this.#connecting = null;
  }

  /** Its `true` tells Node.js to go on. */
  #onRead(length: number): boolean {
    this.#path.beginRead();
    try {
      this.#path.addCounter(this.#clusterSlot, layout.COUNTER_RX_BYTES, length);
      this.#owner.onSocketRead(length);
    } catch (error) {
      this.#path.onBug(error);
      this.#owner.onSocketBug();
    } finally {
      this.#path.endRead();
    }
    return true;
  }
}
