// SPDX-License-Identifier: Apache-2.0
/** What a socket to an endpoint needs of the security of its cluster; upstream-tls.ts has the implementation. */
import type net from 'node:net';
import type { Logger } from '../telemetry/log.js';

/** How the sockets of a cluster are secured. */
export interface UpstreamTransport {
  /** Connections with equal keys may take each other's requests; the server name is a part of it. */
  readonly key: string;
  /** The part of it that is the cluster's. */
  readonly settingsKey: string;
  /** Why no connection can be opened; '' when one can. */
  readonly refusal: string;
  /** Begins to connect; 'secureConnect' says that the handshake is done. */
  connect(wishes: SecureSocketWishes): net.Socket;
  /** After 'secureConnect': '', or why the server is not to be trusted. A server that is may be resumed with later. */
  verify(socket: net.Socket): string;
  /** The protocol that the server has chosen by ALPN, '' for none. */
  protocolOf(socket: net.Socket): string;
  /** What an error of the socket means. */
  explain(error: NodeJS.ErrnoException): string;
  /** A connection to `address` was not opened: it is logged. */
  onFailure(logger: Logger, address: string, detail: string): void;
}

export interface SecureSocketWishes {
  readonly address: string;
  readonly port: number;
  /** Protocols to offer, the preferred one first; empty = no ALPN. */
  readonly alpn: readonly string[];
  readonly readBuffer: Uint8Array;
  readonly onRead: (length: number) => boolean;
}
