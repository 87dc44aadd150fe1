// SPDX-License-Identifier: Apache-2.0
/** The life of a proxy process: reloads under traffic, draining on SIGTERM, and what the metrics say in the end. */
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway, GatewayOptions } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange, RawClient } from '../support/raw-client.js';
import type { Answer } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const HOST = 'web.example';
const running: { stop(): Promise<unknown> }[] = [];

async function start(options: Partial<GatewayOptions> = {}): Promise<{ upstream: RawUpstream; proxy: Gateway }> {
  const upstream = await RawUpstream.start();
  const proxy = await startGateway({
    threads: 2,
    config: [gateway(), ...forwarded('web', [{ port: upstream.port }])],
    ...options,
  });
  running.push(proxy, upstream);
  return { upstream, proxy };
}

afterEach(async () => {
  for (const each of running.splice(0)) await each.stop();
});

async function status(url: string): Promise<number> {
  return (await fetch(url)).status;
}

describe('SIGTERM', () => {
  it('fails readiness, lets the request in flight end, closes its connection, and exits with 0', async () => {
    const { upstream, proxy } = await start({ accessLog: 'TEXT' });
    let held: Answer | undefined;
    upstream.on('/held', (answer) => {
      held = answer;
    });
    const client = await RawClient.connect(proxy.port);
    client.request('GET', HOST, '/held');
    const answer = await eventually('the request is held', () => held);
    proxy.signal('SIGTERM');
    await eventually('readiness fails', async () =>
      (await status(`${proxy.statusUrl}/healthz/ready`)) === 503 ? true : undefined,
    );
    await eventually('the port is closed', async () => {
      const late = await RawClient.connect(proxy.port).catch(() => undefined);
      late?.close();
      return late ? undefined : true;
    });
    answer.send(ok('in time'));
    const response = await client.read();
    expect([response.body.toString(), response.get('connection')?.toLowerCase()]).toEqual(['in time', 'close']);
    expect(await proxy.ended).toEqual({ code: 0, signal: null });
    expect((await proxy.accessLog()).filter((line) => line.includes('/held'))).toHaveLength(1);
  });

  it('exits at once when nothing is under way', async () => {
    const { proxy } = await start({ drainSeconds: 60 });
    const idle = await RawClient.connect(proxy.port);
    idle.request('GET', HOST, '/');
    await idle.read();
    proxy.signal('SIGTERM');
    expect(await proxy.ended).toEqual({ code: 0, signal: null });
  });

  it('closes what is left after the drain time', async () => {
    const { upstream, proxy } = await start({ drainSeconds: 0.3 });
    let held: Answer | undefined;
    upstream.on('/held', (answer) => {
      held = answer;
    });
    const client = await RawClient.connect(proxy.port);
    client.request('GET', HOST, '/held');
    await eventually('the request is held', () => held);
    proxy.signal('SIGTERM');
    expect(await proxy.ended).toEqual({ code: 0, signal: null });
    expect((await client.read()).brokenAt).toBe('head');
  });

  it('given twice stops at once', async () => {
    const { upstream, proxy } = await start({ drainSeconds: 60 });
    let held: Answer | undefined;
    upstream.on('/held', (answer) => {
      held = answer;
    });
    const client = await RawClient.connect(proxy.port);
    client.request('GET', HOST, '/held');
    await eventually('the request is held', () => held);
    proxy.signal('SIGTERM');
    await eventually('it drains', () => (proxy.log().includes('draining') ? true : undefined));
    proxy.signal('SIGTERM');
    expect((await proxy.ended).code).toBe(143);
    client.close();
  });
});

describe('a change of configuration', () => {
  it('applies to new requests, and those under way end on the old one', async () => {
    const { upstream, proxy } = await start();
    const other = await RawUpstream.start((answer) => answer.send(ok('other')));
    running.push(other);
    let held: Answer | undefined;
    upstream.on('/held', (answer) => {
      held = answer;
    });
    const client = await RawClient.connect(proxy.port);
    client.request('GET', HOST, '/held');
    const answer = await eventually('the request is held', () => held);
    await proxy.writeConfig([gateway(), ...forwarded('web', [{ port: other.port }])]);
    await eventually('new requests go elsewhere', async () =>
      (await exchange(proxy.port, HOST, '/')).body.toString() === 'other' ? true : undefined,
    );
    answer.send(ok('from the old one'));
    expect((await client.read()).body.toString()).toBe('from the old one');
    client.request('GET', HOST, '/');
    expect((await client.read()).body.toString()).toBe('other');
    client.close();
  });

  it('that is wrong leaves the last good one in force', async () => {
    const { proxy } = await start();
    await proxy.writeConfig(['kind: [unclosed']);
    await eventually('the proxy says so', async () =>
      (await proxy.metrics()).sum('weft_config_stale') === 1 ? true : undefined,
    );
    expect((await exchange(proxy.port, HOST, '/')).status).toBe(200);
  });
});

describe('metrics', () => {
  it('equal what was sent, over all threads', async () => {
    const { upstream, proxy } = await start();
    const counts = { '/a': 40, '/missing': 15, '/broken': 5 };
    upstream.on('/missing', (answer) => answer.send('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'));
    upstream.on('/broken', (answer) => answer.socket.destroy());
    for (const [path, count] of Object.entries(counts)) {
      const options = { method: 'POST', body: 'x' };
      await Promise.all(Array.from({ length: count }, () => exchange(proxy.port, HOST, path, options)));
    }
    await Promise.all(Array.from({ length: 7 }, () => exchange(proxy.port, 'nobody.example', '/')));
    const cluster = { cluster_name: `outbound|8000||${HOST}` };
    const metrics = await eventually('nothing is under way', async () => {
      const scraped = await proxy.metrics();
      return scraped.sum('envoy_cluster_upstream_rq_active') === 0 ? scraped : undefined;
    });
    const requests = (labels: Record<string, string>): number => metrics.sum('istio_requests_total', labels);
    const service = { destination_service: HOST };
    expect(requests({ ...service, response_code: '200' })).toBe(40);
    expect(requests({ ...service, response_code: '404' })).toBe(15);
    expect(requests({ ...service, response_code: '503', response_flags: 'UC' })).toBe(5);
    expect(requests({ response_code: '404', response_flags: 'NR' })).toBe(7);
    expect(requests({})).toBe(67);
    expect(metrics.sum('envoy_cluster_upstream_rq_total', cluster)).toBe(60);
    const classes = ['2', '4', '5'].map((digit) =>
      metrics.sum('envoy_cluster_upstream_rq_xx', { ...cluster, response_code_class: digit }),
    );
    expect(classes).toEqual([40, 15, 5]);
    expect(metrics.sum('envoy_cluster_upstream_cx_total', cluster)).toBe(upstream.connectionCount);
    expect(metrics.sum('envoy_cluster_upstream_cx_destroy_with_active_rq', cluster)).toBe(5);
    expect(metrics.sum('istio_request_duration_milliseconds_count')).toBe(67);
    expect(metrics.sum('envoy_cluster_upstream_cx_active', cluster)).toBe(upstream.open.size);
  });
});
