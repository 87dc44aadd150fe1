// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import type { Cluster, RoutingModel } from '../model/model.js';
import { UNLIMITED } from '../model/model.js';
import { DnsResolver, resolveWithTtl } from './dns-resolver.js';
import type { ResolvedName } from './dns-resolver.js';

let resolver: DnsResolver | undefined;
afterEach(() => resolver?.close());

const UNKNOWN = {
  workload: 'unknown',
  namespace: 'unknown',
  app: 'unknown',
  version: 'unknown',
  canonicalService: 'unknown',
  canonicalRevision: 'unknown',
  principal: 'unknown',
};

function modelOf(...addresses: string[]): RoutingModel {
  const cluster: Cluster = {
    name: 'outbound|80||a.example',
    service: { host: 'a.example', name: 'a.example', namespace: 'default', port: 80 },
    subset: '',
    loadBalancer: 'ROUND_ROBIN',
    endpoints: addresses.map((address) => ({ address, port: 80, weight: 1, healthy: true, workload: UNKNOWN })),
    circuitBreaker: {
      maxConnections: UNLIMITED,
      maxPendingRequests: UNLIMITED,
      maxRequests: UNLIMITED,
      maxRetries: UNLIMITED,
    },
    connectTimeoutMs: 1000,
    idleTimeoutMs: 0,
    maxRequestsPerConnection: 0,
    origin: { kind: 'ServiceEntry', namespace: 'default', name: 'a', file: 'a.yaml', line: 1, path: 'spec' },
  };
  return { listeners: [], clusters: [cluster] };
}

function addressesOf(model: RoutingModel): string[] {
  return model.clusters.flatMap(({ endpoints }) => endpoints.map(({ address }) => address));
}

function withAnswers(answer: (name: string) => Promise<ResolvedName>): { failures: string[]; changed: Promise<void> } {
  const failures: string[] = [];
  const changed = new Promise<void>((resolve) => {
    resolver = new DnsResolver(resolve, (name) => failures.push(name), answer);
  });
  return { failures, changed };
}

describe('DnsResolver', () => {
  it('puts one endpoint for each address of a name, in a stable order, and leaves addresses alone', async () => {
    withAnswers(async () => ({ addresses: ['10.0.0.2', '10.0.0.1'], ttlMs: 60_000 }));
    const model = await resolver?.resolveModel(modelOf('192.0.2.1', 'a.example', '/run/a.sock'), 1000);
    expect(addressesOf(model ?? modelOf())).toEqual(['192.0.2.1', '10.0.0.1', '10.0.0.2', '/run/a.sock']);
  });

  it('returns the very model when it has no names', async () => {
    withAnswers(() => Promise.reject(new Error('must not be asked')));
    const model = modelOf('192.0.2.1', '2001:db8::1');
    expect(await resolver?.resolveModel(model, 1000)).toBe(model);
  });

  it('gives a name without an address no endpoints, and says so', async () => {
    const { failures } = withAnswers(() => Promise.reject(new Error('NXDOMAIN')));
    expect(addressesOf((await resolver?.resolveModel(modelOf('a.example'), 1000)) ?? modelOf('x'))).toEqual([]);
    expect(failures).toEqual(['a.example']);
  });

  it('asks again when the TTL ends and announces other addresses', async () => {
    const answers = ['10.0.0.1', '10.0.0.9'];
    const { changed } = withAnswers(async () => ({ addresses: [answers.shift() ?? '10.0.0.9'], ttlMs: 0 }));
    const model = modelOf('a.example');
    expect(addressesOf((await resolver?.resolveModel(model, 1000)) ?? modelOf())).toEqual(['10.0.0.1']);
    await changed;
    expect(addressesOf((await resolver?.resolveModel(model, 1000)) ?? modelOf())).toEqual(['10.0.0.9']);
  });

  it('keeps the last addresses when a later lookup fails', async () => {
    const answers = ['10.0.0.1'];
    const { failures } = withAnswers(async () => {
      const address = answers.shift();
      if (address === undefined) throw new Error('SERVFAIL');
      return { addresses: [address], ttlMs: 0 };
    });
    const model = modelOf('a.example');
    await resolver?.resolveModel(model, 1000);
    while (failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(addressesOf((await resolver?.resolveModel(model, 1000)) ?? modelOf())).toEqual(['10.0.0.1']);
  });

  it('does not wait longer than it is told, and announces what comes later', async () => {
    let answerNow: (found: ResolvedName) => void = () => undefined;
    const { changed } = withAnswers(() => new Promise((resolve) => (answerNow = resolve)));
    const model = modelOf('slow.example');
    expect(addressesOf((await resolver?.resolveModel(model, 1)) ?? modelOf('x'))).toEqual([]);
    answerNow({ addresses: ['10.0.0.3'], ttlMs: 60_000 });
    await changed;
    expect(addressesOf((await resolver?.resolveModel(model, 1)) ?? modelOf())).toEqual(['10.0.0.3']);
  });
});

describe('resolveWithTtl', () => {
  it('knows the names of the hosts file', async () => {
    const { addresses } = await resolveWithTtl('localhost');
    expect(addresses.every((address) => address === '127.0.0.1' || address === '::1')).toBe(true);
    expect(addresses.length).toBeGreaterThan(0);
  });
});
