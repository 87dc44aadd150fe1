// SPDX-License-Identifier: Apache-2.0
/**
 * A client's connection from accept to close: an admitted place, a socket whose reads land in the thread's read region, and a
 * protocol that takes what comes. The protocol can be replaced at any byte: a connection may begin with one that only looks
 * at the first bytes and go on with HTTP/1.1, HTTP/2, TLS or plain TCP, which gets those bytes first. What is shared by all
 * protocols is here once: events, exceptions, eviction, the end.
 */
import type net from 'node:net';
import * as layout from '../../../assembly/layout.js';
import type { ThreadContext } from '../contracts.js';
import { adoptSocket, readByEvents } from './adopt-socket.js';
import type { AdmittedClient, ListenerClients } from './listener-clients.js';
import type { SecureSocket } from './tls-acceptor.js';

/** What a client's bytes mean. Every call comes inside a guard; the clock has been read. */
export interface ClientProtocol {
  /** Whether something is under way that a close would break off. */
  readonly isBusy: boolean;
  /** performance.now() when it last did something. */
  readonly sinceMs: number;
  /** `length` bytes lie at the start of the thread's read region, during the call. */
  onRead(length: number): void;
  /** The client will send no more. */
  onEnd(): void;
  /** The socket can be given more again. */
  onDrain(): void;
  /** The connection closes now for a client of another source: the last moment to answer. */
  onEvict(): void;
  /** The connection is gone. Nothing is called after it. */
  onClose(): void;
  /** The listener is gone, or the thread drains: what is under way may end. */
  retire(): void;
}

/** Who accepted the connection (WireListener). */
export interface ClientOwner {
  readonly clients: ListenerClients;
  /** The connection is gone. Called once. */
  onClosed(client: ClientSocket): void;
}

const OWNER = Symbol('client');

interface OwnedSocket extends net.Socket {
  [OWNER]?: ClientSocket | undefined;
}

function listenerOf(callback: (client: ClientSocket) => void): (this: OwnedSocket) => void {
  return function (this: OwnedSocket) {
    this[OWNER]?.run(callback);
  };
}

export class ClientSocket implements AdmittedClient {
  /** A connection record of the thread that nobody else uses. It holds the client's address. */
  readonly record: number;
  /** What the connection counts for; see sourceKey. */
  readonly source: string;
  /** Name of the filter chain that serves it; the listener's until one is chosen. */
  filterChain: string;
  readonly #path: ThreadContext;
  readonly #owner: ClientOwner;
  #socket: OwnedSocket;
  #secure: SecureSocket | undefined;
  #protocol!: ClientProtocol;
  #closed = false;
  #retiring = false;

  /** `use` must follow before the turn ends. `filterChain` as above. */
  constructor(
    path: ThreadContext,
    owner: ClientOwner,
    filterChain: string,
    accepted: net.Socket,
    record: number,
    source: string,
  ) {
    this.#path = path;
    this.#owner = owner;
    this.filterChain = filterChain;
    this.record = record;
    this.source = source;
    this.#socket = adoptSocket(accepted, path.readBuffer, this.#readCallback(), true);
    this.#listen();
    path.upstreams.setClientAddress(record, accepted.remoteAddress ?? '', accepted.remotePort ?? 0);
  }

  /** Shared by all connections, because closures of its own would cost an idle connection more than its state does. */
  static readonly #listeners: readonly (readonly [string, (this: OwnedSocket) => void])[] = [
    ['end', listenerOf((client) => client.#protocol.onEnd())],
    ['drain', listenerOf((client) => client.#protocol.onDrain())],
    ['error', listenerOf((client) => client.#socket.destroy())],
    ['close', listenerOf((client) => client.#onClose())],
  ];

  /** Write to it, pause it, end it; what it reads goes to the protocol. After `secured` it is another one. */
  get socket(): net.Socket {
    return this.#socket;
  }

  /** Absent on plaintext connections. */
  get secure(): SecureSocket | undefined {
    return this.#secure;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get sinceMs(): number {
    return this.#protocol.sinceMs;
  }

  get isBusy(): boolean {
    return this.#protocol.isBusy;
  }

  /** Adds one to a LISTENER_* counter. */
  count(counter: number): void {
    this.#owner.clients.count(counter);
  }

  /**
   * `protocol` has the connection from now on, beginning with `bytes`, which may lie in the read region. The protocol that had
   * it gets no further call, so what it holds it lets go of before.
   */
  use(protocol: ClientProtocol, bytes?: Uint8Array): void {
    this.#protocol = protocol;
    if (this.#retiring) protocol.retire();
    if (bytes !== undefined) this.replay(bytes);
  }

  /** Gives the protocol bytes that an earlier one has read; they may lie in the read region. */
  replay(bytes: Uint8Array): void {
    const { readBuffer } = this.#path;
    for (let at = 0; at < bytes.length && !this.#closed; at += readBuffer.length) {
      const part = bytes.subarray(at, at + readBuffer.length);
      readBuffer.set(part);
      this.#read(part.length);
    }
  }

  /** TLS has been established on the socket: what is read and written from now on is what the client's TLS holds. */
  secured(secure: SecureSocket): void {
    // The socket below closes with the one on top of it.
    this.#socket[OWNER] = undefined;
    this.#secure = secure;
    this.filterChain = secure.filterChain;
    this.#socket = secure.socket;
    this.#listen();
  }

  /** Reads what TLS holds; `use` has been called with the protocol for it. */
  readSecured(): void {
    readByEvents(this.#socket, this.#path.readBuffer, this.#readCallback());
  }

  /** The client's end has been read by an earlier protocol: the one that has the connection now is told. */
  endRead(): void {
    if (!this.#closed) this.#protocol.onEnd();
  }

  /** Closes at once and gives its place away, for a client of another source. */
  evict(): void {
    this.count(layout.LISTENER_CX_EVICTED);
    this.#protocol.onEvict();
    this.destroyNow();
  }

  /** The listener is gone, or the thread drains. */
  retire(): void {
    this.#retiring = true;
    this.#protocol.retire();
  }

  /** Ends what is under way, so that it is counted and logged before the call returns. */
  destroyNow(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  /** Runs a callback of the socket, so that its exception reaches nobody else's connection. */
  run(callback: (client: ClientSocket) => void): void {
    try {
      this.#path.readClock();
      callback(this);
    } catch (error) {
      this.#path.onBug(error);
    }
  }

  #listen(): void {
    this.#socket[OWNER] = this;
    for (const [event, listener] of ClientSocket.#listeners) this.#socket.on(event, listener);
  }

  /** The one closure of a connection, which Node.js asks for. */
  #readCallback(): (length: number) => true {
    return (length) => {
      this.#read(length);
      return true;
    };
  }

  /** `length` bytes lie in the thread's read region. */
  #read(length: number): void {
    const path = this.#path;
    path.beginRead();
    try {
      this.#protocol.onRead(length);
    } catch (error) {
      path.onBug(error);
      this.#socket.destroy();
    } finally {
      path.endRead();
    }
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#protocol.onClose();
    this.#owner.onClosed(this);
  }
}
