// SPDX-License-Identifier: Apache-2.0
/** TLS to upstreams by DestinationRule: what is checked of servers and shown to them, and what a client gets when it fails. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ClientTlsSpec, TrafficPolicySpec } from '../../src/resources/types.js';
import { Authority } from '../support/certificates.js';
import type { Certificate } from '../support/certificates.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { destinationRule, gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';

const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: remote connection failure';

const servers = new Authority('servers');
const clients = new Authority('clients');
const folder = mkdtempSync(join(tmpdir(), 'weft-origination-'));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const caCertificates = file('ca.crt', servers.certificate);
const serverOf = (...names: string[]): Certificate => servers.issue({ commonName: 'server', dnsNames: names });
const client = clients.issue({ commonName: 'weft', uris: ['spiffe://td/client'] });
const pairFiles = {
  clientCertificate: file('client.crt', client.certificate),
  privateKey: file('client.key', client.privateKey),
};

/** What a server saw of the connection that a request came on. */
interface Seen {
  readonly serverName: string | false;
  readonly protocol: string;
  readonly alpn: string | false;
  readonly client: string;
  readonly resumed: boolean;
  readonly host: string;
  readonly connection: number;
}

class Origin {
  readonly #server: Server;
  #connections = new WeakMap<TLSSocket, number>();
  connectionCount = 0;

  constructor({ certificate, privateKey }: Certificate, options: object = {}) {
    this.#server = createServer({ cert: certificate, key: privateKey, ...options }, (request, response) => {
      const socket = request.socket as TLSSocket;
      const seen: Seen = {
        serverName: (socket as unknown as { servername: string | false }).servername,
        protocol: socket.getProtocol() ?? '',
        alpn: socket.alpnProtocol ?? false,
        client: socket.getPeerX509Certificate()?.subject ?? '',
        resumed: socket.isSessionReused(),
        host: request.headers.host ?? '',
        connection: this.#connections.get(socket) ?? 0,
      };
      if (request.url === '/close') response.setHeader('connection', 'close');
      response.end(JSON.stringify(seen));
    });
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#connections.set(socket, ++this.connectionCount));
    this.#server.on('tlsClientError', () => undefined);
  }

  listen(): Promise<this> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', () => resolve(this)));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  renew({ certificate, privateKey }: Certificate, options: object = {}): void {
    this.#server.setSecureContext({ cert: certificate, key: privateKey, ...options });
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const origins = new Map<string, Origin>();
const plain = createPlainServer((_request, response) => response.end('plain'));
let proxy: Gateway;

/** Hosts, the origin of each, and the policy to it. */
const cases: { host: string; origin: string; policy: TrafficPolicySpec; rewrite?: string; names?: string[] }[] = [];
function host(name: string, origin: string, tls: ClientTlsSpec, more: object = {}): void {
  cases.push({ host: `${name}.test`, origin, policy: { tls }, ...more });
}

host('auto', 'wild', { mode: 'SIMPLE', caCertificates });
host('other', 'wild', { mode: 'SIMPLE', caCertificates });
host('rewritten', 'wild', { mode: 'SIMPLE', caCertificates }, { rewrite: 'new.test' });
host('wrong-name', 'named', { mode: 'SIMPLE', caCertificates });
host('sni', 'named', { mode: 'SIMPLE', caCertificates, sni: 'given.name', subjectAltNames: ['only.name'] });
host('wrong-san', 'named', { mode: 'SIMPLE', caCertificates, subjectAltNames: ['spiffe://td/x', 'a.name'] });
host('entry-san', 'named', { mode: 'SIMPLE', caCertificates, sni: 'x.name' }, { names: ['only.name'] });
host('bad-entry-san', 'named', { mode: 'SIMPLE', caCertificates, sni: 'x.name' }, { names: ['not.name'] });
host('stranger', 'named', { mode: 'SIMPLE', caCertificates: file('other.crt', clients.certificate) });
host('system', 'named', { mode: 'SIMPLE' });
host('unverified', 'named', { mode: 'SIMPLE', insecureSkipVerify: true });
host('expired', 'expired', { mode: 'SIMPLE', caCertificates });
host('mutual', 'mutual', { mode: 'MUTUAL', caCertificates, ...pairFiles });
host('secret', 'mutual', { mode: 'MUTUAL', credentialName: 'upstream' });
host('no-client', 'mutual', { mode: 'SIMPLE', caCertificates });
host('no-client-12', 'mutual12', { mode: 'SIMPLE', caCertificates });
host('no-secret', 'mutual', { mode: 'MUTUAL', credentialName: 'missing' });
host('old', 'old', { mode: 'SIMPLE', caCertificates });
host('not-tls', 'plain', { mode: 'SIMPLE', caCertificates });
host('disabled', 'plain', { mode: 'DISABLE' });
host('identity', 'plain', { mode: 'ISTIO_MUTUAL' });

function secret(name: string, entries: Readonly<Record<string, string>>): string {
  const data = Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, btoa(text)]));
  return stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, data });
}

function portOf(origin: string): number {
  return origin === 'plain' ? (plain.address() as AddressInfo).port : (origins.get(origin)?.port ?? 0);
}

function configOf(): string[] {
  const pair = { 'tls.crt': client.certificate, 'tls.key': client.privateKey, 'ca.crt': servers.certificate };
  return [
    gateway(),
    secret('upstream', pair),
    ...cases.flatMap(({ host: name, origin, policy, rewrite, names }) => [
      service(name, [{ port: portOf(origin) }]).replace(
        /^spec:\n/m,
        names === undefined ? 'spec:\n' : `spec:\n  subjectAltNames: ${JSON.stringify(names)}\n`,
      ),
      virtualService(name, [
        {
          route: [to(name)],
          ...(rewrite === undefined ? {} : { rewrite: { authority: rewrite } }),
          retries: { attempts: 0 },
        },
      ]),
      destinationRule(name, { trafficPolicy: policy }),
    ]),
  ];
}

beforeAll(async () => {
  const past = new Date(Date.now() - 60_000);
  const expired = servers.issue({ commonName: 'server', dnsNames: ['expired.test'], notAfter: past });
  const mutual = { requestCert: true, ca: clients.certificate };
  origins.set('wild', new Origin(serverOf('*.test')));
  origins.set('named', new Origin(serverOf('only.name', 'second.name')));
  origins.set('expired', new Origin(expired));
  origins.set('mutual', new Origin(serverOf('*.test'), mutual));
  origins.set('mutual12', new Origin(serverOf('*.test'), { ...mutual, maxVersion: 'TLSv1.2' }));
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' };
  origins.set('old', new Origin(serverOf('*.test'), old));
  await Promise.all([...origins.values()].map((origin) => origin.listen()));
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  proxy = await startGateway({ config: configOf(), accessLog: 'JSON' });
});

afterAll(async () => {
  await proxy.stop();
  for (const origin of origins.values()) origin.stop();
  plain.close();
  rmSync(folder, { recursive: true, force: true });
});

async function seenBy(name: string, path = '/'): Promise<Seen> {
  const answer = await exchange(proxy.port, name, path);
  expect(answer.status, answer.body.toString()).toBe(200);
  return JSON.parse(answer.body.toString()) as Seen;
}

/** Asks a host that can't be reached and returns what the access log says of it. */
async function failureOf(name: string): Promise<{ flags: unknown; details: string; reason: string }> {
  const path = `/${name}`;
  const answer = await exchange(proxy.port, `${name}.test`, path);
  expect(answer.status).toBe(503);
  const line = JSON.parse(await proxy.accessLogLine(`"${path}"`)) as Record<string, unknown>;
  return {
    flags: line['response_flags'],
    details: String(line['response_code_details']),
    reason: String(line['upstream_transport_failure_reason']),
  };
}

describe('SIMPLE', () => {
  it('speaks TLS 1.3 with the Host as server name, and offers http/1.1', async () => {
    const seen = await seenBy('auto.test:8080');
    expect(seen).toMatchObject({ serverName: 'auto.test', protocol: 'TLSv1.3', alpn: 'http/1.1', client: '' });
    expect(seen.host).toBe('auto.test:8080');
  });

  it('takes the server name from the rewritten Host', async () => {
    expect(await seenBy('rewritten.test')).toMatchObject({ serverName: 'new.test', host: 'new.test' });
  });

  it('sends the sni given and looks for the names given', async () => {
    expect(await seenBy('sni.test')).toMatchObject({ serverName: 'given.name', host: 'sni.test' });
  });

  it('takes the names of the ServiceEntry where the rule has none', async () => {
    expect(await seenBy('entry-san.test')).toMatchObject({ serverName: 'x.name' });
    expect((await failureOf('bad-entry-san')).reason).toContain('none of which is not.name');
  });

  it('reuses a connection for the same server name', async () => {
    const first = await seenBy('auto.test');
    expect((await seenBy('auto.test')).connection).toBe(first.connection);
  });

  it('resumes its session with an endpoint on the next connection', async () => {
    await seenBy('auto.test', '/close');
    await eventually('a resumed session', async () =>
      (await seenBy('auto.test', '/close')).resumed ? true : undefined,
    );
  });

  it('accepts any server with insecureSkipVerify', async () => {
    expect(await seenBy('unverified.test')).toMatchObject({ serverName: 'unverified.test' });
  });
});

describe('MUTUAL', () => {
  it('shows the certificate of files', async () => {
    expect((await seenBy('mutual.test')).client).toBe('CN=weft');
  });

  it('shows the certificate of a Secret', async () => {
    expect((await seenBy('secret.test')).client).toBe('CN=weft');
  });
});

describe('plaintext', () => {
  it('is spoken with DISABLE, and with ISTIO_MUTUAL after a warning', async () => {
    for (const name of ['disabled.test', 'identity.test']) {
      expect((await exchange(proxy.port, name, '/')).body.toString()).toBe('plain');
    }
    expect(proxy.log()).toMatch(/ISTIO_MUTUAL/);
  });
});

describe('a server that fails a check gets no request', () => {
  it.each([
    ['wrong-name', /DNS:only\.name DNS:second\.name, none of which is wrong-name\.test/],
    ['wrong-san', /none of which is spiffe:\/\/td\/x or a\.name/],
    ['stranger', /unknown authority: CN=server is signed by CN=servers/],
    ['system', /unknown authority/],
    ['expired', /certificate has expired \(CN=server was valid until/],
    ['no-secret', /credentials of cluster outbound\|8000\|\|no-secret\.test are missing/],
    ['old', /neither TLS 1\.2 nor TLS 1\.3/],
    ['not-tls', /does not speak TLS/],
    ['no-client-12', /client certificate/],
  ])('%s: 503 UF, and the log says which', async (name, reason) => {
    const failure = await failureOf(name);
    expect(failure.flags).toBe('UF');
    expect(failure.reason).toMatch(reason);
    expect(failure.reason).toMatch(/^TLS_error:\|.*:TLS_error_end$/);
    const start = 'upstream_reset_before_response_started{remote_connection_failure|TLS_error:|';
    expect(failure.details.slice(0, start.length)).toBe(start);
    expect(failure.details).toMatch(/^\S+:TLS_error_end}$/);
    await eventually('a line in the log', () => (proxy.log().includes(`${name}.test`) ? true : undefined));
  });

  it('tells the client nothing of it', async () => {
    expect((await exchange(proxy.port, 'expired.test', '/')).body.toString()).toBe(RESET);
  });

  it('says that a client certificate is asked for with TLS 1.3 too, where it shows after the handshake', async () => {
    const failure = await failureOf('no-client');
    expect(['UC', 'UF']).toContain(failure.flags);
    expect(failure.reason).toMatch(/client certificate/);
  });
});
