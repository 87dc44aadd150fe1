// SPDX-License-Identifier: Apache-2.0
/** What breaks stays where it breaks: a dead endpoint, a dying thread and a client that sends rubbish harm nobody else. */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { FastUpstream } from '../support/fast-upstream.js';
import type { Gateway } from '../support/gateway.js';
import { eventually, freePort, startGateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { Load } from '../support/load.js';
import { RandomSource } from '../support/random.js';
import { exchange, RawClient } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function upstreamOf(name: string, delayMs = 0): Promise<FastUpstream> {
  const upstream = await FastUpstream.start(name, delayMs);
  cleanups.push(() => upstream.kill());
  return upstream;
}

async function proxyOf(config: readonly string[], threads: number): Promise<Gateway> {
  const proxy = await startGateway({ config: [gateway(), ...config], threads });
  cleanups.push(() => proxy.stop());
  return proxy;
}

/** Waits until a number stops being below `atLeast`. */
function reached(what: string, read: () => number, atLeast: number): Promise<true> {
  return eventually(what, () => (read() >= atLeast ? true : undefined), 10_000);
}

/** Waits until no request is counted as active on any cluster or thread. */
function nothingActive(proxy: Gateway): Promise<true> {
  return eventually('nothing is counted as active', async () => {
    const metrics = await proxy.metrics();
    const gauges = ['envoy_cluster_upstream_rq_active', 'envoy_cluster_upstream_rq_pending_active'];
    const active = [...gauges, 'weft_thread_active_requests'].map((name) => metrics.sum(name));
    return active.every((value) => value === 0) ? true : undefined;
  });
}

/** Waits for the thread where it has only just been started. */
async function crash(proxy: Gateway, thread: number): Promise<void> {
  await eventually(`thread ${thread} runs and is crashed`, async () => {
    const answer = await fetch(`${proxy.adminUrl}/threads/${thread}/crash`, { method: 'POST' });
    return answer.status === 200 ? true : undefined;
  });
}

async function restarts(proxy: Gateway): Promise<number> {
  return (await proxy.metrics()).sum('weft_thread_restarts_total');
}

describe('an endpoint that is killed', () => {
  it('fails requests of its own cluster only, which get an answer each', async () => {
    const [steady, doomed] = [await upstreamOf('steady'), await FastUpstream.start('doomed')];
    const config = [...forwarded('steady', [{ port: steady.port }]), ...forwarded('doomed', [{ port: doomed.port }])];
    const proxy = await proxyOf(config, 2);
    const steadyLoad = new Load({ port: proxy.port, host: 'steady.example', connections: 4 });
    const doomedLoad = new Load({
      port: proxy.port,
      host: 'doomed.example',
      connections: 4,
      allowedStatuses: [200, 503],
    });
    await reached('both are under load', () => Math.min(steadyLoad.requestCount, doomedLoad.requestCount), 200);
    await doomed.kill();
    const before = steadyLoad.requestCount;
    await reached('the others go on', () => steadyLoad.requestCount, before + 500);
    const [steadyReport, doomedReport] = [await steadyLoad.stop(), await doomedLoad.stop()];
    expect(steadyReport.failures).toEqual([]);
    expect(steadyReport.statuses).toEqual({ 200: steadyReport.requestCount });
    expect(doomedReport.failures).toEqual([]);
    expect(doomedReport.statuses['503']).toBeGreaterThan(0);
    // No connection of a client was closed for what an upstream did.
    expect([steadyReport.connectionCount, doomedReport.connectionCount]).toEqual([4, 4]);
    await nothingActive(proxy);
    const metrics = await proxy.metrics();
    const cluster = { cluster_name: 'outbound|8000||doomed.example' };
    expect(metrics.sum('envoy_cluster_upstream_cx_active', cluster)).toBe(0);
  });

  it('is used again when it is back', async () => {
    const first = await FastUpstream.start('first');
    const { port } = first;
    const proxy = await proxyOf(forwarded('shop', [{ port }]), 1);
    expect((await exchange(proxy.port, 'shop.example', '/')).status).toBe(200);
    await first.kill();
    expect((await exchange(proxy.port, 'shop.example', '/')).status).toBe(503);
    const second = await FastUpstream.start('second', 0, port);
    cleanups.push(() => second.kill());
    const answer = await exchange(proxy.port, 'shop.example', '/');
    expect([answer.status, answer.get('x-upstream')]).toEqual([200, 'second']);
  });
});

describe('a data-path thread that meets an error nobody caught', () => {
  it.each([1, 2])('completes what is under way and is replaced, with no request lost (%d threads)', async (threads) => {
    const upstream = await upstreamOf('slow', 5);
    const proxy = await proxyOf(forwarded('shop', [{ port: upstream.port }]), threads);
    const load = new Load({ port: proxy.port, host: 'shop.example', connections: 8 });
    for (let round = 1; round <= 3; round++) {
      const before = load.requestCount;
      await reached('load', () => load.requestCount, before + 200);
      await crash(proxy, round % threads);
      await eventually('the thread is replaced', async () => ((await restarts(proxy)) >= round ? true : undefined));
      // A replacement that dies at once is a different story.
      await sleep(300);
    }
    const after = load.requestCount;
    await reached('load after the last crash', () => load.requestCount, after + 200);
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.statuses).toEqual({ 200: report.requestCount });
    await nothingActive(proxy);
    expect(proxy.log()).toContain('crashed on request');
  });

  it('answers the requests under way on it, and says that their connections end', async () => {
    const upstream = await RawUpstream.start();
    cleanups.push(() => upstream.stop());
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    upstream.on('/slow', async (answer) => {
      await released;
      answer.send(ok('slow'));
    });
    const proxy = await proxyOf(forwarded('shop', [{ port: upstream.port }]), 1);
    const client = await RawClient.connect(proxy.port);
    cleanups.push(() => Promise.resolve(client.close()));
    client.request('GET', 'shop.example', '/slow');
    await eventually('the request is under way', () => (upstream.requestsFor('/slow').length > 0 ? true : undefined));
    await crash(proxy, 0);
    await eventually('the replacement serves', () =>
      proxy.log().includes('the replacement of a data-path thread serves') ? true : undefined,
    );
    // The order to drain was given before that line, but goes through another queue.
    await sleep(200);
    release();
    const answer = await client.read();
    expect([answer.status, answer.body.toString(), answer.brokenAt]).toEqual([200, 'slow', null]);
    expect(answer.get('connection')).toBe('close');
    await nothingActive(proxy);
  });

  it('is replaced by one that opens the ports of a reload in the same moment', async () => {
    const upstream = await upstreamOf('shop');
    const config = forwarded('shop', [{ port: upstream.port }]);
    const proxy = await proxyOf(config, 1);
    const newPort = await freePort();
    // The second Gateway's port is not mapped: it is listened on as it is. Its host is found in the same VirtualService.
    const second = gateway('second').replace('number: 80', `number: ${newPort}`);
    const both = [gateway(), second, ...config].map((text) => text.replace('- edge', '- edge\n    - second'));
    await crash(proxy, 0);
    await proxy.writeConfig(both);
    const answer = await eventually('the new port is open', () =>
      exchange(newPort, 'shop.example', '/').catch(() => undefined),
    );
    expect(answer.status).toBe(200);
    expect(await restarts(proxy)).toBe(1);
  });

  it('gives back what requests held that outlive its last seconds', async () => {
    const upstream = await RawUpstream.start();
    cleanups.push(() => upstream.stop());
    upstream.on('/never', () => undefined);
    const limits = { trafficPolicy: { connectionPool: { tcp: { maxConnections: 1 }, http: { http2MaxRequests: 1 } } } };
    const proxy = await proxyOf(forwarded('shop', [{ port: upstream.port }], limits), 1);
    const client = await RawClient.connect(proxy.port);
    cleanups.push(() => Promise.resolve(client.close()));
    client.request('GET', 'shop.example', '/never');
    await eventually('the request is under way', () => (upstream.requestsFor('/never').length > 0 ? true : undefined));
    await crash(proxy, 0);
    // The limit of 1 is still held by the request on the dying thread.
    await eventually('the replacement serves', async () => {
      const answer = await exchange(proxy.port, 'shop.example', '/').catch(() => undefined);
      return answer?.status === 503 ? true : undefined;
    });
    await eventually(
      'the limit is free again',
      async () => ((await exchange(proxy.port, 'shop.example', '/')).status === 200 ? true : undefined),
      10_000,
    );
    expect((await client.read()).brokenAt).toBe('head');
    await nothingActive(proxy);
  });
});

describe('rubbish on the port', () => {
  const PIECES = [
    'GET ',
    '/',
    ' HTTP/1.1\r\n',
    'host: shop.example',
    '\r\n',
    '\0',
    ': ',
    'content-length: 99999',
    'transfer-encoding: chunked',
    '\x16\x03\x01',
    '0\r\n\r\n',
    'ÿ',
  ];

  function rubbish(random: RandomSource): Buffer {
    if (random.chance(0.3)) return Buffer.from(Array.from({ length: 1 + random.below(500) }, () => random.below(256)));
    let text = '';
    for (let count = 1 + random.below(20); count > 0; count--) text += random.pick(PIECES);
    return Buffer.from(text, 'latin1');
  }

  it('harms no other connection', async () => {
    const upstream = await upstreamOf('shop');
    const proxy = await proxyOf(forwarded('shop', [{ port: upstream.port }]), 1);
    const load = new Load({ port: proxy.port, host: 'shop.example', connections: 4 });
    const random = new RandomSource(20);
    for (let count = 0; count < 300; count++) {
      const socket = net.connect({ port: proxy.port, host: '127.0.0.1' });
      // That the proxy closes or resets it is what rubbish deserves.
      socket.on('error', () => undefined);
      const gone = new Promise((resolve) => socket.once('close', resolve));
      socket.write(rubbish(random));
      await sleep(3);
      if (random.chance(0.5)) socket.resetAndDestroy();
      else socket.destroy();
      await gone;
    }
    const report = await load.stop();
    expect(report.failures).toEqual([]);
    expect(report.requestCount).toBeGreaterThan(500);
    expect(report.connectionCount).toBe(4);
    await nothingActive(proxy);
    expect(await restarts(proxy)).toBe(0);
    expect(proxy.log()).not.toContain('internal error');
  });
});
