// SPDX-License-Identifier: Apache-2.0
/** What bounds a WebSocket on either front: readers that are slow, silence, sizes, and sides that break the protocol. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { ClientOptions } from 'ws';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';

const MB = 1 << 20;
const HOST = 'web.example';
const isUws = process.env['WEFT_FRONT'] === 'uws';

const http = createServer();
const server = new WebSocketServer({ noServer: true });
const handshakes: IncomingMessage[] = [];
let proxy: Gateway;
/** The service's side of the connection made last. */
let accepted: WebSocket;

beforeAll(async () => {
  http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    handshakes.push(request);
    if (request.url === '/liar') {
      const fields =
        'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n';
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
    } else
      server.handleUpgrade(request, socket, head, (webSocket) => (accepted = webSocket.on('error', () => undefined)));
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  proxy = await startGateway({
    config: [gateway(), ...forwarded('web', [{ port: (http.address() as AddressInfo).port }])],
    accessLog: 'TEXT',
    options: ['--stream-idle-timeout-seconds', '2'],
  });
});

afterAll(async () => {
  await proxy.stop();
  for (const socket of server.clients) socket.terminate();
  http.close();
  http.closeAllConnections();
});

function dial(path: string, options: ClientOptions = {}): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${proxy.port}${path}`, { ...options, headers: { host: HOST } });
  return socket.on('error', () => undefined);
}

async function connect(path: string, options: ClientOptions = {}): Promise<WebSocket> {
  const socket = dial(path, options);
  await once(socket, 'open');
  return socket;
}

/** Code of the close, as the socket has seen it. */
const endOf = (socket: WebSocket): Promise<number> => new Promise((resolve) => socket.once('close', resolve));

describe('a WebSocket', () => {
  it('makes its service wait for a client that does not read, and memory stays flat', async () => {
    const client = await connect('/slow');
    const message = Buffer.alloc(MB, 's');
    const count = 150;
    client.pause();
    const memory = await proxy.residentBytes();
    for (let index = 0; index < count; index++) accepted.send(message);
    let waiting = -1;
    await eventually('the service waits', () => {
      const before = waiting;
      waiting = accepted.bufferedAmount;
      return before === waiting && waiting > 0 ? true : undefined;
    });
    expect(waiting).toBeGreaterThan(100 * MB);
    expect((await proxy.residentBytes()) - memory).toBeLessThan(64 * MB);
    let received = 0;
    client.on('message', (data: Buffer) => (received += data.length));
    client.resume();
    await eventually('all is there', () => (received === count * MB ? true : undefined), 20_000);
    client.terminate();
  });

  it('that is silent for too long is closed and logged so', async () => {
    const client = await connect('/silent');
    expect(await Promise.all([endOf(client), endOf(accepted)])).toEqual([1006, 1006]);
    expect(await proxy.accessLogLine('/silent')).toContain(' 101 SI stream_idle_timeout ');
  });

  it('is one request in the log, with its bytes and without a flag when it was closed in order', async () => {
    const client = await connect('/counted');
    accepted.on('message', (data) => accepted.send(data));
    client.send(Buffer.alloc(5000));
    await once(client, 'message');
    client.close(1000);
    await endOf(client);
    const line = await proxy.accessLogLine('/counted');
    const [, received, sent] = / 101 - via_upstream - "-" (\d+) (\d+) /.exec(line) ?? [];
    for (const bytes of [received, sent]) {
      expect(Number(bytes)).toBeGreaterThanOrEqual(5000);
      expect(Number(bytes)).toBeLessThan(5100);
    }
    expect((await proxy.accessLog()).filter((other) => other.includes('/counted'))).toHaveLength(1);
  });

  it('whose client breaks the protocol is closed on both sides', async () => {
    const client = await connect('/broken');
    const ended = [endOf(client), endOf(accepted)];
    // A frame of the reserved kind 3.
    (client as unknown as { readonly _socket: Socket })._socket.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0]));
    expect((await Promise.all(ended)).map((code) => [1002, 1006].includes(code))).toEqual([true, true]);
  });
});

describe.runIf(isUws)('a relayed WebSocket', () => {
  it('offers no extensions to the service', async () => {
    const client = await connect('/extensions', { perMessageDeflate: true });
    expect([client.extensions, handshakes.at(-1)?.headers['sec-websocket-extensions']]).toEqual(['', undefined]);
    client.terminate();
  });

  it('is refused with 502 when the service answers another handshake', async () => {
    const [, response] = (await once(dial('/liar'), 'unexpected-response')) as [unknown, IncomingMessage];
    expect(response.statusCode).toBe(502);
    expect(await proxy.accessLogLine('/liar')).toContain(' 502 UPE ');
  });

  it('is closed with 1009 when the service sends a message beyond the limit', async () => {
    const client = await connect('/large');
    const ended = [endOf(client), endOf(accepted)];
    accepted.send(Buffer.alloc(16 * MB + 1));
    const [code] = await Promise.all(ended);
    expect(code).toBe(1009);
  });

  it('is closed with 1011 when the service breaks the protocol', async () => {
    const client = await connect('/service-breaks');
    const ended = endOf(client);
    (accepted as unknown as { readonly _socket: Socket })._socket.write(Buffer.from([0x83, 0]));
    expect(await ended).toBe(1011);
  });

  it('carries messages up to the limit', async () => {
    const client = await connect('/largest');
    const answer = once(client, 'message') as Promise<[Buffer]>;
    accepted.send(Buffer.alloc(16 * MB, 'l'));
    expect((await answer)[0].length).toBe(16 * MB);
    client.terminate();
  });
});
