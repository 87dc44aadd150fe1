// SPDX-License-Identifier: Apache-2.0
/** What a client gets when the upstream misbehaves: status, flag and body are Envoy's, and nothing else breaks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, freePort, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange, RawClient } from '../support/raw-client.js';
import type { Handler } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const HOST = 'web.example';
const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';
let upstream: RawUpstream;
let proxy: Gateway;
let nextPath = 0;

/** Sets the next answer of the origin and returns the path to ask for. */
function answeredBy(handler: Handler): string {
  const path = `/case-${nextPath++}`;
  upstream.on(path, handler);
  return path;
}

async function loggedFor(path: string): Promise<{ flags: unknown; details: unknown; code: unknown }> {
  const line = JSON.parse(await proxy.accessLogLine(`"${path}"`)) as Record<string, unknown>;
  return { code: line['response_code'], flags: line['response_flags'], details: line['response_code_details'] };
}

beforeAll(async () => {
  upstream = await RawUpstream.start();
  const refused = await freePort();
  proxy = await startGateway({
    accessLog: 'JSON',
    config: [
      gateway(),
      ...forwarded('web', [{ port: upstream.port }]),
      ...forwarded('down', [{ port: refused }]),
      // Twelve at once need more retries than the default budget allows.
      ...forwarded('half-down', [{ port: refused }, { port: upstream.port }], {
        trafficPolicy: { retryBudget: { percent: 100, minRetryConcurrency: 20 } },
      }),
      ...forwarded('no-retry', [{ port: refused }], undefined, { retries: { attempts: 0 } }),
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

describe.concurrent('an upstream that goes away', () => {
  it('before its head: 503 UC', async () => {
    const path = answeredBy((answer) => answer.socket.end());
    const answer = await exchange(proxy.port, HOST, path, { method: 'POST', body: 'x' });
    expect([answer.status, answer.body.toString()]).toEqual([503, `${RESET}connection termination`]);
    expect(answer.get('content-type')).toBe('text/plain');
    expect(await loggedFor(path)).toEqual({
      code: 503,
      flags: 'UC',
      details: 'upstream_reset_before_response_started{connection_termination}',
    });
  });

  it('inside its head: 503 UC', async () => {
    const path = answeredBy((answer) => {
      answer.send('HTTP/1.1 200 OK\r\nx-a: ');
      setTimeout(() => answer.socket.end(), 10);
    });
    expect((await exchange(proxy.port, HOST, path)).status).toBe(503);
    expect((await loggedFor(path)).flags).toBe('UC');
  });

  it.each([
    ['counted', 'content-length: 100\r\n\r\nhalf'],
    ['chunked', 'transfer-encoding: chunked\r\n\r\n64\r\nhalf'],
    ['chunked, between chunks', 'transfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
  ])('inside its %s body: the client sees a broken message', async (_, rest) => {
    const path = answeredBy((answer) => {
      answer.send(`HTTP/1.1 200 OK\r\n${rest}`);
      setTimeout(() => answer.socket.end(), 20);
    });
    const answer = await exchange(proxy.port, HOST, path);
    expect([answer.status, answer.brokenAt, answer.body.toString()]).toEqual([200, 'body', 'half']);
    expect(await loggedFor(path)).toMatchObject({ code: 200, flags: 'UC' });
  });

  it('by a reset: 503', async () => {
    const path = answeredBy((answer) => answer.socket.resetAndDestroy());
    expect((await exchange(proxy.port, HOST, path, { method: 'POST', body: 'x' })).status).toBe(503);
  });
});

describe.concurrent('a malformed answer is 502 UPE and its connection is closed', () => {
  it.each([
    ['no HTTP at all', 'SSH-2.0-OpenSSH_9.0\r\n\r\n'],
    ['a status that is no number', 'HTTP/1.1 2x0 OK\r\n\r\n'],
    ['a field without a colon', 'HTTP/1.1 200 OK\r\nbroken\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\ncontent-length: one\r\n\r\n'],
    ['a head without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(200_000)}`],
  ])('%s', async (_, bytes) => {
    let closed: Promise<void> | undefined;
    const path = answeredBy((answer) => {
      closed = answer.closed;
      answer.send(bytes);
    });
    const answer = await exchange(proxy.port, HOST, path);
    expect([answer.status, answer.body.toString()]).toEqual([502, `${RESET}protocol error`]);
    expect((await loggedFor(path)).flags).toBe('UPE');
    await expect(closed).resolves.toBeUndefined();
  });

  it('inside a chunked body: the client sees a broken message', async () => {
    const path = answeredBy((answer) => {
      answer.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n');
      setTimeout(() => answer.send('zz\r\n'), 20);
    });
    const answer = await exchange(proxy.port, HOST, path);
    expect([answer.status, answer.brokenAt]).toEqual([200, 'body']);
  });

  it('bytes after the answer are no answer to the next request', async () => {
    const path = answeredBy((answer) => answer.send(`${ok('mine')}HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong`));
    const client = await RawClient.connect(proxy.port);
    client.request('GET', HOST, path);
    expect((await client.read()).body.toString()).toBe('mine');
    client.request('GET', HOST, '/other');
    expect((await client.read()).body.toString()).toBe('hello');
    client.close();
  });
});

describe('a connection that the upstream has just closed', () => {
  /** Leaves a connection in the proxy's pool that is closed as soon as a second request arrives on it. */
  async function withStaleConnection(): Promise<number> {
    const path = answeredBy((answer) => {
      answer.send(ok('warm', 'x-stale: 1\r\n'));
      answer.socket.once('data', () => answer.socket.resetAndDestroy());
    });
    // Requests only land on it when it is the only one: all others are closed first.
    for (const socket of upstream.open) socket.destroy();
    await sleep(50);
    expect((await exchange(proxy.port, HOST, path)).status).toBe(200);
    return upstream.requests.at(-1)?.connection ?? -1;
  }

  it('is replaced by a fresh one for GET', async () => {
    const stale = await withStaleConnection();
    const path = answeredBy((answer) => {
      if (answer.request.connection !== stale) answer.send(ok('fresh'));
    });
    const answer = await exchange(proxy.port, HOST, path);
    expect([answer.status, answer.body.toString()]).toEqual([200, 'fresh']);
    expect(upstream.requestsFor(path).map((request) => request.connection === stale)).toEqual([true, false]);
  });

  it('gives 503 for POST, which may have been acted upon', async () => {
    const stale = await withStaleConnection();
    const path = answeredBy(() => undefined);
    const answer = await exchange(proxy.port, HOST, path, { method: 'POST', body: 'x' });
    expect(answer.status).toBe(503);
    expect(upstream.requestsFor(path).map((request) => request.connection)).toEqual([stale]);
    expect((await loggedFor(path)).flags).toBe('UC');
  });
});

describe.concurrent('an upstream that refuses connections', () => {
  it('is tried again twice by default, then 503 UF,URX', async () => {
    const before = await proxy.metrics();
    const cluster = { cluster_name: 'outbound|8000||down.example' };
    const answer = await exchange(proxy.port, 'down.example', '/refused');
    expect([answer.status, answer.body.toString()]).toEqual([503, `${RESET}remote connection failure`]);
    expect((await loggedFor('/refused')).flags).toBe('UF,URX');
    const after = await proxy.metrics();
    const grown = (name: string): number => after.sum(name, cluster) - before.sum(name, cluster);
    expect(grown('envoy_cluster_upstream_rq_retry')).toBe(2);
    expect(grown('envoy_cluster_upstream_cx_connect_fail')).toBe(3);
  });

  it('is not tried again with attempts: 0', async () => {
    expect((await exchange(proxy.port, 'no-retry.example', '/refused-once')).status).toBe(503);
    expect((await loggedFor('/refused-once')).flags).toBe('UF');
  });

  it('costs nothing while another endpoint answers', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => exchange(proxy.port, 'half-down.example', '/elsewhere')),
    );
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    const counts = upstream.requestsFor('/elsewhere').map((request) => request.values('x-envoy-attempt-count')[0]);
    expect(counts).toHaveLength(12);
    expect(counts).toContain('2');
  });

  it('may get a request with a body, which arrives whole at the other endpoint', async () => {
    const bodies: string[] = [];
    upstream.on('/upload-elsewhere', async (answer) => {
      bodies.push((await answer.body).toString());
      answer.send(ok('taken'));
    });
    for (let index = 0; index < 4; index++) {
      const answer = await exchange(proxy.port, 'half-down.example', '/upload-elsewhere', {
        method: 'POST',
        body: 'all of it',
      });
      expect(answer.body.toString()).toBe('taken');
    }
    expect(bodies).toEqual(Array.from({ length: 4 }, () => 'all of it'));
  });
});

describe('after all of that', () => {
  it('nothing is left under way', async () => {
    await eventually('no request and no waiting one', async () => {
      const metrics = await proxy.metrics();
      const left =
        metrics.sum('envoy_cluster_upstream_rq_active') + metrics.sum('envoy_cluster_upstream_rq_pending_active');
      return left === 0 ? true : undefined;
    });
    expect(proxy.log()).not.toContain('internal error');
  });
});
