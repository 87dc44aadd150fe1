// SPDX-License-Identifier: Apache-2.0
/**
 * The first bytes of a client of a listener with TLS -> the filter chain that its server name chooses, and TLS on its socket. A
 * client that no chain serves is closed without an answer, as Envoy does it.
 */
import type { FilterChainIndex } from '../../model/filter-chain-index.js';
import type { ThreadContext } from '../contracts.js';
import { WheelTimer } from '../timers.js';
import { MAX_CLIENT_HELLO_BYTES, readClientHello } from './client-hello.js';
import type { ClientProtocol, ClientSocket } from './client-socket.js';
import { appendBytes } from './pending-bytes.js';
import { TcpConnection } from './tcp-connection.js';
import type { TlsAcceptor } from './tls-acceptor.js';
import { HANDSHAKE_TIMEOUT_MS } from './tls-chains.js';
import type { TlsChain } from './tls-chains.js';

/** Takes a client that is `secured` now, by this chain. */
export type OnSecureClient = (client: ClientSocket, chain: TlsChain, serverName: string) => void;

export class TlsHandshake implements ClientProtocol {
  readonly isBusy = false;
  readonly sinceMs: number;
  readonly #path: ThreadContext;
  readonly #acceptor: TlsAcceptor;
  readonly #chains: FilterChainIndex<TlsChain>;
  readonly #client: ClientSocket;
  readonly #onSecure: OnSecureClient;
  readonly #timer: WheelTimer;
  #received: Buffer = Buffer.alloc(0);

  /** `onSecure` gives the client, which is `secured` then, its next protocol. */
  constructor(
    path: ThreadContext,
    acceptor: TlsAcceptor,
    chains: FilterChainIndex<TlsChain>,
    client: ClientSocket,
    onSecure: OnSecureClient,
  ) {
    this.sinceMs = path.nowMs;
    this.#path = path;
    this.#acceptor = acceptor;
    this.#chains = chains;
    this.#client = client;
    this.#onSecure = onSecure;
    this.#timer = new WheelTimer(() => client.socket.destroy());
    path.timers.start(this.#timer, HANDSHAKE_TIMEOUT_MS);
  }

  onRead(length: number): void {
    this.#received = appendBytes(this.#received, this.#path.readBuffer.subarray(0, length));
    const hello = readClientHello(this.#received);
    if (hello.kind === 'incomplete' && this.#received.length < MAX_CLIENT_HELLO_BYTES) return;
    const serverName = hello.kind === 'hello' ? hello.serverName : '';
    const chain = hello.kind === 'hello' ? this.#chains.find(serverName) : undefined;
    const client = this.#client;
    if (chain !== undefined && chain.tls === undefined && chain.tcp !== undefined) {
      this.#path.timers.stop(this.#timer);
      TcpConnection.begin(this.#path, client, { name: chain.name, tcp: chain.tcp }, serverName, this.#received);
      return;
    }
    const server = chain?.server;
    if (chain === undefined || server === undefined) {
      client.socket.destroy();
      return;
    }
    client.socket.pause();
    this.#acceptor.accept(client.socket, this.#received, server, (secure) => {
      this.#path.timers.stop(this.#timer);
      // It may have lost its place meanwhile.
      if (client.isClosed) {
        secure.socket.destroy();
        return;
      }
      client.secured(secure);
      this.#onSecure(client, chain, serverName);
    });
  }

  onEnd(): void {
    this.#client.socket.destroy();
  }

  onDrain(): void {}

  onEvict(): void {}

  onClose(): void {
    this.#path.timers.stop(this.#timer);
  }

  /** A handshake has as long as it has anyway. */
  retire(): void {}
}
