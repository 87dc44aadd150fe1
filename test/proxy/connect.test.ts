// SPDX-License-Identifier: Apache-2.0
/** CONNECT: a route that names the method opens a tunnel to its endpoint; nothing else does, whatever comes with the request. */
import net from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, freePort, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import { RawUpstream } from '../support/raw-upstream.js';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nhost: web.example\r\n\r\n';

/** A server of a protocol of its own: it greets, and keeps what it gets. */
class Plain {
  received = '';
  ended = false;
  connectionCount = 0;
  readonly sockets: net.Socket[] = [];
  readonly #server = net.createServer({ allowHalfOpen: true }, (socket) => {
    this.connectionCount++;
    this.sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('end', () => (this.ended = true));
    socket.setEncoding('latin1').on('data', (text: string) => (this.received += text));
    socket.write('greeting ');
  });

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as net.AddressInfo).port;
  }

  forget(): void {
    for (const socket of this.sockets.splice(0)) socket.destroy();
    this.received = '';
    this.ended = false;
  }

  async stop(): Promise<void> {
    this.forget();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

let web: RawUpstream;
const plain = new Plain();
let proxy: Gateway;
const clients: net.Socket[] = [];

beforeAll(async () => {
  web = await RawUpstream.start();
  const [plainPort, deadPort] = [await plain.start(), await freePort()];
  const route = (host: string): { route: ReturnType<typeof to>[] } => ({ route: [to(host)] });
  proxy = await startGateway({
    accessLog: 'TEXT',
    config: [
      gateway(),
      service('web.example', [{ port: web.port }]),
      service('plain.example', [{ port: plainPort }]),
      service('dead.example', [{ port: deadPort }]),
      virtualService('tunnel.example', [
        { match: [{ method: { regex: '.*' } }], ...route('web.example') },
        { match: [{ method: { exact: 'CONNECT' } }], ...route('plain.example') },
      ]),
      virtualService('dead.example', [{ match: [{ method: { exact: 'CONNECT' } }], ...route('dead.example') }]),
      virtualService('web.example', [
        { match: [{ method: { prefix: 'CON' } }], ...route('plain.example') },
        { match: [{ method: { regex: 'CONNECT' } }], ...route('plain.example') },
        { match: [{ method: { exact: 'GET' } }], ...route('web.example') },
        route('plain.example'),
      ]),
    ],
  });
});

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  plain.forget();
});

afterAll(async () => {
  await proxy.stop();
  await plain.stop();
  await web.stop();
});

interface Client {
  readonly socket: net.Socket;
  text: string;
  ended: boolean;
}

/** Sends these bytes on a connection of their own. */
function send(bytes: string): Client {
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const client: Client = { socket, text: '', ended: false };
  clients.push(socket);
  socket.on('error', () => undefined).on('end', () => (client.ended = true));
  socket.setEncoding('latin1').on('data', (text: string) => (client.text += text));
  socket.write(bytes);
  return client;
}

function connect(authority: string, fields = '', early = ''): Client {
  return send(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${fields}\r\n${early}`);
}

const sees = (what: string, holds: () => boolean): Promise<true> =>
  eventually(what, () => (holds() ? true : undefined));

async function refusal(client: Client): Promise<string> {
  await sees('the connection ends', () => client.ended);
  expect(web.requestsFor('/smuggled')).toEqual([]);
  return client.text.slice(9, 12);
}

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('CONNECT', () => {
  it('on a route that names it opens a tunnel to the endpoint, who gets no CONNECT and may speak first', async () => {
    const client = connect('tunnel.example:443');
    await sees('the greeting', () => client.text.endsWith('\r\n\r\ngreeting '));
    client.socket.write('ping');
    await sees('ping', () => plain.received === 'ping');
    plain.sockets[0]?.write('pong');
    await sees('pong', () => client.text.endsWith('greeting pong'));
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(client.text).not.toMatch(/content-length|transfer-encoding|connection:/i);
  });

  it('may have bytes of the tunnel behind it: they wait for the endpoint', async () => {
    connect('tunnel.example:443', '', SMUGGLED);
    await sees('the bytes', () => plain.received === SMUGGLED);
    expect(web.requestsFor('/smuggled')).toEqual([]);
  });

  it('is over when both sides have ended, and is logged with its bytes', async () => {
    const client = connect('tunnel.example:8443', '', 'four');
    await sees('the greeting', () => client.text.endsWith('greeting '));
    plain.sockets[0]?.end('bye');
    await sees('the end', () => client.ended);
    client.socket.end('more');
    await sees('the end', () => plain.ended && plain.received === 'fourmore');
    const line = await proxy.accessLogLine('CONNECT tunnel.example:8443');
    expect(line).toMatch(/HTTP\/1\.1" 200 - via_upstream - "-" 8 12 /);
  });

  it('never goes over a connection that has carried requests', async () => {
    await exchange(proxy.port, 'web.example', '/warm');
    const before = plain.connectionCount;
    for (let round = 0; round < 3; round++) {
      const client = connect('tunnel.example:443');
      await sees('the greeting', () => client.text.endsWith('greeting '));
      client.socket.destroy();
    }
    expect(plain.connectionCount).toBe(before + 3);
  });

  it('leaves other requests of its host to the other routes', async () => {
    expect((await exchange(proxy.port, 'tunnel.example', '/')).body.toString()).toBe('hello');
  });

  it.each([
    ['where no route names it exactly', 'web.example:443', '', '404'],
    ['of a host that is not known', 'other.example:443', '', '404'],
    ['to an endpoint that does not answer', 'dead.example:443', '', '503'],
    ['with a length', 'tunnel.example:443', `content-length: ${SMUGGLED.length}\r\n`, '400'],
    ['with an empty body', 'tunnel.example:443', 'content-length: 0\r\n', '400'],
    ['with chunks', 'tunnel.example:443', 'transfer-encoding: chunked\r\n', '400'],
    ['with an upgrade', 'tunnel.example:443', 'connection: upgrade\r\nupgrade: websocket\r\n', '403'],
    ['with another Host', 'tunnel.example:443', 'host: web.example\r\n', '400'],
    ['without a port', 'tunnel.example', '', '400'],
    ['to port 0', 'tunnel.example:0', '', '400'],
    ['with a user', 'user@tunnel.example:443', '', '400'],
    ['with a path', 'tunnel.example:443/', '', '400'],
    ['with a scheme', 'http://tunnel.example:443', '', '400'],
  ])('%s is refused, and what follows is no request', async (_what, authority, fields, status) => {
    const before = plain.connectionCount;
    expect(await refusal(connect(authority, fields, SMUGGLED))).toBe(status);
    expect(plain.connectionCount).toBe(before);
  });
});
