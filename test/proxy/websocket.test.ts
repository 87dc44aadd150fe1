// SPDX-License-Identifier: Apache-2.0
/** WebSocket through the proxy, with `ws` as client and server: messages, closing, refusals, and what ends a connection. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ClientOptions } from 'ws';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';

const MB = 1 << 20;
const HOST = 'web.example';

/** An origin that echoes messages; what else it does is up to the path. */
class Origin {
  readonly requests: IncomingMessage[] = [];
  /** By the target of their handshake. */
  readonly sockets = new Map<string, WebSocket>();
  readonly #http = createServer();
  readonly #server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  });

  static async start(): Promise<Origin> {
    const origin = new Origin();
    origin.#http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      origin.requests.push(request);
      if (request.url === '/refused') {
        socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 3\r\nx-why: policy\r\n\r\nno!');
        return;
      }
      if (request.url === '/silent') return;
      const target = request.url ?? '';
      origin.#server.handleUpgrade(request, socket, head, (webSocket) => origin.#serve(webSocket, target));
    });
    origin.#http.listen(0, '127.0.0.1');
    await once(origin.#http, 'listening');
    return origin;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets.values()) socket.terminate();
    this.#http.close();
    this.#http.closeAllConnections();
    await once(this.#http, 'close');
  }

  #serve(socket: WebSocket, target: string): void {
    const path = target.split('?')[0];
    this.sockets.set(target, socket);
    socket.on('close', () => this.sockets.delete(target));
    socket.on('error', () => socket.terminate());
    if (path === '/greeting') socket.send('welcome');
    if (path === '/close') socket.close(4001, 'the server says so');
    if (path !== '/held') socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  }
}

let origin: Origin;
let proxy: Gateway;

function config(version = 1, port = origin.port): string[] {
  const headers = { response: { set: { 'x-answered-by': `rules-${version}` } } };
  return [gateway(), ...forwarded('web', [{ port }], undefined, { headers, timeout: '0.2s' })];
}

beforeAll(async () => {
  origin = await Origin.start();
  proxy = await startGateway({ config: config(), threads: 2, accessLog: 'TEXT' });
});

afterAll(async () => {
  await proxy.stop();
  await origin.stop();
});

interface Ended {
  readonly code: number;
  readonly reason: string;
}

function dial(path: string, options: ClientOptions = {}, protocols: string[] = [], to = proxy): WebSocket {
  const { headers, ...rest } = options;
  const socket = new WebSocket(`ws://127.0.0.1:${to.port}${path}`, protocols, {
    ...rest,
    headers: { host: HOST, ...headers },
  });
  socket.on('error', () => undefined);
  return socket;
}

async function connect(...args: Parameters<typeof dial>): Promise<WebSocket> {
  const socket = dial(...args);
  await once(socket, 'open');
  return socket;
}

function endOf(socket: WebSocket): Promise<Ended> {
  return new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })));
}

let pairCount = 0;

/** Both ends of a connection of its own. */
async function pair(path = '/', to = proxy): Promise<{ client: WebSocket; server: WebSocket }> {
  const target = `${path}?pair=${++pairCount}`;
  const client = await connect(target, {}, [], to);
  return { client, server: origin.sockets.get(target) as WebSocket };
}

async function reply(socket: WebSocket, message: string | Buffer): Promise<string | Buffer> {
  const answer = once(socket, 'message') as Promise<[Buffer, boolean]>;
  socket.send(message);
  const [data, isBinary] = await answer;
  return isBinary ? data : data.toString();
}

describe('messages', () => {
  it('of text and bytes come back as they were sent, far beyond the timeout of the route', async () => {
    const socket = await connect('/');
    expect(await reply(socket, 'hello')).toBe('hello');
    const bytes = randomBytes(70_000);
    expect(await reply(socket, bytes)).toEqual(bytes);
    await sleep(500);
    expect(await reply(socket, '')).toBe('');
    socket.close();
  });

  it('of a megabyte come back, many of them at once', async () => {
    const socket = await connect('/');
    const sent = Array.from({ length: 20 }, () => randomBytes(MB));
    const received: Buffer[] = [];
    socket.on('message', (data: Buffer) => received.push(data));
    for (const message of sent) socket.send(message);
    await eventually('all are back', () => (received.length === sent.length ? true : undefined), 20_000);
    expect(received.every((message, index) => message.equals(sent[index] as Buffer))).toBe(true);
    socket.close();
  });

  it('may be fragmented and compressed', async () => {
    const socket = await connect('/', { perMessageDeflate: { threshold: 0 } });
    const answer = once(socket, 'message') as Promise<[Buffer]>;
    for (let part = 0; part < 50; part++) socket.send(`${part},`, { fin: part === 49 });
    expect((await answer)[0].toString()).toBe(Array.from({ length: 50 }, (_, part) => `${part},`).join(''));
    socket.close();
  });

  it('may be pings in both directions', async () => {
    const { client, server } = await pair();
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const [ping, pong] = [once(to, 'ping'), once(from, 'pong')] as Promise<[Buffer]>[];
      from.ping('are you there');
      expect((await ping)?.[0].toString()).toBe('are you there');
      expect((await pong)?.[0].toString()).toBe('are you there');
    }
    client.close();
  });

  it('may follow the answer to the handshake in one packet', async () => {
    const socket = dial('/greeting');
    const [data] = (await once(socket, 'message')) as [Buffer];
    expect(data.toString()).toBe('welcome');
    socket.close();
  });
});

describe('the handshake', () => {
  it('carries what the proxy adds, the subprotocol, and the header operations of the route', async () => {
    const socket = dial('/', { headers: { 'x-custom': 'kept' } }, ['chat.v1', 'chat.v2']);
    const opened = once(socket, 'open');
    const [response] = (await once(socket, 'upgrade')) as [IncomingMessage];
    await opened;
    expect(socket.protocol).toBe('chat.v2');
    expect(response.headers).toMatchObject({ server: 'weft', 'x-answered-by': 'rules-1' });
    expect(response.headers.connection?.toLowerCase()).toBe('upgrade');
    const received = origin.requests.at(-1)?.headers ?? {};
    expect(received).toMatchObject({ host: HOST, 'x-custom': 'kept', 'x-forwarded-proto': 'http' });
    expect(received['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(received['x-forwarded-for']).toBe('127.0.0.1');
    socket.close();
  });

  it('that the upstream refuses gets the answer of the upstream', async () => {
    const [, response] = (await once(dial('/refused'), 'unexpected-response')) as [unknown, IncomingMessage];
    expect([response.statusCode, response.headers['x-why'], response.headers.connection]).toEqual([
      403,
      'policy',
      'close',
    ]);
    const [body] = (await once(response, 'data')) as [Buffer];
    expect(body.toString()).toBe('no!');
  });
});

describe('closing', () => {
  it('by the client brings its code and reason to the server, and back', async () => {
    const { client, server } = await pair();
    const ended = [endOf(client), endOf(server)];
    client.close(4321, 'enough');
    expect(await Promise.all(ended)).toEqual([
      { code: 4321, reason: 'enough' },
      { code: 4321, reason: 'enough' },
    ]);
  });

  it('by the server brings its code and reason to the client', async () => {
    expect(await endOf(dial('/close'))).toEqual({ code: 4001, reason: 'the server says so' });
  });

  it.each(['client', 'server'] as const)('by the %s without a word is passed on', async (side) => {
    const ends = await pair();
    const ended = [endOf(ends.client), endOf(ends.server)];
    ends[side].terminate();
    expect((await Promise.all(ended)).map(({ code }) => code)).toEqual([1006, 1006]);
  });
});

/** Says which rules a new handshake meets. */
async function answeredBy(): Promise<unknown> {
  const socket = dial('/');
  const [response] = (await once(socket, 'upgrade')) as [IncomingMessage];
  socket.terminate();
  return response.headers['x-answered-by'];
}

describe('a thousand connections', () => {
  it('all live through changes of the rules and of the endpoints, and new ones meet the new rules', async () => {
    const sockets: WebSocket[] = [];
    while (sockets.length < 1000) {
      sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => connect('/')))));
    }
    let lost = 0;
    for (const socket of sockets) socket.on('close', () => lost++);
    const second = await Origin.start();
    try {
      for (const [version, port] of [
        [2, origin.port],
        [3, second.port],
      ] as const) {
        await proxy.writeConfig(config(version, port));
        await eventually('the new rules hold', async () =>
          (await answeredBy()) === `rules-${version}` ? true : undefined,
        );
        const replies = await Promise.all(sockets.map((socket, index) => reply(socket, `${version}: ${index}`)));
        expect(replies).toEqual(sockets.map((_, index) => `${version}: ${index}`));
      }
      expect([second.requests.length > 0, lost]).toEqual([true, 0]);
      const ended = sockets.map(endOf);
      for (const socket of sockets) socket.close(1000);
      expect((await Promise.all(ended)).every(({ code }) => code === 1000)).toBe(true);
    } finally {
      await second.stop();
    }
  }, 60_000);
});
