// SPDX-License-Identifier: Apache-2.0
/** Clients of HTTP/1.0: refused unless the proxy is told to serve them, and then answered as such clients need it. */
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

let upstream: RawUpstream;
let proxy: Gateway;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  upstream.on('/chunks', (answer) =>
    answer.send(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n5\r\nhello\r\n2\r\n\r\n\r\n0\r\nx-t: 1\r\n\r\n',
    ),
  );
  upstream.on('/hints', (answer) => answer.send(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('late')}`));
  upstream.on('/empty', (answer) => answer.send('HTTP/1.1 204 No Content\r\n\r\n'));
  const config = [
    gateway(),
    service('web.example', [{ port: upstream.port }]),
    virtualService('*', [{ route: [to('web.example')] }]),
  ];
  proxy = await startGateway({ config, accessLog: 'TEXT', options: ['--http10'] });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

/** What comes until the proxy ends the connection. */
function ask(bytes: string, to = proxy): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port: to.port, host: '127.0.0.1' }, () => socket.write(bytes));
    let text = '';
    socket.setEncoding('latin1').on('data', (part: string) => (text += part));
    socket.on('error', reject).on('end', () => resolve(text));
  });
}

/** Head lines, lower-case, and body. */
function split(answer: string): { head: string[]; body: string } {
  const end = answer.indexOf('\r\n\r\n');
  return { head: answer.slice(0, end).toLowerCase().split('\r\n'), body: answer.slice(end + 4) };
}

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('a client of HTTP/1.0', () => {
  it('is answered in HTTP/1.0 and its connection ends', async () => {
    const { head, body } = split(await ask('GET /plain HTTP/1.0\r\nHost: web.example\r\n\r\n'));
    expect([head[0], body]).toEqual(['http/1.0 200 ok', 'hello']);
    expect(head).toContain('content-length: 5');
    expect(head).toContain('connection: close');
    expect(await proxy.accessLogLine('/plain')).toContain('"GET /plain HTTP/1.0" 200');
  });

  it('may leave out Host: the virtual host of every name is its, and the service gets a Host', async () => {
    const { head } = split(await ask('GET /nameless HTTP/1.0\r\n\r\n'));
    expect(head[0]).toBe('http/1.0 200 ok');
    expect(upstream.requestsFor('/nameless')[0]?.values('host')).toEqual([`127.0.0.1:${upstream.port}`]);
  });

  it('gets a chunked answer as plain bytes up to the end of the connection, without trailers', async () => {
    const { head, body } = split(await ask('GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'));
    expect(head.filter((line) => /^(transfer-encoding|content-length)/.test(line))).toEqual([]);
    expect(head).toContain('connection: close');
    expect(body).toBe('hello\r\n');
  });

  it('gets no interim answers', async () => {
    const answer = await ask('GET /hints HTTP/1.0\r\nExpect: 100-continue\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.0 200 OK\r\n/);
    expect(answer).toMatch(/late$/);
  });

  it('keeps its connection where it asks for that and the answer has an end of its own', async () => {
    const more = 'HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
    const answers = await ask(`GET /1 ${more}GET /empty ${more}HEAD /3 ${more}GET /4 HTTP/1.0\r\n\r\n`);
    expect(answers.match(/HTTP\/1\.0 20[04]/g)).toEqual(
      Array.from(['200', '204', '200', '200'], (status) => `HTTP/1.0 ${status}`),
    );
    expect(answers.match(/connection: [a-z-]+/g)).toEqual([
      ...new Array<string>(3).fill('connection: keep-alive'),
      'connection: close',
    ]);
  });

  it('may send a body with a length', async () => {
    const received: string[] = [];
    upstream.on('/upload', async (answer) => {
      received.push((await answer.body).toString());
      answer.send(ok('taken'));
    });
    const { body } = split(await ask('POST /upload HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody'));
    expect([body, received]).toEqual(['taken', ['body']]);
  });

  it.each([
    ['chunks', 'POST /smuggled HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two Hosts', 'GET /smuggled HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n'],
    ['two lengths', 'POST /smuggled HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'],
  ])('is refused with %s', async (_what, bytes) => {
    expect(await ask(bytes)).toMatch(/^HTTP\/1\.1 400 /);
    expect(upstream.requestsFor('/smuggled')).toEqual([]);
  });

  it('is not served another request behind one that ends the connection', async () => {
    const answers = await ask('GET /last HTTP/1.0\r\n\r\nGET /smuggled HTTP/1.0\r\n\r\n');
    expect([answers.match(/HTTP\/1\.0/g)?.length, upstream.requestsFor('/smuggled').length]).toEqual([1, 0]);
  });

  it('gets no WebSocket', async () => {
    const fields = 'Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
    const { head } = split(await ask(`GET /plain HTTP/1.0\r\n${fields}\r\n`));
    expect(head[0]).toBe('http/1.0 200 ok');
    expect(upstream.requestsFor('/plain').at(-1)?.values('upgrade')).toEqual([]);
  });

  it('is refused with 426 without the option', async () => {
    const strict = await startGateway({ config: [gateway(), ...forwarded('web', [{ port: upstream.port }])] });
    try {
      const answer = await ask('GET / HTTP/1.0\r\nHost: web.example\r\nConnection: keep-alive\r\n\r\n', strict);
      expect(answer).toMatch(/^HTTP\/1\.1 426 /);
    } finally {
      await strict.stop();
    }
  });
});
