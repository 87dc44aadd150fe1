// SPDX-License-Identifier: Apache-2.0
/** A Sidecar's ingress: the proxy in front of its own workload. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { SERVICE_PORT } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import type { Answer } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

let workload: RawUpstream;
let proxy: Gateway;

beforeAll(async () => {
  workload = await RawUpstream.start();
  const sidecar = {
    ingress: [
      {
        port: { number: 80, protocol: 'HTTP', name: 'http' },
        defaultEndpoint: `127.0.0.1:${workload.port}`,
        connectionPool: { http: { http2MaxRequests: 2 } },
      },
    ],
  };
  const service = { selector: { app: 'web' }, ports: [{ name: 'http', port: SERVICE_PORT, targetPort: 80 }] };
  proxy = await startGateway({
    config: [
      stringify({ apiVersion: 'networking.istio.io/v1', kind: 'Sidecar', metadata: { name: 'web' }, spec: sidecar }),
      stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: service }),
    ],
    options: ['--role', 'sidecar', '--labels', 'app=web'],
  });
});

afterAll(async () => {
  await proxy.stop();
  await workload.stop();
});

describe('an ingress port', () => {
  it('sends requests for any host to the workload, with what proxies before it have said', async () => {
    const fields = 'x-forwarded-for: 10.1.1.1\r\nx-request-id: one\r\n';
    const answer = await exchange(proxy.port, 'any.example', '/in', { fields });
    expect(answer.body.toString()).toBe('hello');
    const [request] = workload.requestsFor('/in');
    expect([request?.values('host'), request?.values('x-forwarded-for'), request?.values('x-request-id')]).toEqual([
      ['any.example'],
      ['10.1.1.1'],
      ['one'],
    ]);
  });

  it('is counted by the side of the destination', async () => {
    const labels = { reporter: 'destination', destination_service_name: 'web', response_code: '200' };
    await eventually('it is counted', async () =>
      (await proxy.metrics()).sum('istio_requests_total', labels) > 0 ? true : undefined,
    );
  });

  it('keeps to the limits of its entry', async () => {
    const waiting: Answer[] = [];
    workload.on('/held', (answer) => waiting.push(answer));
    const held = [0, 1].map(() => exchange(proxy.port, 'web', '/held'));
    await eventually('two are under way', () => (waiting.length === 2 ? true : undefined));
    expect((await exchange(proxy.port, 'web', '/held')).status).toBe(503);
    for (const answer of waiting) answer.send(ok('late'));
    expect((await Promise.all(held)).map((answer) => answer.status)).toEqual([200, 200]);
  });
});
