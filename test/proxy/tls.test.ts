// SPDX-License-Identifier: Apache-2.0
/** Gateway servers with TLS: modes, choice by server name, sessions, and certificates that change or are bad. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ServerTlsSpec } from '../../src/resources/types.js';
import { Authority } from '../support/certificates.js';
import type { Certificate } from '../support/certificates.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { GATEWAY_PORT, service, to, virtualService } from '../support/istio-yaml.js';
import { requestOverTls, TlsLoad } from '../support/tls-client.js';
import type { TlsReply, TlsWishes } from '../support/tls-client.js';

const REFUSED = /closed without an answer|ECONNRESET|disconnected|alert|socket hang up|EPIPE/;

const servers = new Authority('servers');
const clients = new Authority('clients');
const strangers = new Authority('strangers');
const certificateOf = (name: string): Certificate => servers.issue({ commonName: name, dnsNames: [name] });
const client = clients.issue({ commonName: 'c"l', dnsNames: ['cl.test'], uris: ['spiffe://td/ns/x/sa/y'] });
const stranger = strangers.issue({ commonName: 'stranger' });

const folder = mkdtempSync(join(tmpdir(), 'weft-tls-'));
const certificateFile = join(folder, 'tls.crt');
const keyFile = join(folder, 'tls.key');

function writePair({ certificate, privateKey }: Certificate): void {
  writeFileSync(certificateFile, certificate);
  writeFileSync(keyFile, privateKey);
}

function secret(name: string, entries: Readonly<Record<string, string>>): string {
  const data = Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, btoa(text)]));
  return stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, data });
}

function pairSecret(name: string, { certificate, privateKey }: Certificate, more = {}): string {
  return secret(name, { 'tls.crt': certificate, 'tls.key': privateKey, ...more });
}

function gatewayOf(hosts: Readonly<Record<string, ServerTlsSpec>>): string {
  const list = Object.entries(hosts).map(([host, tls], index) => {
    return { port: { number: GATEWAY_PORT, name: `https-${index}`, protocol: 'HTTPS' }, hosts: [host], tls };
  });
  return stringify({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'edge' },
    spec: { selector: { istio: 'ingressgateway' }, servers: list },
  });
}

const HOSTS: Readonly<Record<string, ServerTlsSpec>> = {
  'a.test': { mode: 'SIMPLE', credentialName: 'a' },
  '*.wild.test': { mode: 'SIMPLE', credentialName: 'wild', minProtocolVersion: 'TLSV1_3' },
  'exact.wild.test': { mode: 'SIMPLE', serverCertificate: certificateFile, privateKey: keyFile },
  'm.test': { mode: 'MUTUAL', credentialName: 'm' },
  'named.test': { mode: 'MUTUAL', credentialName: 'm', subjectAltNames: ['spiffe://other'] },
  'o.test': { mode: 'OPTIONAL_MUTUAL', credentialName: 'o' },
  'missing.test': { mode: 'SIMPLE', credentialName: 'nowhere' },
};

let upstream: Server;
let proxy: Gateway;

function configOf(secrets: readonly string[]): string[] {
  const { port } = upstream.address() as AddressInfo;
  const hosts = ['a.test', '*.wild.test', 'm.test', 'named.test', 'o.test', 'missing.test'];
  return [
    gatewayOf(HOSTS),
    ...secrets,
    service('echo.test', [{ port }]),
    ...hosts.map((host) =>
      virtualService(host.replace('*', 'any'), [{ route: [to('echo.test')] }]).replace(
        `- any.wild.test`,
        `- "*.wild.test"`,
      ),
    ),
  ];
}

const SECRETS = [
  pairSecret('a', certificateOf('a')),
  pairSecret('wild', certificateOf('wild')),
  pairSecret('m', certificateOf('m')),
  secret('m-cacert', { 'ca.crt': clients.certificate }),
  pairSecret('o', certificateOf('o'), { 'ca.crt': clients.certificate }),
];

beforeAll(async () => {
  writePair(certificateOf('file'));
  upstream = createServer((request, response) => response.end(JSON.stringify(request.headers)));
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  proxy = await startGateway({ config: configOf(SECRETS), threads: 2 });
});

afterAll(async () => {
  await proxy.stop();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

function request(servername: string, more: Partial<TlsWishes> = {}): Promise<TlsReply> {
  return requestOverTls({ port: proxy.port, servername, ...more });
}

const withClient = { cert: client.certificate, key: client.privateKey };
const withStranger = { cert: stranger.certificate, key: stranger.privateKey };

describe('SIMPLE', () => {
  it('serves HTTP/1.1 over TLS 1.3 and tells the upstream that it was https', async () => {
    const reply = await request('a.test', { headers: 'x-forwarded-client-cert: Hash=forged\r\n' });
    expect(reply).toMatchObject({ status: 200, protocol: 'TLSv1.3', alpn: 'http/1.1', servedName: 'CN=a' });
    const headers = JSON.parse(reply.body) as Record<string, string>;
    expect(headers['x-forwarded-proto']).toBe('https');
    expect(headers).not.toHaveProperty('x-forwarded-client-cert');
  });

  it('closes a connection that does not begin with TLS', async () => {
    await expect(fetch(`http://127.0.0.1:${proxy.port}/`)).rejects.toThrow();
  });

  it('refuses versions below minProtocolVersion', async () => {
    await expect(request('b.wild.test', { maxVersion: 'TLSv1.2' })).rejects.toThrow();
    expect(await request('a.test', { maxVersion: 'TLSv1.2' })).toMatchObject({ protocol: 'TLSv1.2' });
  });
});

describe('the server name', () => {
  it.each([
    ['a.test', 'CN=a'],
    ['A.TEST', 'CN=a'],
    ['b.wild.test', 'CN=wild'],
    ['c.b.wild.test', 'CN=wild'],
    ['exact.wild.test', 'CN=file'],
  ])('%s is served with %s', async (servername, servedName) => {
    expect(await request(servername)).toMatchObject({ status: 200, servedName });
  });

  it.each(['other.test', 'wild.test', 'missing.test'])('%s is refused', async (servername) => {
    await expect(request(servername)).rejects.toThrow(REFUSED);
  });

  it('must be there where no server takes all', async () => {
    await expect(requestOverTls({ port: proxy.port, host: 'a.test' })).rejects.toThrow(REFUSED);
  });

  it('chooses the routes: a host of another server is not found', async () => {
    expect(await request('a.test', { host: 'm.test' })).toMatchObject({ status: 404 });
  });
});

describe('MUTUAL', () => {
  it('takes a client certificate of the authority and forwards what it says', async () => {
    const reply = await request('m.test', { ...withClient, headers: 'x-forwarded-client-cert: Hash=forged\r\n' });
    expect(reply.status).toBe(200);
    const forwarded = (JSON.parse(reply.body) as Record<string, string>)['x-forwarded-client-cert'];
    expect(forwarded).toMatch(/^Hash=[0-9a-f]{64};Subject="CN=c\\"l";URI=spiffe:\/\/td\/ns\/x\/sa\/y;DNS=cl\.test$/);
  });

  it('refuses a client without a certificate, with another authority’s, and with other names', async () => {
    await expect(request('m.test')).rejects.toThrow();
    await expect(request('m.test', withStranger)).rejects.toThrow();
    await expect(request('named.test', withClient)).rejects.toThrow();
  });

  it('is optional in OPTIONAL_MUTUAL, but one that is sent must be good', async () => {
    expect(await request('o.test')).toMatchObject({ status: 200 });
    expect((await request('o.test', withClient)).body).toContain('x-forwarded-client-cert');
    await expect(request('o.test', withStranger)).rejects.toThrow();
  });
});

describe('sessions', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resume on every thread (%s)', async (maxVersion) => {
    const { session } = await request('a.test', { maxVersion });
    if (session === undefined) throw new Error('no session was given');
    const replies = await Promise.all(Array.from({ length: 24 }, () => request('a.test', { maxVersion, session })));
    expect(replies.map(({ isResumed }) => isResumed)).toEqual(replies.map(() => true));
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resume on the chain alone that they began on (%s)', async (maxVersion) => {
    const { session } = await request('o.test', { ...withClient, maxVersion });
    if (session === undefined) throw new Error('no session was given');
    expect(await request('a.test', { session, maxVersion })).toMatchObject({ status: 200, isResumed: false });
    await expect(request('m.test', { session, maxVersion })).rejects.toThrow();
  });
});

describe('certificates that change', () => {
  it('are taken from files without a failed request', async () => {
    const load = new TlsLoad({ port: proxy.port, servername: 'exact.wild.test' }, 4);
    for (const name of ['second', 'third', 'fourth', 'fifth']) {
      writePair(certificateOf(name));
      await eventually(`${name} is served`, async () =>
        (await request('exact.wild.test')).servedName === `CN=${name}` ? true : undefined,
      );
    }
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.requestCount).toBeGreaterThan(20);
  });

  it('stay as they were when the new one is bad, and the problem is told', async () => {
    const problems = async (): Promise<{ code: string; message: string }[]> => {
      const response = await fetch(`${proxy.adminUrl}/config_status`);
      return ((await response.json()) as { problems: { code: string; message: string }[] }).problems;
    };
    const before = certificateOf('a');
    const mixed = { certificate: before.certificate, privateKey: certificateOf('a').privateKey };
    await proxy.writeConfig(configOf([pairSecret('a', mixed), ...SECRETS.slice(1)]));
    const problem = await eventually('the problem is told', async () =>
      (await problems()).find(({ code }) => code === 'key-mismatch'),
    );
    expect(problem.message).toContain('Secret default/a');
    expect(await request('a.test')).toMatchObject({ status: 200, servedName: 'CN=a' });
    await proxy.writeConfig(configOf([pairSecret('a', certificateOf('renewed')), ...SECRETS.slice(1)]));
    await eventually('the good one is served', async () =>
      (await request('a.test')).servedName === 'CN=renewed' ? true : undefined,
    );
    expect((await problems()).map(({ code }) => code)).not.toContain('key-mismatch');
  });
});
