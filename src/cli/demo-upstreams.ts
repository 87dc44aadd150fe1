// SPDX-License-Identifier: Apache-2.0
/**
 * The two services of `weft demo`, on node:http in this process: version `latest` and version `new` of "hello". They
 * answer any path; `/hold/SECONDS` keeps the request for so long, which makes the limits of 1 visible, and `/headers`
 * shows what arrived.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { once } from 'node:events';

/** Longer holds would outlive anybody's patience and keep the demo from stopping. */
const MAX_HOLD_SECONDS = 60;

export interface DemoUpstream {
  readonly version: string;
  readonly greeting: string;
  /** As examples/hello/service.yaml names it. */
  readonly port: number;
}

export const DEMO_UPSTREAMS: readonly DemoUpstream[] = [
  { version: 'latest', greeting: 'Hello World', port: 19081 },
  { version: 'new', greeting: 'Hello World(new)', port: 19082 },
];

/** Rejects with the system's error (EADDRINUSE ...) when a port can't be had; then none is left listening. */
export async function startDemoUpstreams(): Promise<{ close(): void }> {
  const servers: Server[] = [];
  const close = (): void => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  };
  try {
    for (const upstream of DEMO_UPSTREAMS) {
      const server = createServer((request, response) => answer(upstream, request, response));
      servers.push(server);
      server.listen(upstream.port, '127.0.0.1');
      await once(server, 'listening');
    }
  } catch (error) {
    close();
    throw error;
  }
  return { close };
}

function answer({ version, greeting }: DemoUpstream, request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const path = (request.url ?? '/').replace(/\?.*$/, '');
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('x-version', version);
  if (path === '/headers') {
    response.setHeader('content-type', 'application/json');
    const { method, url, headers } = request;
    response.end(`${JSON.stringify({ version, method, url, headers }, null, 2)}\n`);
    return;
  }
  const hold = /^\/hold\/(\d{1,3})$/.exec(path);
  if (hold === null) {
    response.end(`${greeting}\n`);
    return;
  }
  const seconds = Math.min(MAX_HOLD_SECONDS, Number(hold[1]));
  const timer = setTimeout(() => response.end(`${greeting}, after ${seconds} s\n`), seconds * 1000);
  response.on('close', () => clearTimeout(timer));
}
