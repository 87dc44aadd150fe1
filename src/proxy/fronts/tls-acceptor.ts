// SPDX-License-Identifier: Apache-2.0
/**
 * Sockets whose filter chain has been chosen -> sockets of plaintext, after the handshake that the chain asks for. A client
 * whose certificate the chain does not take is closed without an answer, as Envoy does it.
 */
import type net from 'node:net';
import type tls from 'node:tls';
import type { X509Certificate } from 'node:crypto';
import type { FilterChainIndex } from '../../model/filter-chain-index.js';
import type { DownstreamTls } from '../../model/model.js';
import type { ThreadContext } from '../contracts.js';
import type { GenerationView } from '../generation-view.js';
import { loadTls } from '../tls-module.js';
import { forwardedClientCertificate, isAccepted } from './client-certificate.js';
import { TlsChains } from './tls-chains.js';
import type { TlsChain } from './tls-chains.js';

/** A handshake that succeeded. */
export interface SecureSocket {
  readonly socket: tls.TLSSocket;
  readonly filterChain: string;
  /** Value of x-forwarded-client-cert; '' when there is no verified certificate. */
  readonly clientCertificate: string;
}

interface TerminatingChain {
  readonly name: string;
  readonly tls: DownstreamTls;
}

type OnSecure = (secure: SecureSocket) => void;

export class TlsAcceptor {
  readonly #path: ThreadContext;
  readonly #chains: TlsChains;
  /** Who waits for the handshake on an accepted socket. */
  readonly #waiting = new WeakMap<net.Socket, OnSecure>();

  constructor(path: ThreadContext, ticketSecret: Uint8Array) {
    this.#path = path;
    this.#chains = new TlsChains(ticketSecret, (chain, options) => this.#newServer(chain, options));
  }

  use(generation: GenerationView): void {
    this.#chains.use(generation);
  }

  setTicketSecret(secret: Uint8Array): void {
    this.#chains.setSecret(secret);
  }

  /** Undefined when the listener is plaintext now. */
  chainsOf(listener: string): FilterChainIndex<TlsChain> | undefined {
    return this.#chains.of(listener);
  }

  /**
   * Shakes hands on a socket with a chain's server. `received` is what has been read from the socket, which was paused then. It
   * is destroyed when the handshake fails or takes too long.
   */
  accept(socket: net.Socket, received: Uint8Array, server: tls.Server, onSecure: OnSecure): void {
    this.#waiting.set(socket, onSecure);
    socket.unshift(received);
    server.emit('connection', socket);
  }

  #newServer(chain: TerminatingChain, options: tls.TlsOptions): tls.Server {
    const server = loadTls().createServer(options);
    server.on(
      'secureConnection',
      this.#path.guard((socket: tls.TLSSocket) => this.#onSecure(chain, socket)),
    );
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: tls.TLSSocket) => {
      const fields = {
        filterChain: chain.name,
        client: socket.remoteAddress ?? '',
        error: error.code ?? error.message,
      };
      this.#path.logger.debug('tls', 'a handshake failed', fields);
      socket.destroy();
    });
    return server;
  }

  #onSecure({ name, tls: settings }: TerminatingChain, socket: tls.TLSSocket): void {
    const onSecure = this.#takeWaiting(socket);
    const peer = settings.clientCertificate === 'ignored' ? undefined : peerOf(socket);
    // An optional certificate that is sent has to be good.
    const isVerified = peer === undefined || !settings.verifiesClient || socket.authorized;
    const isMissing = peer === undefined && settings.clientCertificate === 'required';
    if (onSecure === undefined || isMissing || !isVerified || (peer !== undefined && !isAccepted(settings, peer))) {
      this.#path.logger.debug('tls', 'a client certificate is refused', {
        filterChain: name,
        client: socket.remoteAddress ?? '',
        error: String(socket.authorizationError ?? 'its names or pins do not fit'),
      });
      socket.destroy();
      return;
    }
    onSecure({
      socket,
      filterChain: name,
      clientCertificate: peer === undefined ? '' : forwardedClientCertificate(peer),
    });
  }

  /** Node.js keeps the socket below a TLS one as its parent. */
  #takeWaiting(socket: tls.TLSSocket): OnSecure | undefined {
    const { _parent: parent } = socket as { _parent?: net.Socket };
    if (parent === undefined) return undefined;
    const onSecure = this.#waiting.get(parent);
    this.#waiting.delete(parent);
    return onSecure;
  }
}

function peerOf(socket: tls.TLSSocket): X509Certificate | undefined {
  return socket.getPeerX509Certificate();
}
