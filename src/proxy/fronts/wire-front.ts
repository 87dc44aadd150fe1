// SPDX-License-Identifier: Apache-2.0
/**
 * The wire front: raw sockets, with the engine's own parser for HTTP, below TLS or not, and TCP that is passed on. It is the default: docs/FRONTS.md says why.
 */
import net from 'node:net';
import type { ThreadContext } from '../contracts.js';
import type { ListenerWish } from '../messages.js';
import { duplicateDescriptor } from '../shared-port.js';
import type { AcceptBalance } from './accept-balance.js';
import { ClientSocket } from './client-socket.js';
import type { ClientOwner } from './client-socket.js';
import type { ConnectionStart } from './connection-start.js';
import type { FrontListener } from './front-listener.js';
import { ListenerClients } from './listener-clients.js';
import type { AdmittedClient, RecordSource } from './listener-clients.js';
import { sourceKey } from './source-table.js';
import type { SourceTable } from './source-table.js';

/** Node.js releases that can open one port in several threads (`reusePort` of net.Server.listen). */
export function canReusePort(version: string = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
}

/** How long a thread that is ahead lets the others accept; the longest that a new client can wait because of it, ms. */
const YIELD_MS = 5;

/** One listening port of a thread. */
export class WireListener implements FrontListener, ClientOwner {
  readonly name: string;
  readonly clients: ListenerClients;
  readonly #path: ThreadContext;
  readonly #balance: AcceptBalance;
  readonly #server: net.Server;
  readonly #start: ConnectionStart;
  readonly #connections = new Set<ClientSocket>();
  #wish: ListenerWish | null = null;
  #yielding: NodeJS.Timeout | undefined;

  /** `everyone` has the client connections of the whole thread; `slot` is the listener's in shared memory. */
  constructor(
    path: ThreadContext,
    records: RecordSource,
    everyone: SourceTable<AdmittedClient>,
    balance: AcceptBalance,
    start: ConnectionStart,
    { name, slot }: Pick<ListenerWish, 'name' | 'slot'>,
  ) {
    this.name = name;
    this.#path = path;
    this.clients = new ListenerClients(path, records, everyone, name, slot);
    this.#balance = balance;
    this.#start = start;
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
  }

  onClosed(client: ClientSocket): void {
    this.clients.left(client);
    this.#connections.delete(client);
    this.#balance.closed();
  }

  #closePort(): void {
    clearTimeout(this.#yielding);
    this.#server.close();
  }

  /** The client has its place from the start, so that handshakes count against the limits too. */
  #onConnection(socket: net.Socket): void {
    const source = sourceKey(socket.remoteAddress ?? '');
    const record = this.clients.admit(source);
    if (record < 0) {
      socket.destroy();
      return;
    }
    const client = new ClientSocket(this.#path, this, this.name, socket, record, source);
    this.#start.begin(client, this.name);
    this.#connections.add(client);
    this.clients.joined(client);
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
