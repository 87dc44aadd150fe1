// SPDX-License-Identifier: Apache-2.0
/** Trailers through the proxy: between Node.js' own client and server, and byte by byte. */
import { once } from 'node:events';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { RawClient } from '../support/raw-client.js';
import { RawUpstream } from '../support/raw-upstream.js';

const isUws = process.env['WEFT_FRONT'] === 'uws';

let raw: RawUpstream;
let proxy: Gateway;
let received: NodeJS.Dict<string> = {};

const onRequest: RequestListener = (incoming, outgoing) => {
  incoming.resume().on('end', () => {
    received = incoming.trailers;
    outgoing.writeHead(200, { trailer: 'x-sum', ...(incoming.url === '/named' ? { connection: 'x-other' } : {}) });
    outgoing.write('body');
    outgoing.addTrailers({ 'x-sum': '42', 'set-cookie': 'a=b' });
    outgoing.end();
  });
};
const origin = createServer(onRequest);

beforeAll(async () => {
  origin.listen(0, '127.0.0.1');
  await once(origin, 'listening');
  raw = await RawUpstream.start();
  const { port } = origin.address() as AddressInfo;
  proxy = await startGateway({
    config: [gateway(), ...forwarded('web', [{ port }]), ...forwarded('raw', [{ port: raw.port }])],
  });
});

afterAll(async () => {
  await proxy.stop();
  await raw.stop();
  origin.close();
  origin.closeAllConnections();
});

interface Answer {
  readonly body: string;
  readonly trailers: NodeJS.Dict<string>;
}

/** A POST in chunks, with these trailers. */
async function post(
  path: string,
  trailers: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const outgoing = request({
    ...{ host: '127.0.0.1', port: proxy.port, path, method: 'POST' },
    headers: { host: 'web.example', 'transfer-encoding': 'chunked', ...headers },
  });
  outgoing.write('some');
  outgoing.addTrailers(trailers);
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let body = '';
  for await (const part of response) body += String(part);
  return { body, trailers: response.trailers };
}

/** What the end of an origin's chunked answer, sent in pieces of `size`, becomes; '' when the answer breaks before it. */
async function lastChunk(path: string, bytes: string, size: number): Promise<string> {
  raw.on(path, (answer) =>
    answer.sendSplit(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n${bytes}`, size),
  );
  const client = await RawClient.connect(proxy.port);
  let text = '';
  client.socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  client.request('GET', 'raw.example', path);
  await eventually('the answer ends', () => (client.closed || /\r\n0\r\n(.*\r\n)*\r\n/.test(text) ? true : undefined));
  client.close();
  const at = text.indexOf('\r\n0\r\n');
  return at < 0 ? '' : text.slice(at + 2);
}

describe.skipIf(isUws)('trailers', () => {
  it('of request and answer go on, without those that may not stand there', async () => {
    const answer = await post('/', { 'X-Checksum': 'abc', authorization: 'Bearer x' });
    expect([answer.body, answer.trailers]).toEqual(['body', { 'x-sum': '42' }]);
    expect(received).toEqual({ 'x-checksum': 'abc' });
  });

  it('of one message are not those of the next', async () => {
    await post('/', { 'x-first': '1' });
    await post('/', {});
    expect(received).toEqual({});
  });

  it('are dropped where fields are named as those of the connection', async () => {
    const answer = await post('/named', { 'x-checksum': 'abc' }, { connection: 'x-checksum' });
    expect([answer.body, answer.trailers, received]).toEqual(['body', {}, {}]);
  });

  it.each([1, 2, 7, 1000])('come in pieces of %d bytes', async (size) => {
    expect(await lastChunk(`/pieces-${size}`, '0\r\nX-A: 1\r\nhost: x\r\nX-B:2 \r\n\r\n', size)).toBe(
      '0\r\nx-a: 1\r\nx-b: 2\r\n\r\n',
    );
  });

  it('may be none that go on', async () => {
    expect(await lastChunk('/none', '0\r\nhost: x\r\n\r\n', 1000)).toBe('0\r\n\r\n');
  });

  it('that are malformed break the answer', async () => {
    expect(await lastChunk('/malformed', '0\r\nx-a : 1\r\n\r\n', 1000)).toBe('');
  });

  it('of a message that goes on with a length are dropped', async () => {
    raw.on('/counted', (answer) => answer.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    const client = await RawClient.connect(proxy.port);
    client.request('POST', 'raw.example', '/counted', 'transfer-encoding: chunked\r\n');
    client.send('1\r\na\r\n0\r\nx-a: 1\r\n\r\n');
    expect((await client.read('POST')).body.toString()).toBe('ok');
    client.request('GET', 'raw.example', '/next');
    expect((await client.read()).body.toString()).toBe('hello');
    client.close();
  });
});
