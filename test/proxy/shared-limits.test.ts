// SPDX-License-Identifier: Apache-2.0
/** Limits are the process's, whichever thread a request comes to: under load from all sides they hold, and nobody starves. */
import { afterEach, describe, expect, it } from 'vitest';
import { FastUpstream } from '../support/fast-upstream.js';
import type { Gateway } from '../support/gateway.js';
import { eventually, startGateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { Load } from '../support/load.js';
import { exchange } from '../support/raw-client.js';

const cleanups: (() => Promise<unknown>)[] = [];
const CLUSTER = { cluster_name: 'outbound|8000||shop.example' };

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Two threads in front of an upstream whose cluster has these limits. */
async function limitedProxy(tcp: object, http: object, delayMs: number): Promise<Gateway> {
  const upstream = await FastUpstream.start('shop', delayMs);
  cleanups.push(() => upstream.kill());
  const rule = { trafficPolicy: { connectionPool: { tcp, http } } };
  const proxy = await startGateway({
    config: [gateway(), ...forwarded('shop', [{ port: upstream.port }], rule)],
    threads: 2,
  });
  cleanups.push(() => proxy.stop());
  return proxy;
}

async function gaugesReturn(proxy: Gateway): Promise<void> {
  for (const name of ['rq_active', 'rq_pending_active']) {
    await eventually(`${name} is zero`, async () => {
      return (await proxy.metrics()).sum(`envoy_cluster_upstream_${name}`, CLUSTER) === 0 ? true : undefined;
    });
  }
}

describe('limits over two threads', () => {
  it('let every request through one connection in turn', async () => {
    const proxy = await limitedProxy({ maxConnections: 1 }, {}, 0);
    const load = new Load({ port: proxy.port, host: 'shop.example', connections: 8, requests: 3000 });
    let mostConnections = 0;
    await eventually(
      'all are answered',
      async () => {
        const connections = (await proxy.metrics()).sum('envoy_cluster_upstream_cx_active', CLUSTER);
        mostConnections = Math.max(mostConnections, connections);
        return load.requestCount + load.failureCount >= 3000 ? true : undefined;
      },
      20_000,
    );
    const report = await load.whenDone();
    expect(report.failures).toEqual([]);
    expect(report.statuses).toEqual({ 200: 3000 });
    expect(mostConnections).toBe(1);
    await gaugesReturn(proxy);
  });

  it('are free again when the answer is there, also with the last one of a connection', async () => {
    const proxy = await limitedProxy({ maxConnections: 1 }, { http2MaxRequests: 1, maxRequestsPerConnection: 1 }, 0);
    const statuses = new Map<number, number>();
    for (let count = 0; count < 1000; count++) {
      const { status } = await exchange(proxy.port, 'shop.example', '/', { fields: 'connection: close\r\n' });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    expect([...statuses]).toEqual([[200, 1000]]);
  });

  it('refuse what is too much at once, and count exactly that', async () => {
    const proxy = await limitedProxy({}, { http2MaxRequests: 3 }, 5);
    const load = new Load({
      port: proxy.port,
      host: 'shop.example',
      connections: 8,
      requests: 2000,
      allowedStatuses: [200, 503],
    });
    const report = await load.whenDone();
    expect(report.failures).toEqual([]);
    const { 200: answered = 0, 503: refused = 0 } = report.statuses;
    expect(answered + refused).toBe(2000);
    expect(Math.min(answered, refused)).toBeGreaterThan(0);
    const metrics = await proxy.metrics();
    expect(metrics.sum('envoy_cluster_upstream_rq_pending_overflow', CLUSTER)).toBe(refused);
    expect(metrics.sum('envoy_cluster_upstream_rq_total', CLUSTER)).toBe(answered);
    await gaugesReturn(proxy);
  });
});
