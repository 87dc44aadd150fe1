// SPDX-License-Identifier: Apache-2.0
/** What clients may cost on the wire front: heads, time and connections, with limits set by options and real sockets. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { RawClient } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const HOST = 'web.example';
/** Of a client that drips. */
const DRIP_MS = 40;
const DRIPS = 200;

let upstream: RawUpstream;
let proxy: Gateway;
let clients: RawClient[] = [];

afterEach(() => {
  for (const client of clients) client.close();
  clients = [];
});

async function connect(localAddress?: string): Promise<RawClient> {
  const client = await RawClient.connect(proxy.port, localAddress);
  clients.push(client);
  return client;
}

/** Sends a byte at a time for as long as anybody listens. */
async function drip(client: RawClient, byte: string): Promise<void> {
  for (let count = 0; count < DRIPS && !client.closed; count++) {
    client.send(byte);
    await sleep(DRIP_MS);
  }
}

function serve(threads: number, options: readonly string[]): void {
  beforeAll(async () => {
    upstream = await RawUpstream.start();
    const config = [gateway(), ...forwarded('web', [{ port: upstream.port }])];
    proxy = await startGateway({ threads, accessLog: 'JSON', config, options });
  });
  afterAll(async () => {
    expect(proxy.log()).not.toContain('internal error');
    await proxy.stop();
    await upstream.stop();
  });
}

/** Flags and details of the one access-log line for `path`. */
async function outcomeOf(path: string): Promise<unknown[]> {
  const line = JSON.parse(await proxy.accessLogLine(`"${path}`)) as Record<string, unknown>;
  return [line['response_code'], line['response_flags'], line['response_code_details']];
}

async function metric(name: string): Promise<number> {
  return (await proxy.metrics()).sum(name);
}

const MAX_HEAD_BYTES = 2000;
const MAX_HEADERS = 10;

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('heads and requests', () => {
  serve(1, [
    ...['--max-head-bytes', String(MAX_HEAD_BYTES), '--max-request-headers', String(MAX_HEADERS)],
    ...['--head-timeout-seconds', '0.3', '--request-timeout-seconds', '0.6'],
  ]);

  function headOf(length: number): string {
    const start = `GET /head HTTP/1.1\r\nhost: ${HOST}\r\nx-fill: `;
    return `${start}${'v'.repeat(length - start.length - 4)}\r\n\r\n`;
  }

  it('take a head of --max-head-bytes and refuse one byte more with 431', async () => {
    const client = await connect();
    client.send(headOf(MAX_HEAD_BYTES));
    expect((await client.read()).status).toBe(200);
    client.send(headOf(MAX_HEAD_BYTES + 1));
    const answer = await client.read();
    expect([answer.status, answer.get('connection')]).toEqual([431, 'close']);
  });

  it('take --max-request-headers fields and refuse one more with 431', async () => {
    const client = await connect();
    client.request('GET', HOST, '/fields', 'x: 1\r\n'.repeat(MAX_HEADERS - 1));
    expect((await client.read()).status).toBe(200);
    client.request('GET', HOST, '/fields', 'x: 1\r\n'.repeat(MAX_HEADERS));
    expect((await client.read()).status).toBe(431);
  });

  it('answer 408 to a head that drips, log it and count it', async () => {
    const client = await connect();
    client.send(`GET /dripping HTTP/1.1\r\nhost: ${HOST}\r\nx: `);
    void drip(client, 'v');
    const answer = await client.read();
    expect([answer.status, answer.body.toString()]).toEqual([408, 'request header timeout']);
    expect(await outcomeOf('/dripping')).toEqual([408, '-', 'request_header_timeout']);
    expect(await metric('envoy_http_downstream_rq_header_timeout')).toBe(1);
    expect(upstream.requestsFor('/dripping')).toEqual([]);
  });

  it('answer 408 to a body that drips, and give its request at the upstream up', async () => {
    let gone: Promise<void> | undefined;
    upstream.on('/slow-body', (answer) => {
      gone = answer.closed;
    });
    const client = await connect();
    client.request('POST', HOST, '/slow-body', 'content-length: 100000\r\n');
    void drip(client, 'v');
    const answer = await client.read();
    expect([answer.status, answer.body.toString()]).toEqual([408, 'request timeout']);
    expect(await outcomeOf('/slow-body')).toEqual([408, '-', 'request_overall_timeout']);
    expect(await metric('envoy_http_downstream_rq_timeout')).toBe(1);
    await expect(gone).resolves.toBeUndefined();
  });

  it('do not hold the time that the upstream takes against the client', async () => {
    upstream.on('/slow-answer', async (answer) => {
      await answer.body;
      await sleep(900);
      answer.send(ok('late'));
    });
    const client = await connect();
    client.request('POST', HOST, '/slow-answer', 'content-length: 1\r\n');
    client.send('v');
    expect((await client.read()).body.toString()).toBe('late');
  });

  it('start no request for a client that takes no answers', async () => {
    const body = 'b'.repeat(60_000);
    upstream.on('/unread', (answer) => answer.send(ok(body)));
    const client = await connect();
    client.socket.pause();
    const count = 5000;
    client.send(`GET /unread HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`.repeat(count));
    let seen = -1;
    await eventually('the requests stop', async () => {
      const before = seen;
      seen = upstream.requestsFor('/unread').length;
      await sleep(200);
      return seen > 0 && seen === before ? true : undefined;
    });
    // What the kernel's buffers hold, and not much more.
    expect(seen).toBeLessThan(500);
    client.discards = true;
    client.socket.resume();
    await client.whenReceived(600 * body.length);
    expect(upstream.requestsFor('/unread').length).toBeGreaterThan(seen);
  });
});

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('silence', () => {
  serve(1, ['--stream-idle-timeout-seconds', '0.4', '--idle-timeout-seconds', '0.6']);

  it('between requests closes the connection after --idle-timeout-seconds', async () => {
    const client = await connect();
    client.request('GET', HOST, '/');
    expect((await client.read()).status).toBe(200);
    await client.whenClosed();
    const never = await connect();
    await never.whenClosed();
    expect(never.receivedBytes).toBe(0);
    expect(await metric('envoy_http_downstream_cx_idle_timeout')).toBe(2);
  });

  it('inside a request is answered with 408 SI', async () => {
    upstream.on('/half', () => undefined);
    const client = await connect();
    client.request('POST', HOST, '/half', 'content-length: 10\r\n');
    client.send('half');
    const answer = await client.read();
    expect([answer.status, answer.body.toString(), answer.get('connection')]).toEqual([408, 'stream timeout', 'close']);
    expect(await outcomeOf('/half')).toEqual([408, 'SI', 'stream_idle_timeout']);
  });

  it('of the upstream is answered with 504 SI, and the connection goes on', async () => {
    upstream.on('/silent', () => undefined);
    const client = await connect();
    client.request('GET', HOST, '/silent');
    const answer = await client.read();
    expect([answer.status, answer.body.toString()]).toEqual([504, 'stream timeout']);
    client.request('GET', HOST, '/after');
    expect((await client.read()).status).toBe(200);
    expect(await outcomeOf('/silent')).toEqual([504, 'SI', 'stream_idle_timeout']);
  });

  it('inside an answer breaks it off', async () => {
    upstream.on('/stalled', (answer) => answer.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'));
    const client = await connect();
    client.request('GET', HOST, '/stalled');
    const answer = await client.read();
    expect([answer.status, answer.brokenAt]).toEqual([200, 'body']);
    expect(await outcomeOf('/stalled')).toEqual([200, 'SI', 'stream_idle_timeout']);
  });

  it('is broken by every byte, in either direction', async () => {
    upstream.on('/chatty', async (answer) => {
      await answer.body;
      await answer.sendSplit(ok('slow', 'x-fill: 1\r\n'.repeat(20)), 5);
    });
    const client = await connect();
    client.request('POST', HOST, '/chatty', 'content-length: 12\r\n');
    for (let count = 0; count < 12; count++) {
      await sleep(100);
      client.send('v');
    }
    expect((await client.read()).body.toString()).toBe('slow');
  });

  it('of a client that never reads its answer closes its connection', async () => {
    const answered = upstream.requestsFor('/large').length;
    upstream.on('/large', (answer) => answer.send(ok('b'.repeat(16_000_000))));
    const client = await connect();
    client.socket.pause();
    client.request('GET', HOST, '/large');
    expect(await outcomeOf('/large')).toEqual([200, 'SI', 'stream_idle_timeout']);
    expect(upstream.requestsFor('/large')).toHaveLength(answered + 1);
    await eventually('its place is free', async () =>
      (await metric('envoy_listener_downstream_cx_active')) === 0 ? true : undefined,
    );
  });
});

describe.skipIf(process.env['WEFT_FRONT'] === 'uws')('connections', () => {
  const limit = 20;
  const others = ['127.0.0.2', '127.0.0.3', '127.0.0.4'];
  serve(2, ['--max-connections', String(limit)]);

  async function isServed(client: RawClient): Promise<boolean> {
    client.request('GET', HOST, '/place');
    return (await client.read()).status === 200;
  }

  const whenActive = (count: number): Promise<true> =>
    eventually(`${count} connections are open`, async () =>
      (await metric('envoy_listener_downstream_cx_active')) === count ? true : undefined,
    );

  it('of one listener are --max-connections over all threads; what is above is closed and counted', async () => {
    const surplus = 7;
    const opened = await Promise.all(Array.from({ length: limit + surplus }, () => connect()));
    const served = await Promise.all(opened.map(isServed));
    expect(served.filter((is) => is)).toHaveLength(limit);
    expect(await metric('envoy_listener_downstream_cx_active')).toBe(limit);
    expect(await metric('envoy_listener_downstream_cx_overflow')).toBe(surplus);
    opened.find((_, index) => served[index])?.close();
    await whenActive(limit - 1);
    expect(await isServed(await connect())).toBe(true);
  });

  it('are taken from the source that has the most when others come', async () => {
    await whenActive(0);
    const evicted = await metric('weft_listener_evicted_connections_total');
    const hog = await Promise.all(Array.from({ length: limit }, () => connect()));
    expect((await Promise.all(hog.map(isServed))).filter((is) => is)).toHaveLength(limit);
    for (const address of others) expect(await isServed(await connect(address))).toBe(true);
    await eventually('the one has lost them', () =>
      hog.filter((client) => client.closed).length === others.length ? true : undefined,
    );
    expect(await metric('weft_listener_evicted_connections_total')).toBe(evicted + others.length);
    expect(await metric('envoy_listener_downstream_cx_active')).toBe(limit);
    expect(await isServed(await connect())).toBe(false);
  });
});
