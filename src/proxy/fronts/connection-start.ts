// SPDX-License-Identifier: Apache-2.0
/**
 * An accepted client and its listener's filter chains -> the protocol that it begins with. Where one chain takes everything
 * that is known at once; else the first bytes are looked at.
 */
import type { FilterChainIndex } from '../../model/filter-chain-index.js';
import type { FilterChainData } from '../../rules/encoded-tables.js';
import type { ThreadContext } from '../contracts.js';
import type { GenerationView } from '../generation-view.js';
import type { ClientProtocol, ClientSocket } from './client-socket.js';
import { ProtocolDetection } from './protocol-detection.js';
import { ProxyHeaderReader } from './proxy-header-reader.js';
import { TcpConnection } from './tcp-connection.js';
import type { TlsAcceptor } from './tls-acceptor.js';
import type { TlsChain } from './tls-chains.js';
import { TlsHandshake } from './tls-handshake.js';
import { WireConnection } from './wire-connection.js';

type PlainChain = Pick<FilterChainData, 'name' | 'tcp'>;

/** The chains of one listener for plaintext. */
interface PlainChains {
  /** For everything that no other chain takes. */
  all?: PlainChain;
  /** For what begins with a request. */
  http?: PlainChain;
  detectionTimeoutMs: number;
}

export class ConnectionStart {
  readonly #path: ThreadContext;
  readonly #tls: TlsAcceptor;
  #plain = new Map<string, PlainChains>();

  constructor(path: ThreadContext, tls: TlsAcceptor) {
    this.#path = path;
    this.#tls = tls;
  }

  /** For connections from now on. */
  use(generation: GenerationView): void {
    const { filterChains, listeners } = generation.facts;
    const plain = new Map<string, PlainChains>();
    for (const { name, listener, match, tls, tcp } of filterChains) {
      if (tls !== undefined || match.transportProtocol === 'tls') continue;
      const { name: listenerName = '', detectionTimeoutMs = 0 } = listeners[listener] ?? {};
      const chains = plain.get(listenerName) ?? { detectionTimeoutMs };
      const chain = { name, ...(tcp === undefined ? {} : { tcp }) };
      if (match.applicationProtocol === 'http') chains.http ??= chain;
      else chains.all ??= chain;
      plain.set(listenerName, chains);
    }
    this.#plain = plain;
  }

  /** Gives a client of `listener` its first protocol. */
  begin(client: ClientSocket, listener: string): void {
    if (!this.#path.limits.expectsProxyHeader) {
      this.#beginOwn(client, listener);
      return;
    }
    const next = (received: Uint8Array): void => {
      this.#beginOwn(client, listener);
      client.replay(received);
    };
    client.use(new ProxyHeaderReader(this.#path, client, next));
  }

  #beginOwn(client: ClientSocket, listener: string): void {
    const tls = this.#tls.chainsOf(listener);
    const plain = this.#plain.get(listener);
    if (tls !== undefined && plain === undefined) client.use(this.#handshake(client, tls));
    else if (tls === undefined && plain?.http === undefined) this.#goOn(client, plain?.all);
    else client.use(this.#detection(client, tls, plain));
  }

  #detection(
    client: ClientSocket,
    tls: FilterChainIndex<TlsChain> | undefined,
    plain: PlainChains | undefined,
  ): ClientProtocol {
    const { all, http, detectionTimeoutMs = 0 } = plain ?? {};
    // HTTP takes what is HTTP, if it has a chain of its own or is for all.
    const forHttp = http ?? all;
    const next = {
      tls: tls && ((received: Buffer) => client.use(this.#handshake(client, tls), received)),
      http: forHttp && ((received: Buffer) => this.#goOn(client, forHttp, received)),
      other: all && ((received: Buffer) => this.#goOn(client, all, received)),
    };
    return new ProtocolDetection(this.#path, client, next, detectionTimeoutMs);
  }

  /** A listener without a chain answers 404 to everything. */
  #goOn(client: ClientSocket, chain: PlainChain | undefined, received?: Buffer): void {
    if (chain?.tcp !== undefined) {
      TcpConnection.begin(this.#path, client, { name: chain.name, tcp: chain.tcp }, '', received);
      return;
    }
    if (chain !== undefined) client.filterChain = chain.name;
    client.use(new WireConnection(this.#path, client), received);
  }

  #handshake(client: ClientSocket, chains: FilterChainIndex<TlsChain>): TlsHandshake {
    return new TlsHandshake(this.#path, this.#tls, chains, client, this.#onSecure);
  }

  /** One function for all connections, because each would keep its own. */
  readonly #onSecure = (client: ClientSocket, chain: TlsChain, serverName: string): void => {
    const { name, tcp } = chain;
    if (tcp !== undefined) {
      TcpConnection.begin(this.#path, client, { name, tcp }, serverName);
      return;
    }
    client.use(new WireConnection(this.#path, client));
    client.readSecured();
  };
}
