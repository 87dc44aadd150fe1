// SPDX-License-Identifier: Apache-2.0
import { request as httpRequest } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { fakeAdminSource } from '../../test/support/admin-source.js';
import { parseExposition } from '../../test/support/exposition.js';
import { SERVER } from '../../test/support/statistics.js';
import { AdminListenError } from './http-server.js';
import type { RunningServer } from './http-server.js';
import { startMetricsServer, startStatusServer } from './probe-servers.js';

const LOCAL = { address: '127.0.0.1', port: 0 };
const running: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function startStatus(state = SERVER.state): Promise<string> {
  const source = fakeAdminSource({ server: () => ({ ...SERVER, state }) });
  const server = await startStatusServer({ source, listen: LOCAL });
  running.push(server);
  return `http://127.0.0.1:${server.port}`;
}

async function startMetrics(): Promise<string> {
  const server = await startMetricsServer({ source: fakeAdminSource(), listen: LOCAL });
  running.push(server);
  return `http://localhost:${server.port}`;
}

/** The body as it was sent: fetch would decompress it. */
function fetchRaw(
  url: string,
  headers: Record<string, string>,
): Promise<{ encoding: string | undefined; body: Buffer }> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('the status server', () => {
  it('is ready while the proxy is live, and has nothing else', async () => {
    const base = await startStatus();
    expect((await fetch(`${base}/healthz/ready`)).status).toBe(200);
    expect((await fetch(`${base}/ready`)).status).toBe(404);
    expect((await fetch(`${base}/healthz/ready`, { method: 'POST' })).status).toBe(405);
  });

  it('says why it is not ready', async () => {
    const response = await fetch(`${await startStatus('DRAINING')}/healthz/ready`);
    expect([response.status, await response.text()]).toEqual([503, 'DRAINING\n']);
  });
});

describe('the metrics server', () => {
  it('serves the exposition under both paths, to whoever asks under any name', async () => {
    const base = await startMetrics();
    for (const path of ['/stats/prometheus', '/metrics']) {
      const { body } = await fetchRaw(base + path, { host: 'weft.demo.svc:15090' });
      expect(parseExposition(body.toString()).has('envoy_server_live')).toBe(true);
    }
    expect((await fetch(`${base}/quitquitquit`, { method: 'POST' })).status).toBe(404);
  });

  it('gives OpenMetrics to a scraper that prefers it', async () => {
    const response = await fetch(`${await startMetrics()}/metrics`, {
      headers: { accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5' },
    });
    expect(parseExposition(await response.text(), 'openmetrics').has('istio_requests')).toBe(true);
  });

  it('compresses when asked, and only then', async () => {
    const url = `${await startMetrics()}/metrics`;
    const compressed = await fetchRaw(url, { 'accept-encoding': 'br;q=1.0, gzip' });
    expect(compressed.encoding).toBe('gzip');
    expect(parseExposition(gunzipSync(compressed.body).toString()).size).toBeGreaterThan(20);
    for (const coding of ['identity', 'gzip;q=0', 'gzip; q=0.000', '']) {
      expect((await fetchRaw(url, { 'accept-encoding': coding })).encoding, coding).toBeUndefined();
    }
  });

  it('refuses parameters that it does not know', async () => {
    expect((await fetch(`${await startMetrics()}/metrics?name=x`)).status).toBe(400);
  });
});

describe('an address that cannot be bound', () => {
  it('is one clear line', async () => {
    const base = new URL(await startMetrics());
    const listen = { address: '127.0.0.1', port: Number(base.port) };
    const attempt = startStatusServer({ source: fakeAdminSource(), listen });
    await expect(attempt).rejects.toBeInstanceOf(AdminListenError);
    await expect(attempt).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `the status server cannot listen on 127.0.0.1:${base.port}: the port is in use by another process (EADDRINUSE)`,
    });
  });

  it('names an address that the machine does not have', async () => {
    const attempt = startStatusServer({ source: fakeAdminSource(), listen: { address: '192.0.2.1', port: 0 } });
    await expect(attempt).rejects.toMatchObject({
      message:
        'the status server cannot listen on 192.0.2.1:0: this machine does not have that address (EADDRNOTAVAIL)',
    });
  });
});

describe('close', () => {
  it('does not wait for idle keep-alive connections', async () => {
    const server = await startStatusServer({ source: fakeAdminSource(), listen: LOCAL });
    await (await fetch(`http://127.0.0.1:${server.port}/healthz/ready`)).text();
    await server.close();
    await expect(fetch(`http://127.0.0.1:${server.port}/healthz/ready`)).rejects.toThrow();
  });
});
