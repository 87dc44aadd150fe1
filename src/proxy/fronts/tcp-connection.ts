// SPDX-License-Identifier: Apache-2.0
/** A client whose bytes are passed on as they come: its calls are those of its session. */
import * as layout from '../../../assembly/layout.js';
import type { FilterChainData } from '../../rules/encoded-tables.js';
import type { ThreadContext } from '../contracts.js';
import { TcpSession } from '../tcp-session.js';
import type { ClientProtocol, ClientSocket } from './client-socket.js';

/** A filter chain that passes bytes on. */
export interface TcpChain {
  readonly name: string;
  readonly tcp: FilterChainData['tcp'] & object;
}

export class TcpConnection implements ClientProtocol {
  readonly isBusy = true;
  sinceMs: number;
  readonly #path: ThreadContext;
  readonly #session: TcpSession;

  private constructor(path: ThreadContext, client: ClientSocket, chain: TcpChain, serverName: string, first: Buffer) {
    path.useDownstreamFacts(client.record);
    const address = path.downstreamAddress();
    const { socket, filterChain } = client;
    this.#path = path;
    this.sinceMs = path.nowMs;
    this.#session = new TcpSession(path, { socket, filterChain, address, serverName }, chain.tcp, first);
  }

  /** `first`: what has been read already, with the ClientHello's `serverName` where there was one. */
  static begin(
    path: ThreadContext,
    client: ClientSocket,
    chain: TcpChain,
    serverName = '',
    first: Buffer = Buffer.alloc(0),
  ): void {
    client.filterChain = chain.name;
    const connection = new TcpConnection(path, client, chain, serverName, first);
    client.use(connection);
    // Before the session pauses it until there is an upstream.
    if (client.secure !== undefined) client.readSecured();
    connection.#session.start(chain.tcp);
  }

  onRead(length: number): void {
    this.sinceMs = this.#path.nowMs;
    this.#session.onClientRead(length);
  }

  onEnd(): void {
    this.#session.onClientEnd();
  }

  onDrain(): void {
    this.sinceMs = this.#path.nowMs;
    this.#session.onClientDrain();
  }

  onEvict(): void {
    this.#session.abort(layout.FLAG_OM);
  }

  onClose(): void {
    this.#session.onClientClose();
  }

  /** It has until the end of the drain time: nobody can tell where its protocol could be cut. */
  retire(): void {}
}
