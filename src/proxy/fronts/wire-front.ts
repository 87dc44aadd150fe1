// SPDX-License-Identifier: Apache-2.0
/**
 * The wire front: HTTP/1.1 on raw sockets, below TLS or not, with the engine's own parser. It is the default: docs/FRONTS.md says why.
 */
import net from 'node:net';
import type { ThreadContext } from '../contracts.js';
import type { ListenerWish } from '../messages.js';
import { duplicateDescriptor } from '../shared-port.js';
import type { AcceptBalance } from './accept-balance.js';
import type { FrontListener } from './front-listener.js';
import type { SecureSocket, TlsAcceptor } from './tls-acceptor.js';
import { WireConnection } from './wire-connection.js';

/** Node.js releases that can open one port in several threads (`reusePort` of net.Server.listen). */
export function canReusePort(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/** Connection records for the clients of the front; see UpstreamPools. */
export interface RecordSource {
  reserveRecord(): number;
  returnRecord(record: number): void;
}

/** How long a thread that is ahead lets the others accept; the longest that a new client can wait because of it, ms. */
const YIELD_MS = 5;

/** One listening port of a thread. */
export class WireListener implements FrontListener {
  readonly name: string;
  readonly #path: ThreadContext;
  readonly #records: RecordSource;
  readonly #balance: AcceptBalance;
  readonly #server: net.Server;
  readonly #tls: TlsAcceptor;
  readonly #connections = new Set<WireConnection>();
  /** Sockets whose TLS handshake is under way. */
  readonly #handshakes = new Set<net.Socket>();
  #wish: ListenerWish | null = null;
  #yielding: NodeJS.Timeout | undefined;

  constructor(path: ThreadContext, records: RecordSource, balance: AcceptBalance, tls: TlsAcceptor, name: string) {
    this.name = name;
    this.#path = path;
    this.#records = records;
    this.#balance = balance;
    this.#tls = tls;
    this.#server = net.createServer(
      { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
      path.guard((socket: net.Socket) => this.#onConnection(socket)),
    );
  }

  listen(wish: ListenerWish): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listenOptions(wish), () => {
        this.#wish = wish;
        this.#server.off('error', reject);
        this.#server.on('error', (error) => {
          this.#path.logger.error('front', 'connections are not accepted', {
            listener: this.name,
            error: error.message,
          });
        });
        resolve();
      });
    });
  }

  /** Accepts no more connections; those open end with their next answer. */
  stopAccepting(): void {
    this.#closePort();
    for (const connection of this.#connections) connection.retire();
  }

  close(): void {
    this.#closePort();
    for (const connection of this.#connections) connection.destroyNow();
    for (const socket of this.#handshakes) socket.destroy();
  }

  #closePort(): void {
    clearTimeout(this.#yielding);
    this.#server.close();
  }

  #onConnection(socket: net.Socket): void {
    const chains = this.#tls.chainsOf(this.name);
    if (chains === undefined) {
      this.#serve(socket, this.name);
      return;
    }
    this.#handshakes.add(socket);
    socket.once('close', () => this.#handshakes.delete(socket));
    this.#tls.accept(socket, chains, (secure) => {
      this.#handshakes.delete(socket);
      this.#serve(socket, secure.filterChain, secure);
    });
  }

  #serve(socket: net.Socket, filterChain: string, secure?: SecureSocket): void {
    const record = this.#records.reserveRecord();
    if (record < 0) {
      socket.destroy();
      return;
    }
    const onClosed = (closed: WireConnection): void => {
      this.#records.returnRecord(closed.record);
      this.#connections.delete(closed);
      this.#balance.closed();
    };
    const connection = new WireConnection(this.#path, filterChain, socket, record, onClosed, secure);
    this.#connections.add(connection);
    this.#balance.opened();
    if (this.#wish?.descriptor !== undefined && this.#balance.isAhead) this.#yield(this.#wish);
  }

  /** Lets go of the shared socket for a moment: what waits in its queue is for the other threads. */
  #yield(wish: ListenerWish): void {
    this.#server.close();
    this.#yielding = setTimeout(
      this.#path.guard(() => void this.#server.listen(listenOptions(wish))),
      YIELD_MS,
    );
  }
}

function listenOptions({ address, port, descriptor }: ListenerWish): net.ListenOptions & { fd?: number } {
  // The server closes the descriptor it is given, so that has to be its own.
  if (descriptor !== undefined) return { fd: duplicateDescriptor(descriptor) };
  // `reusePort` is not in the types of the oldest Node.js supported.
  const options = { host: address, port, exclusive: true };
  return canReusePort() ? { ...options, ...{ reusePort: true } } : options;
}
