// SPDX-License-Identifier: Apache-2.0
/** Clients that send rubbish, half of something, or too much: they get no further, and everybody else's requests go on. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange, RawClient } from '../support/raw-client.js';
import { RawUpstream } from '../support/raw-upstream.js';

const HOST = 'web.example';
let upstream: RawUpstream;
let proxy: Gateway;
let bystander: RawClient;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  proxy = await startGateway({ config: [gateway(), ...forwarded('web', [{ port: upstream.port }])] });
  bystander = await RawClient.connect(proxy.port);
});

afterAll(async () => {
  bystander.close();
  await proxy.stop();
  await upstream.stop();
});

/** A connection that was open all the time still works, and so do new ones. */
async function expectOthersServed(): Promise<void> {
  if (bystander.closed) bystander = await RawClient.connect(proxy.port);
  bystander.request('GET', HOST, '/bystander');
  expect((await bystander.read()).body.toString()).toBe('hello');
  expect((await exchange(proxy.port, HOST, '/newcomer')).status).toBe(200);
  expect(proxy.log()).not.toContain('internal error');
}

function bytes(length: number, seed: number): Buffer {
  let state = seed;
  return Buffer.from(Array.from({ length }, () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16));
}

describe('a client that sends', () => {
  it.each([
    ['random bytes', bytes(2000, 7)],
    ['a TLS ClientHello', Buffer.from('16030100c8010000c40303', 'hex')],
    ['an HTTP/2 preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['line ends only', Buffer.from('\r\n'.repeat(1000))],
    ['a request without Host', Buffer.from('GET /rubbish HTTP/1.1\r\nx: y\r\n\r\n')],
    [
      'two lengths',
      Buffer.from(`POST /rubbish HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab`),
    ],
    [
      'a length and chunks',
      Buffer.from(
        `POST /rubbish HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`,
      ),
    ],
    ['TRACE', Buffer.from(`TRACE /rubbish HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`)],
    ['a negative length', Buffer.from(`POST /rubbish HTTP/1.1\r\nhost: ${HOST}\r\ncontent-length: -1\r\n\r\n`)],
    ['a space before the colon', Buffer.from(`GET /rubbish HTTP/1.1\r\nhost: ${HOST}\r\nx : y\r\n\r\n`)],
    ['a folded field', Buffer.from(`GET /rubbish HTTP/1.1\r\nhost: ${HOST}\r\nx: a\r\n b\r\n\r\n`)],
    ['a path above the root', Buffer.from(`GET /../../rubbish HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`)],
  ])('%s does not reach the upstream and disturbs nobody', async (_, sent) => {
    const before = upstream.requests.length;
    const client = await RawClient.connect(proxy.port);
    client.send(sent);
    client.socket.end();
    const answer = await client.read();
    expect(answer.status === 0 || (answer.status >= 400 && answer.status < 600)).toBe(true);
    client.close();
    expect(upstream.requests.length).toBe(before);
    await expectOthersServed();
  });

  it('a head without end is refused', async () => {
    const client = await RawClient.connect(proxy.port);
    client.request('GET', HOST, '/rubbish', `x-large: ${'v'.repeat(200_000)}\r\n`);
    const answer = await client.read();
    expect(answer.status === 0 || answer.status === 431).toBe(true);
    client.close();
    expect(upstream.requestsFor('/rubbish')).toEqual([]);
    await expectOthersServed();
  });

  it('too many fields is refused with 431', async () => {
    const answer = await exchange(proxy.port, HOST, '/rubbish', { fields: 'x-many: 1\r\n'.repeat(150) });
    expect(answer.status === 0 || answer.status === 431).toBe(true);
    expect(upstream.requestsFor('/rubbish')).toEqual([]);
    await expectOthersServed();
  });

  it('half a request keeps only itself waiting', async () => {
    const halves = await Promise.all(Array.from({ length: 50 }, () => RawClient.connect(proxy.port)));
    for (const client of halves) client.send(`GET /half HTTP/1.1\r\nhost: ${HOST}\r\nx-`);
    await expectOthersServed();
    for (const client of halves) client.send('rest: 1\r\n\r\n');
    const statuses = await Promise.all(halves.map(async (client) => (await client.read()).status));
    expect(statuses).toEqual(halves.map(() => 200));
    for (const client of halves) client.close();
  });

  it('broken chunks is cut off, and so is its request at the upstream', async () => {
    let outcome: Promise<string> | undefined;
    upstream.on('/broken-chunks', (answer) => {
      outcome = answer.body.then(
        () => 'whole',
        () => 'cut',
      );
    });
    const client = await RawClient.connect(proxy.port);
    client.request('POST', HOST, '/broken-chunks', 'transfer-encoding: chunked\r\n');
    client.send('4\r\nhalf\r\n');
    while (outcome === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    client.send('zz\r\nrubbish\r\n');
    await client.whenClosed();
    expect(await outcome).toBe('cut');
    await expectOthersServed();
  });
});
