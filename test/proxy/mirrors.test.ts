// SPDX-License-Identifier: Apache-2.0
/** Mirrors: the copy that arrives, and that nothing which happens to it is felt by the client. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpRouteSpec } from '../../src/resources/types.js';
import { eventually, freePort, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { destinationRule, forwarded, gateway, service, SERVICE_PORT, to } from '../support/istio-yaml.js';
import { virtualService } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';
import type { ReceivedRequest } from '../support/raw-upstream.js';

let main: RawUpstream;
let shadow: RawUpstream;
let other: RawUpstream;
let proxy: Gateway;
let nextPath = 0;

const destination = (host: string): NonNullable<HttpRouteSpec['mirror']> => ({ host, port: { number: SERVICE_PORT } });
const SHADOW = destination('shadow.example');
const OTHER = destination('other.example');

const ROUTES: Readonly<Record<string, Omit<HttpRouteSpec, 'route'>>> = {
  all: { mirror: SHADOW },
  none: { mirror: SHADOW, mirrorPercentage: { value: 0 } },
  half: { mirror: SHADOW, mirrorPercentage: { value: 50 } },
  deprecated: { mirror: SHADOW, mirror_percent: 0 },
  two: { mirrors: [{ destination: SHADOW }, { destination: OTHER, percentage: { value: 100 } }] },
  changed: {
    mirror: SHADOW,
    rewrite: { uri: '/changed' },
    headers: { request: { set: { 'x-route': 'set' } } },
    match: [{ uri: { prefix: '/' } }],
  },
  gone: { mirror: destination('nowhere.example') },
  refused: { mirror: destination('mirror-refused.example') },
  limited: { mirror: destination('mirror-limited.example') },
  retried: { mirror: SHADOW, retries: { attempts: 2, retryOn: '5xx', backoff: '1ms' } },
  aborted: { mirror: SHADOW, fault: { abort: { httpStatus: 418, percentage: { value: 100 } } } },
};

beforeAll(async () => {
  main = await RawUpstream.start();
  shadow = await RawUpstream.start((answer) => answer.send(ok('nobody reads this')));
  other = await RawUpstream.start();
  const place = [{ port: main.port }];
  proxy = await startGateway({
    config: [
      gateway(),
      ...Object.entries(ROUTES).flatMap(([name, route]) => [
        service(`${name}.example`, place),
        virtualService(`${name}.example`, [{ ...route, route: [to(`${name}.example`)] }]),
      ]),
      service('shadow.example', [{ port: shadow.port }]),
      service('other.example', [{ port: other.port }]),
      service('mirror-refused.example', [{ port: await freePort() }]),
      service('mirror-limited.example', [{ port: shadow.port }]),
      destinationRule('mirror-limited.example', {
        trafficPolicy: { connectionPool: { http: { http2MaxRequests: 1 } } },
      }),
      ...forwarded('plain', place),
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await Promise.all([main.stop(), shadow.stop(), other.stop()]);
});

function newPath(): string {
  return `/mirror-${nextPath++}`;
}

const copyOf = (path: string, at = shadow): Promise<ReceivedRequest> =>
  eventually(`a copy of ${path}`, () => at.requestsFor(path)[0]);

/** Waits until a request sent later has been mirrored, so that nothing that is under way is missed. */
async function settle(): Promise<void> {
  const path = newPath();
  await exchange(proxy.port, 'all.example', path);
  await copyOf(path);
}

async function stat(name: string, cluster: string): Promise<number> {
  const labels = { cluster_name: `outbound|${SERVICE_PORT}||${cluster}.example` };
  return (await proxy.metrics()).sum(`envoy_cluster_${name}`, labels);
}

describe('a mirror', () => {
  it('gets a copy of head and body, for the host with -shadow', async () => {
    const path = newPath();
    let body: Promise<Buffer> | undefined;
    shadow.on(path, (answer) => {
      body = answer.body;
      answer.send(ok('ignored'));
    });
    main.on(path, async (answer) => {
      await answer.body;
      answer.send(ok('hello'));
    });
    const text = 'b'.repeat(100_000);
    const fields = 'x-mine: 1\r\n';
    const answer = await exchange(proxy.port, 'all.example:8080', path, { method: 'POST', body: text, fields });
    expect(answer.body.toString()).toBe('hello');
    const copy = await copyOf(path);
    expect([copy.method, copy.values('host'), copy.values('x-mine')]).toEqual([
      'POST',
      ['all.example-shadow:8080'],
      ['1'],
    ]);
    expect((await body)?.toString()).toBe(text);
  });

  it('sees the request as its upstream does', async () => {
    await exchange(proxy.port, 'changed.example', newPath());
    const copy = await eventually('a rewritten copy', () =>
      shadow.requests.find(({ target }) => target.startsWith('/changed')),
    );
    const [sent] = main.requestsFor(copy.target);
    const plain = (request: ReceivedRequest | undefined, name: string): string[] => request?.values(name) ?? [];
    expect(plain(copy, 'x-route')).toEqual(['set']);
    for (const name of ['x-forwarded-for', 'x-envoy-original-path', 'x-request-id']) {
      expect([name, plain(copy, name)]).toEqual([name, plain(sent, name)]);
    }
  });

  it('may be several', async () => {
    const path = newPath();
    await exchange(proxy.port, 'two.example', path);
    expect((await copyOf(path, shadow)).method).toBe('GET');
    expect((await copyOf(path, other)).method).toBe('GET');
  });

  it.each(['none', 'deprecated', 'aborted'])('gets nothing of %s', async (name) => {
    const path = newPath();
    await exchange(proxy.port, `${name}.example`, path);
    await settle();
    expect(shadow.requestsFor(path)).toEqual([]);
  });

  it('gets half of the requests with 50 %: 400 draws within six standard deviations (60)', async () => {
    const path = newPath();
    for (let round = 0; round < 20; round++) {
      await Promise.all(Array.from({ length: 20 }, () => exchange(proxy.port, 'half.example', path)));
    }
    await settle();
    const count = shadow.requestsFor(path).length;
    expect(Math.abs(count - 200)).toBeLessThanOrEqual(60);
  });

  it('gets one copy of a request that is retried', async () => {
    const path = newPath();
    main.on(path, (answer) => answer.send('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'));
    await exchange(proxy.port, 'retried.example', path);
    expect(main.requestsFor(path)).toHaveLength(3);
    await settle();
    expect(shadow.requestsFor(path)).toHaveLength(1);
  });
});

it('a request that is sent again because its connection was closed is mirrored once', async () => {
  const path = newPath();
  let tries = 0;
  main.on(path, (answer) => {
    if (tries++ === 0) answer.socket.destroy();
    else answer.send(ok('again'));
  });
  // So that the connection has served before.
  await exchange(proxy.port, 'all.example', newPath());
  expect((await exchange(proxy.port, 'all.example', path)).body.toString()).toBe('again');
  expect(tries).toBe(2);
  await settle();
  expect(shadow.requestsFor(path)).toHaveLength(1);
});

describe('the client does not feel', () => {
  it.each(['gone', 'refused'])('that the mirror is %s', async (name) => {
    const answer = await exchange(proxy.port, `${name}.example`, newPath(), { method: 'POST', body: 'x' });
    expect([answer.status, answer.body.toString()]).toEqual([200, 'hello']);
  });

  it('that the mirror never answers', async () => {
    const path = newPath();
    shadow.on(path, () => undefined);
    expect((await exchange(proxy.port, 'all.example', path)).body.toString()).toBe('hello');
    await copyOf(path);
  });

  it('that the mirror does not read: its copy is given up', async () => {
    const path = newPath();
    shadow.on(path, (answer) => answer.socket.pause());
    const before = await stat('upstream_rq_mirror_dropped', 'shadow');
    main.on(path, async (answer) => {
      await answer.body;
      answer.send(ok('all read'));
    });
    const answer = await exchange(proxy.port, 'all.example', path, { method: 'POST', body: 'b'.repeat(30_000_000) });
    expect(answer.body.toString()).toBe('all read');
    expect(await stat('upstream_rq_mirror_dropped', 'shadow')).toBe(before + 1);
  });

  it("that the limits of the mirror's cluster are reached: the rest is dropped and counted", async () => {
    const path = newPath();
    shadow.on(path, () => undefined);
    await exchange(proxy.port, 'limited.example', path);
    await copyOf(path);
    const [sent, dropped] = [
      await stat('upstream_rq_mirror', 'mirror-limited'),
      await stat('upstream_rq_mirror_dropped', 'mirror-limited'),
    ];
    for (let request = 0; request < 3; request++) {
      expect((await exchange(proxy.port, 'limited.example', path)).body.toString()).toBe('hello');
    }
    await settle();
    expect([
      await stat('upstream_rq_mirror', 'mirror-limited'),
      await stat('upstream_rq_mirror_dropped', 'mirror-limited'),
    ]).toEqual([sent, dropped + 3]);
  });
});

it('nothing of the mirrors is left under way, and they are no requests of clients', async () => {
  const path = newPath();
  await exchange(proxy.port, 'all.example', path);
  await copyOf(path);
  expect((await proxy.metrics()).sum('istio_requests_total', { destination_service: 'other.example' })).toBe(0);
  await eventually('no request to the mirror is active', async () =>
    (await stat('upstream_rq_active', 'other')) === 0 ? true : undefined,
  );
});
