// SPDX-License-Identifier: Apache-2.0
import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster, Endpoint, HealthCheck, RoutingModel } from '../model/model.js';
import { eventually } from '../../test/support/gateway.js';
import { HealthChecker } from './health-checker.js';
import { runHealthCheck } from './run-health-check.js';

const TIMING = {
  host: '',
  initialDelayMs: 0,
  timeoutMs: 300,
  intervalMs: 5,
  successThreshold: 2,
  failureThreshold: 3,
};
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: net.Server | http2.Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const workload = {} as Endpoint['workload'];
const at = (port: number): Endpoint => ({ address: '127.0.0.1', port, weight: 1, healthy: true, workload });

/** What a check says: 'healthy', or the reason why not. */
function outcome(port: number, check: HealthCheck): Promise<string> {
  return runHealthCheck(at(port), check).then(
    () => 'healthy',
    (error: Error) => error.message,
  );
}

describe('a check', () => {
  it('by HTTP wants 200 to 399 of the path, with its headers', async () => {
    const asked: unknown[] = [];
    const server = http.createServer((request, response) => {
      asked.push([request.url, request.headers['x-probe']]);
      response.writeHead(Number(request.url?.slice(1))).end();
    });
    const port = await listen(server);
    const check = (path: string): HealthCheck => ({
      ...TIMING,
      kind: 'http',
      port,
      scheme: 'http',
      path,
      headers: { 'x-probe': 'yes' },
    });
    expect(await outcome(port, check('/200'))).toBe('healthy');
    expect(await outcome(port, check('/399'))).toBe('healthy');
    expect(await outcome(port, check('/400'))).toBe('status 400');
    expect(asked[0]).toEqual(['/200', 'yes']);
  });

  it('by TCP wants a connection', async () => {
    const server = net.createServer();
    const port = await listen(server);
    const check: HealthCheck = { ...TIMING, kind: 'tcp', port };
    expect(await outcome(port, check)).toBe('healthy');
    await new Promise((resolve) => server.close(resolve));
    expect(await outcome(port, check)).toContain('ECONNREFUSED');
  });

  it('by gRPC wants SERVING of grpc.health.v1 for its service', async () => {
    const server = http2.createServer();
    server.on('stream', (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const service = Buffer.concat(chunks).subarray(7).toString();
        const status = service === 'good' ? 1 : 2;
        const isKnown = service !== 'unknown' && headers[':path'] === '/grpc.health.v1.Health/Check';
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isKnown ? '0' : '5' }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
      });
    });
    const port = await listen(server);
    const check = (service: string): HealthCheck => ({ ...TIMING, kind: 'grpc', port, service });
    expect(await outcome(port, check('good'))).toBe('healthy');
    expect(await outcome(port, check('bad'))).toBe('not serving');
    expect(await outcome(port, check('unknown'))).toBe('grpc-status 5');
  });

  it.each(['http', 'grpc'] as const)('by %s ends when nothing is said in time', async (kind) => {
    const server = net.createServer((socket) => socket.on('error', () => undefined));
    const port = await listen(server);
    const check = { ...TIMING, kind, port, scheme: 'http', path: '/', headers: {}, service: '' } as HealthCheck;
    expect(await outcome(port, check)).toMatch(/timeout|aborted/i);
  });
});

describe('HealthChecker', () => {
  it('changes health after as many results in a row as the thresholds say', async () => {
    const results: ('good' | 'bad')[] = [
      'bad',
      'good',
      'bad',
      'good',
      'good',
      'bad',
      'bad',
      'good',
      'bad',
      'bad',
      'bad',
    ];
    const changes: string[] = [];
    let count = 0;
    const checker = new HealthChecker(
      () => undefined,
      (_address, reason) => changes.push(`${count}: ${reason ?? 'healthy'}`),
      () => (results[count++] === 'good' ? Promise.resolve() : Promise.reject(new Error('bad'))),
    );
    closers.push(() => checker.close());
    await checker.resolveModel(modelOf({ ...TIMING, kind: 'tcp', port: 1 }), 0);
    await eventually('all results are in', () => (count > results.length ? true : undefined));
    expect(changes).toEqual(['5: healthy', '11: bad']);
  });

  it('keeps requests away until the first success, which it waits for', async () => {
    const server = net.createServer();
    const port = await listen(server);
    const checker = new HealthChecker(
      () => undefined,
      () => undefined,
    );
    closers.push(() => checker.close());
    const check: HealthCheck = { ...TIMING, kind: 'tcp', port, successThreshold: 1 };
    const known = await checker.resolveModel(modelOf(check), 2000);
    expect(known.clusters[0]?.endpoints[0]?.healthy).toBe(true);
    const late = await checker.resolveModel(modelOf({ ...check, initialDelayMs: 60_000 }), 0);
    expect(late.clusters[0]?.endpoints[0]?.healthy).toBe(false);
  });
});

function modelOf(healthCheck: HealthCheck): RoutingModel {
  const endpoints = [{ ...at(healthCheck.port), healthCheck }];
  return { listeners: [], clusters: [{ name: 'c', endpoints } as unknown as Cluster] };
}
