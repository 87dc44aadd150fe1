// SPDX-License-Identifier: Apache-2.0
/** What a sidecar does with requests that leave the mesh: unknown hosts, and services whose address the request brings. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { exchange, RawClient } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

let outside: RawUpstream;
let registered: RawUpstream;

function resource(kind: string, name: string, spec: object): string {
  return stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec });
}

/** A service of the mesh on the port that the proxy listens on. */
function known(): string {
  return resource('ServiceEntry', 'known', {
    hosts: ['known.example'],
    resolution: 'STATIC',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    endpoints: [{ address: '127.0.0.1', ports: { http: registered.port } }],
  });
}

const SIDECAR = ['--role', 'sidecar', '--labels', 'app=client'];
const proxies: Gateway[] = [];

async function sidecar(config: readonly string[], options: readonly string[] = []): Promise<Gateway> {
  const proxy = await startGateway({ config, accessLog: 'JSON', options: [...SIDECAR, ...options] });
  proxies.push(proxy);
  return proxy;
}

beforeAll(async () => {
  outside = await RawUpstream.start((answer) => answer.send(ok(`outside saw ${answer.request.values('host').join()}`)));
  registered = await RawUpstream.start((answer) => answer.send(ok('registered')));
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await Promise.all([outside.stop(), registered.stop()]);
});

async function logged(proxy: Gateway, path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await proxy.accessLogLine(`"${path}"`)) as Record<string, unknown>;
}

describe('an unknown host', () => {
  it('is 502 where only the registry may be reached, counted for BlackHoleCluster', async () => {
    const proxy = await sidecar([known()]);
    expect((await exchange(proxy.port, 'known.example', '/')).body.toString()).toBe('registered');
    const answer = await exchange(proxy.port, `localhost:${outside.port}`, '/blocked');
    expect([answer.status, answer.body.length]).toEqual([502, 0]);
    const line = await logged(proxy, '/blocked');
    expect([line['route_name'], line['response_code_details']]).toEqual(['block_all', 'direct_response']);
    const labels = { destination_service_name: 'BlackHoleCluster', response_code: '502' };
    await eventually('it is counted', async () =>
      (await proxy.metrics()).sum('istio_requests_total', labels) === 1 ? true : undefined,
    );
  });

  it('is reached with ALLOW_ANY, by name or address, through PassthroughCluster', async () => {
    const policy = resource('Sidecar', 'egress', { outboundTrafficPolicy: { mode: 'ALLOW_ANY' } });
    const proxy = await sidecar([known(), policy]);
    for (const host of ['localhost', '127.0.0.1']) {
      const authority = `${host}:${outside.port}`;
      const answer = await exchange(proxy.port, authority, '/allowed');
      expect(answer.body.toString()).toBe(`outside saw ${authority}`);
    }
    expect((await exchange(proxy.port, 'known.example', '/')).body.toString()).toBe('registered');
    const line = await logged(proxy, '/allowed');
    expect([line['route_name'], line['upstream_cluster']]).toEqual(['allow_any', 'PassthroughCluster']);
    const labels = { destination_service_name: 'PassthroughCluster' };
    await eventually('they are counted', async () =>
      (await proxy.metrics()).sum('istio_requests_total', labels) === 2 ? true : undefined,
    );
  });

  it('may be asked for as from a forward proxy, in absolute form', async () => {
    if (process.env['WEFT_FRONT'] === 'uws') return;
    const proxy = await sidecar([known()], ['--outbound-traffic-policy', 'ALLOW_ANY']);
    const client = await RawClient.connect(proxy.port);
    client.send(`GET http://127.0.0.1:${outside.port}/absolute HTTP/1.1\r\nhost: 127.0.0.1:${outside.port}\r\n\r\n`);
    const answer = await client.read();
    client.close();
    expect(answer.body.toString()).toBe(`outside saw 127.0.0.1:${outside.port}`);
  });

  it('that is the proxy itself is refused instead of going round for ever', async () => {
    const proxy = await sidecar([known()], ['--outbound-traffic-policy', 'ALLOW_ANY']);
    for (const host of ['localhost', '127.0.0.1']) {
      expect((await exchange(proxy.port, `${host}:${proxy.port}`, '/loop')).status).toBe(503);
    }
  });

  it('is reached as soon as a Sidecar says so, without a restart', async () => {
    const policy = (mode: string): string => resource('Sidecar', 'egress', { outboundTrafficPolicy: { mode } });
    const proxy = await sidecar([known(), policy('REGISTRY_ONLY')]);
    const authority = `127.0.0.1:${outside.port}`;
    expect((await exchange(proxy.port, authority, '/')).status).toBe(502);
    await proxy.writeConfig([known(), policy('ALLOW_ANY')]);
    await eventually('the change is in force', async () =>
      (await exchange(proxy.port, authority, '/')).status === 200 ? true : undefined,
    );
  });

  it('goes to the egressProxy of the Sidecar', async () => {
    const mode = { mode: 'ALLOW_ANY', egressProxy: { host: 'known.example', port: { number: 80 } } };
    const proxy = await sidecar([known(), resource('Sidecar', 'egress', { outboundTrafficPolicy: mode })]);
    expect((await exchange(proxy.port, 'anything.example', '/')).body.toString()).toBe('registered');
  });
});

describe('a ServiceEntry', () => {
  it('of resolution NONE sends requests where their Host leads, and other hosts are still refused', async () => {
    const entry = resource('ServiceEntry', 'none', {
      hosts: ['localhost'],
      resolution: 'NONE',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    });
    const proxy = await sidecar([known(), entry]);
    const answer = await exchange(proxy.port, `localhost:${outside.port}`, '/none');
    expect(answer.body.toString()).toBe(`outside saw localhost:${outside.port}`);
    expect((await exchange(proxy.port, `127.0.0.1:${outside.port}`, '/none')).status).toBe(502);
  });
});
