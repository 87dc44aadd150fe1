// SPDX-License-Identifier: Apache-2.0
/**
 * A request handler -> a listening HTTP server, for the admin, status and metrics ports. They run on node:http on the main
 * thread, away from the traffic: what matters here is to be dependable, not fast.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Logger } from '../telemetry/log.js';

const compress = promisify(gzip);

/** Below this a compressed body saves no packet. */
const MIN_COMPRESSED_BYTES = 1400;
/** A client that sends its request slower than this is cut off, so that it can't hold connections. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How long close() lets answers finish. */
const CLOSE_GRACE_MS = 500;

export interface ListenAddress {
  /** IP literal or host name. */
  readonly address: string;
  /** 0 = any free port. */
  readonly port: number;
}

export interface RunningServer {
  readonly address: string;
  /** The port that was bound. */
  readonly port: number;
  /** Resolves when all connections are closed. */
  close(): Promise<void>;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when the answer has been handed to the system, for what would end the process. */
  afterSent?(): void;
}

export type Handler = (request: IncomingMessage) => Reply | Promise<Reply>;

/** The address can't be listened on. `message` is one line for the user. */
export class AdminListenError extends Error {
  override readonly name = 'AdminListenError';
  readonly address: string;
  readonly port: number;
  /** System error code, such as EADDRINUSE. */
  readonly code: string;

  constructor(what: string, { address, port }: ListenAddress, cause: NodeJS.ErrnoException) {
    const code = cause.code ?? 'unknown';
    super(`the ${what} cannot listen on ${formatAddress(address, port)}: ${explain(code, cause.message)}`, { cause });
    this.address = address;
    this.port = port;
    this.code = code;
  }
}

function explain(code: string, message: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use by another process (EADDRINUSE)';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have that address (EADDRNOTAVAIL)';
    case 'EACCES':
      return 'ports below 1024 need a privilege that this process lacks (EACCES)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `that host name has no address (${code})`;
    default:
      return message;
  }
}

/** `1.2.3.4:80`, `[::1]:80`. */
export function formatAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/**
 * Starts a server; `what` names it in errors ("admin server").
 *
 * @throws AdminListenError (as a rejection) when the address can't be bound.
 */
export function startHttpServer(
  what: string,
  listen: ListenAddress,
  logger: Logger,
  handler: Handler,
): Promise<RunningServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.on('request', (request, response) => {
    void answer(request, response, handler).catch((error: unknown) => {
      logger.error('admin', 'request failed', { path: request.url, error: String(error) });
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end('internal error, see the log\n');
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new AdminListenError(what, listen, error)));
    server.listen({ host: listen.address, port: listen.port }, () => {
      server.on('error', (error) => logger.error('admin', `the ${what} failed`, { error: error.message }));
      const { address, port } = server.address() as AddressInfo;
      resolve({
        address,
        port,
        close: () =>
          new Promise((closed) => {
            const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
            server.close(() => {
              clearTimeout(timer);
              closed();
            });
            server.closeIdleConnections();
          }),
      });
    });
  });
}

async function answer(request: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
  // A body is never needed; it is read away so that the connection can be used again.
  request.resume();
  const reply = await handler(request);
  let body = Buffer.from(reply.body);
  const headers: Record<string, string | number> = {
    'content-type': reply.contentType,
    'cache-control': 'no-cache, max-age=0',
    'x-content-type-options': 'nosniff',
    vary: 'accept-encoding',
    ...reply.headers,
  };
  if (body.length >= MIN_COMPRESSED_BYTES && acceptsGzip(request.headers['accept-encoding'])) {
    body = await compress(body);
    headers['content-encoding'] = 'gzip';
  }
  headers['content-length'] = body.length;
  response.writeHead(reply.status, headers);
  if (reply.afterSent !== undefined) response.once('close', () => reply.afterSent?.());
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** RFC 9110 section 12.5.3, as far as gzip goes. */
function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .toLowerCase()
    .split(',')
    .some((coding) => /^\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*$)[\d.]+\s*)?$/.test(coding));
}
