// SPDX-License-Identifier: Apache-2.0
/** One request over a TLS connection of its own, and what the handshake came to. */
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';

export interface TlsReply {
  readonly status: number;
  readonly body: string;
  readonly protocol: string | null;
  readonly alpn: string | false | null;
  /** Common name of the server's certificate. */
  readonly servedName: string;
  readonly isResumed: boolean;
  /** For resumption; absent when the server gave none. */
  readonly session: Buffer | undefined;
}

export interface TlsWishes extends tls.ConnectionOptions {
  readonly port: number;
  /** Default: the server name. */
  readonly host?: string;
  readonly path?: string;
  readonly headers?: string;
}

const LIMIT_MS = 5000;

/** Rejects when the handshake is refused or the connection ends without an answer. The server is not verified. */
export function requestOverTls(wishes: TlsWishes): Promise<TlsReply> {
  const { host, path = '/', headers = '', ...options } = wishes;
  return new Promise((resolve, reject) => {
    let session: Buffer | undefined;
    let text = '';
    const socket = tls.connect({
      ALPNProtocols: ['h2', 'http/1.1'],
      ...options,
      host: '127.0.0.1',
      rejectUnauthorized: false,
    });
    const limit = setTimeout(() => socket.destroy(new Error('no answer in time')), LIMIT_MS);
    socket.on('session', (data) => (session = data));
    socket.on('secureConnect', () => {
      const authority = host ?? options.servername ?? '';
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${authority}\r\nconnection: close\r\n${headers}\r\n`);
    });
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', reject);
    const facts = (): Omit<TlsReply, 'status' | 'body' | 'session'> => ({
      protocol: socket.getProtocol(),
      alpn: socket.alpnProtocol,
      servedName: socket.getPeerX509Certificate()?.subject ?? '',
      isResumed: socket.isSessionReused(),
    });
    let known: ReturnType<typeof facts> | undefined;
    socket.on('secureConnect', () => (known = facts()));
    socket.on('close', () => {
      clearTimeout(limit);
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
      if (known === undefined || Number.isNaN(status)) {
        reject(new Error('the connection was closed without an answer'));
        return;
      }
      resolve({ ...known, status, body: text.slice(text.indexOf('\r\n\r\n') + 4), session });
    });
  });
}

/** Requests one after the other, each on a connection of its own, until stopped; returns what went wrong. */
export class TlsLoad {
  readonly failures: string[] = [];
  requestCount = 0;
  #stopped = false;
  readonly #runs: Promise<void>[];

  constructor(wishes: TlsWishes, connections: number) {
    this.#runs = Array.from({ length: connections }, () => this.#run(wishes));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#runs);
  }

  async #run(wishes: TlsWishes): Promise<void> {
    while (!this.#stopped) {
      try {
        const { status } = await requestOverTls(wishes);
        if (status !== 200) this.failures.push(`status ${status}`);
      } catch (error) {
        this.failures.push(String(error));
      }
      this.requestCount++;
      await sleep(1);
    }
  }
}
