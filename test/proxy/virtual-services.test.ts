// SPDX-License-Identifier: Apache-2.0
/** Which rule of which VirtualService takes a request: delegates, several of one host, and what a sidecar is given. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { gateway } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

let upstream: RawUpstream;
const proxies: Gateway[] = [];

function resource(kind: string, name: string, spec: object, namespace = 'default'): string {
  return stringify(
    { apiVersion: 'networking.istio.io/v1', kind, metadata: { name, namespace }, spec },
    { aliasDuplicateObjects: false },
  );
}

/** A service on port 80 whose answers are the upstream's. */
function known(host: string, namespace = 'default'): string {
  const spec = {
    hosts: [host],
    resolution: 'STATIC',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    endpoints: [{ address: '127.0.0.1', ports: { http: upstream.port } }],
  };
  return resource('ServiceEntry', host.replaceAll('.', '-'), spec, namespace);
}

/** A rule that answers with its own name. */
const saying = (text: string, rest: object = {}): object => ({
  ...rest,
  directResponse: { status: 200, body: { string: text } },
});
const at = (prefix: string, rest: object = {}): object => ({ uri: { prefix }, ...rest });
const forward = (host: string): object => ({ route: [{ destination: { host, port: { number: 80 } } }] });

async function start(config: readonly string[], options: readonly string[] = []): Promise<Gateway> {
  const proxy = await startGateway({ config, options, accessLog: 'JSON' });
  proxies.push(proxy);
  return proxy;
}

const SIDECAR = ['--role', 'sidecar', '--labels', 'app=client,version=v1'];

async function said(proxy: Gateway, host: string, path = '/'): Promise<string> {
  const { status, body } = await exchange(proxy.port, host, path);
  return status === 200 ? body.toString() : String(status);
}

beforeAll(async () => {
  upstream = await RawUpstream.start((answer) => answer.send(ok('upstream')));
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await upstream.stop();
});

describe('a delegate', () => {
  it('goes on where its root matches, with what the root adds, and leaves the rest to later rules', async () => {
    const host = 'shop.example';
    const root = {
      hosts: [host],
      gateways: ['edge'],
      http: [
        {
          name: 'root',
          match: [at('/api')],
          delegate: { name: 'team', namespace: 'team' },
          headers: { request: { set: { 'x-root': 'yes' } } },
          timeout: '200ms',
        },
        saying('behind'),
      ],
    };
    const team = {
      http: [
        { name: 'v1', match: [at('/api/v1')], ...forward('team.example') },
        { match: [at('/v2')], ...forward('team.example') },
        { name: 'own', match: [at('/api/own')], headers: { request: {} }, ...forward('team.example') },
      ],
    };
    const config = [
      gateway(),
      known('team.example', 'team'),
      resource('VirtualService', 'root', root),
      resource('VirtualService', 'team', team, 'team'),
    ];
    const proxy = await start(config);
    expect(await said(proxy, host, '/api/v1/orders')).toBe('upstream');
    expect(upstream.requestsFor('/api/v1/orders')[0]?.values('x-root')).toEqual(['yes']);
    expect(await proxy.accessLogLine('/api/v1/orders')).toContain('"root-v1"');
    // A block that fits no block of the root takes its whole rule with it.
    expect(await said(proxy, host, '/v2')).toBe('behind');
    expect(await said(proxy, host, '/api/other')).toBe('behind');
    // Fields are taken over as a whole: the delegate's own headers, although empty, replace those of the root.
    await said(proxy, host, '/api/own');
    expect(upstream.requestsFor('/api/own')[0]?.values('x-root')).toEqual([]);
    upstream.on('/api/v1/slow', () => undefined);
    expect(await said(proxy, host, '/api/v1/slow')).toBe('504');
    expect(proxy.log()).toContain('matches nothing that spec.http[0] of its root default/root matches');
  });
});

describe('several VirtualServices of one host', () => {
  const rules = (name: string, host: string, http: object[], gateways?: string[]): string =>
    resource('VirtualService', name, { hosts: [host], http, ...(gateways === undefined ? {} : { gateways }) });

  it('on a gateway: all rules in order of age, those that take everything last', async () => {
    const host = 'shared.example';
    const proxy = await start([
      gateway(),
      rules('b', host, [saying('b', { match: [at('/b')] }), saying('b takes all')], ['edge']),
      rules(
        'a',
        host,
        [saying('a too', { match: [at('/b/a')] }), saying('a', { match: [at('/a')] }), saying('never')],
        ['edge'],
      ),
    ]);
    expect(await said(proxy, host, '/a')).toBe('a');
    expect(await said(proxy, host, '/b/a')).toBe('b');
    expect(await said(proxy, host, '/c')).toBe('b takes all');
  });

  it('on a sidecar: the oldest alone', async () => {
    const proxy = await start(
      [
        known('one.example'),
        rules('first', 'one.example', [saying('first', { match: [at('/a')] })]),
        rules('second', 'one.example', [saying('second')]),
      ],
      SIDECAR,
    );
    expect(await said(proxy, 'one.example', '/a')).toBe('first');
    expect(await said(proxy, 'one.example', '/b')).toBe('404');
  });
});

describe('a sidecar', () => {
  it('takes the rules for its own labels, namespace and for mesh', async () => {
    const http = [
      saying('other labels', { match: [at('/', { sourceLabels: { app: 'other' } })] }),
      saying('other namespace', { match: [at('/', { sourceNamespace: 'other' })] }),
      saying('gateway', { match: [at('/', { gateways: ['edge'] })] }),
      saying('ignored labels', { match: [at('/mesh', { gateways: ['mesh'], sourceLabels: { app: 'other' } })] }),
      saying('mine', { match: [at('/', { sourceLabels: { app: 'client' }, sourceNamespace: 'default' })] }),
    ];
    const rules = { hosts: ['two.example'], gateways: ['mesh', 'edge'], http };
    const proxy = await start([gateway(), known('two.example'), resource('VirtualService', 'two', rules)], SIDECAR);
    expect(await said(proxy, 'two.example')).toBe('mine');
    expect(await said(proxy, 'two.example', '/mesh')).toBe('ignored labels');
  });

  it('falls back to the service where no rule is for it, and uses hosts that are no services on port 80', async () => {
    const rules = (host: string, match: object): string =>
      resource('VirtualService', host.replaceAll('.', '-'), {
        hosts: [host],
        http: [saying('rule', { match: [match] })],
      });
    const proxy = await start(
      [
        known('three.example'),
        rules('three.example', at('/', { sourceNamespace: 'other' })),
        rules('free.example', at('/')),
      ],
      SIDECAR,
    );
    expect(await said(proxy, 'three.example')).toBe('upstream');
    expect(await said(proxy, 'free.example')).toBe('rule');
  });

  it('is given what its Sidecar imports, and no more; an empty policy means the registry only', async () => {
    const policy = {
      workloadSelector: { labels: { app: 'client' } },
      egress: [{ hosts: ['./*', 'shared/cache.example', '~./secret.example'] }],
      outboundTrafficPolicy: {},
    };
    const proxy = await start(
      [
        ...['own.example', 'secret.example'].map((host) => known(host)),
        ...['cache.example', 'queue.example'].map((host) => known(host, 'shared')),
        resource('Sidecar', 'client', policy),
        resource('VirtualService', 'through', {
          hosts: ['own.example'],
          http: [{ match: [at('/q')], ...forward('queue.example') }, forward('own.example')],
        }),
      ],
      [...SIDECAR, '--outbound-traffic-policy', 'ALLOW_ANY'],
    );
    const answers = ['own.example', 'secret.example', 'cache.example', 'queue.example'].map((host) =>
      said(proxy, host),
    );
    expect(await Promise.all(answers)).toEqual(['upstream', '502', 'upstream', '502']);
    // What a VirtualService names is reached all the same.
    expect(await said(proxy, 'own.example', '/q')).toBe('upstream');
  });

  it('does not see what is not exported to its namespace', async () => {
    const hidden = { hosts: ['five.example'], exportTo: ['.'], http: [saying('hidden')] };
    const shown = { hosts: ['five.example'], exportTo: ['default'], http: [saying('shown')] };
    const proxy = await start(
      [
        known('five.example'),
        resource('VirtualService', 'hidden', hidden, 'other'),
        resource('VirtualService', 'shown', shown, 'other'),
      ],
      SIDECAR,
    );
    expect(await said(proxy, 'five.example')).toBe('shown');
  });
});

describe('a fault', () => {
  it('delays outside the timeout, aborts before retries and mirrors, and without a percentage does nothing', async () => {
    const one = { value: 100 };
    const rule = (name: string, fault: object, rest: object = {}): object => ({
      match: [at(`/${name}`)],
      fault,
      ...rest,
      ...forward('faulty.example'),
    });
    const rules = {
      hosts: ['faulty.example'],
      gateways: ['edge'],
      http: [
        rule('delayed', { delay: { fixedDelay: '300ms', percentage: one } }, { timeout: '200ms' }),
        rule('aborted', { abort: { httpStatus: 503, percentage: one } }, { retries: { attempts: 3, retryOn: '5xx' } }),
        rule('never', { abort: { httpStatus: 503 } }),
      ],
    };
    const proxy = await start([gateway(), known('faulty.example'), resource('VirtualService', 'faulty', rules)]);
    const started = performance.now();
    expect(await said(proxy, 'faulty.example', '/delayed')).toBe('upstream');
    expect(performance.now() - started).toBeGreaterThan(290);
    expect(await proxy.accessLogLine('/delayed')).toContain('"response_flags":"DI"');
    expect(await said(proxy, 'faulty.example', '/aborted')).toBe('503');
    expect(upstream.requestsFor('/aborted')).toEqual([]);
    expect(await proxy.accessLogLine('/aborted')).toContain('"response_flags":"FI"');
    expect(await said(proxy, 'faulty.example', '/never')).toBe('upstream');
  });
});
