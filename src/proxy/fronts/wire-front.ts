// SPDX-License-Identifier: Apache-2.0
/**
 * The wire front: plaintext HTTP/1.1 on raw sockets with the engine's own parser. It is the default: docs/FRONTS.md says why.
 */
import net from 'node:net';
import type { ThreadContext } from '../contracts.js';
import type { ListenerWish } from '../messages.js';
import { duplicateDescriptor } from '../shared-port.js';
import type { FrontListener } from './front-listener.js';
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

/** One listening port of a thread. */
export class WireListener implements FrontListener {
  readonly name: string;
  readonly #server: net.Server;
  readonly #connections = new Set<WireConnection>();

  constructor(path: ThreadContext, records: RecordSource, name: string) {
    this.name = name;
    const onConnection = path.guard((socket: net.Socket) => {
      const record = records.reserveRecord();
      if (record < 0) {
        socket.destroy();
        return;
      }
      const connection = new WireConnection(path, name, socket, record, (closed) => {
        records.returnRecord(closed.record);
        this.#connections.delete(closed);
      });
      this.#connections.add(connection);
    });
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, onConnection);
  }

  listen(wish: ListenerWish): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listenOptions(wish), resolve);
    });
  }

  /** Accepts no more connections; those open end with their next answer. */
  stopAccepting(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.retire();
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.destroyNow();
  }
}

function listenOptions({ address, port, descriptor }: ListenerWish): net.ListenOptions & { fd?: number } {
  // The server closes the descriptor it is given, so that has to be its own.
  if (descriptor !== undefined) return { fd: duplicateDescriptor(descriptor) };
  // `reusePort` is not in the types of the oldest Node.js supported.
  const options = { host: address, port, exclusive: true };
  return canReusePort() ? { ...options, ...{ reusePort: true } } : options;
}
