// SPDX-License-Identifier: Apache-2.0
/** Names of peers -> servers that stand behind the proxy: Node's own, and nginx and HAProxy where they are installed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort } from '../support/gateway.js';
import { ok } from '../support/raw-upstream.js';
import { readRequestHead, StrictReader } from '../support/strict-reader.js';

export interface Peer {
  readonly name: string;
  readonly port: number;
  /** Whole requests that have got through it, since the last call of `forget`: method and body. */
  passed(): readonly string[];
  forget(): void;
  stop(): Promise<void>;
}

const NGINX = (port: number, sink: number): string => `
daemon off; master_process off; worker_processes 1; error_log stderr crit; pid nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; keepalive_timeout 3600s; client_header_timeout 3600s; client_body_timeout 3600s;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  large_client_header_buffers 8 128k; merge_slashes off;
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${sink}; proxy_http_version 1.1; } }
}
`;
const HAPROXY = (port: number, sink: number): string => `
global
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend in
  bind 127.0.0.1:${port}
  default_backend out
backend out
  server sink 127.0.0.1:${sink}
`;

/** Method and body: what the hops in between may not change. */
export function essence(startLine: string, body: string): string {
  return `${startLine.split(' ')[0]} ${JSON.stringify(body)}`;
}

async function listen(server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function startLlhttp(): Promise<Peer> {
  let passed: string[] = [];
  const server = http.createServer({ insecureHTTPParser: false, keepAliveTimeout: 3_600_000, maxHeaderSize: 262_144 });
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (text: string) => (body += text));
    request.on('end', () => {
      if (request.complete) passed.push(essence(request.method ?? '', body));
      response.end('ok');
    });
    request.on('error', () => undefined);
  };
  server.on('request', answer).on('checkExpectation', answer);
  const port = await listen(server);
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    server.close();
  };
  return { name: 'llhttp', port, passed: () => passed, forget: () => void (passed = []), stop };
}

async function startProxyPeer(
  name: string,
  program: string,
  config: (port: number, sink: number) => string,
  args: (folder: string, file: string) => string[],
): Promise<Peer> {
  let passed: string[] = [];
  const sink = net.createServer((socket) => {
    const reader = new StrictReader(readRequestHead, (message) => {
      passed.push(essence(message.startLine, message.body));
      socket.write(message.startLine.startsWith('HEAD ') ? 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n' : ok('ok'));
    });
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => reader.push(chunk));
  });
  const sinkPort = await listen(sink);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'weft-peer-'));
  const file = join(folder, 'peer.conf');
  await writeFile(file, config(port, sinkPort));
  const child = spawn(program, args(folder, file), { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (text: Buffer) => (log += text.toString()));
  child.on('error', (error) => (log += error.message));
  const exited = once(child, 'exit').catch(() => undefined);
  const accepts = (): Promise<true | undefined> =>
    new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(undefined)).on('connect', () => socket.destroy());
    });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    sink.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await eventually(`${name} listens`, accepts);
  } catch (error) {
    await stop();
    throw new Error(`${name} did not start: ${log}`, { cause: error });
  }
  return { name, port, passed: () => passed, forget: () => void (passed = []), stop };
}

/** Starts a peer by its name. Throws when it is unknown or does not start. */
export async function startPeer(name: string): Promise<Peer> {
  if (name === 'llhttp') return startLlhttp();
  if (name === 'nginx') return startProxyPeer(name, 'nginx', NGINX, (folder, file) => ['-p', folder, '-c', file]);
  if (name === 'haproxy') return startProxyPeer(name, 'haproxy', HAPROXY, (_folder, file) => ['-db', '-f', file]);
  throw new Error(`no such peer: ${name}`);
}
