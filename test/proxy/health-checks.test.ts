// SPDX-License-Identifier: Apache-2.0
/** Active health checks: an endpoint that does not answer its probe gets no requests, and gets them again when it does. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { gateway, to, virtualService } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const HOST = 'checked.example';
let first: RawUpstream;
let second: RawUpstream;
let isFirstWell = true;
let proxy: Gateway;

function resource(kind: string, name: string, spec: object, annotations: Record<string, string> = {}): string {
  return stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name, annotations }, spec });
}

function selecting(host: string, labels: Record<string, string>, annotations = {}): string {
  const spec = {
    hosts: [host],
    location: 'MESH_INTERNAL',
    resolution: 'STATIC',
    ports: [{ number: 8000, name: 'http', protocol: 'HTTP' }],
    workloadSelector: { labels },
  };
  return resource('ServiceEntry', host.replaceAll('.', '-'), spec, annotations);
}

const entry = (name: string, port: number, labels: Record<string, string>): string =>
  resource('WorkloadEntry', name, { address: '127.0.0.1', ports: { http: port }, labels });

beforeAll(async () => {
  first = await RawUpstream.start((answer) => answer.send(ok('first')));
  second = await RawUpstream.start((answer) => answer.send(ok('second')));
  first.on('/healthz', (answer) => answer.send(isFirstWell ? ok('') : 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n'));
  const group = (name: string, port: number): string =>
    resource('WorkloadGroup', name, {
      metadata: { labels: { group: name } },
      template: {},
      probe: { periodSeconds: 1, httpGet: { path: '/healthz', port } },
    });
  const noPort = JSON.stringify({ periodSeconds: 1, tcpSocket: { port: 1 } });
  proxy = await startGateway({
    config: [
      gateway(),
      selecting(HOST, { app: 'checked' }),
      virtualService(HOST, [{ route: [to(HOST)] }]),
      group('one', first.port),
      group('two', second.port),
      entry('first', first.port, { app: 'checked', group: 'one' }),
      entry('second', second.port, { app: 'checked', group: 'two' }),
      selecting('closed.example', { app: 'unchecked' }, { 'proxy.weft/probe': noPort }),
      virtualService('closed.example', [{ route: [to('closed.example')] }]),
      entry('unchecked', first.port, { app: 'unchecked' }),
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await Promise.all([first.stop(), second.stop()]);
});

/** Who answers twenty requests. */
async function answering(): Promise<string> {
  const names = new Set<string>();
  for (let request = 0; request < 20; request++) names.add((await exchange(proxy.port, HOST, '/')).body.toString());
  return [...names].sort().join();
}

describe('the probe of a WorkloadGroup', () => {
  it('takes an endpoint out and brings it back', async () => {
    expect(await answering()).toBe('first,second');
    isFirstWell = false;
    await eventually('only the second answers', async () => ((await answering()) === 'second' ? true : undefined));
    const labels = { cluster_name: `outbound|8000||${HOST}` };
    expect((await proxy.metrics()).sum('envoy_cluster_membership_healthy', labels)).toBe(1);
    expect(proxy.log()).toContain('endpoint is unhealthy');
    isFirstWell = true;
    await eventually('both answer', async () => ((await answering()) === 'first,second' ? true : undefined));
  });
});

describe('a probe as an annotation of the service', () => {
  it('that fails leaves no endpoint: 503', async () => {
    const answer = await exchange(proxy.port, 'closed.example', '/');
    expect([answer.status, answer.body.toString()]).toEqual([503, 'no healthy upstream']);
  });
});
