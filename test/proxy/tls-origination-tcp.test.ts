// SPDX-License-Identifier: Apache-2.0
/** TLS to upstreams for TCP routes: the same checks, and bytes both ways with an end of each. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { Authority } from '../support/certificates.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { destinationRule, GATEWAY_PORT, SERVICE_PORT } from '../support/istio-yaml.js';
import { TcpClient } from '../support/tcp-upstream.js';

const HOST = 'db.test';
const authority = new Authority('authority');
const folder = mkdtempSync(join(tmpdir(), 'weft-origination-'));
const caCertificates = join(folder, 'ca.crt');
let server: tls.Server;
let proxy: Gateway;

function resource(kind: string, name: string, spec: object): string {
  return stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec });
}

function configOf(subjectAltName: string): string[] {
  const { port } = server.address() as AddressInfo;
  const servers = [{ port: { number: GATEWAY_PORT, name: 'tcp', protocol: 'TCP' }, hosts: ['*'] }];
  const route = [{ destination: { host: HOST, port: { number: SERVICE_PORT } } }];
  return [
    resource('Gateway', 'edge', { selector: { istio: 'ingressgateway' }, servers }),
    resource('ServiceEntry', 'db', {
      hosts: [HOST],
      location: 'MESH_EXTERNAL',
      resolution: 'STATIC',
      ports: [{ number: SERVICE_PORT, name: 'tcp', protocol: 'TCP' }],
      endpoints: [{ address: '127.0.0.1', ports: { tcp: port } }],
    }),
    resource('VirtualService', 'db', { hosts: ['*'], gateways: ['edge'], tcp: [{ route }] }),
    destinationRule(HOST, {
      trafficPolicy: { tls: { mode: 'SIMPLE', caCertificates, sni: HOST, subjectAltNames: [subjectAltName] } },
    }),
  ];
}

beforeAll(async () => {
  writeFileSync(caCertificates, authority.certificate);
  const { certificate, privateKey } = authority.issue({ commonName: 'db', dnsNames: [HOST] });
  server = tls.createServer({ cert: certificate, key: privateKey, allowHalfOpen: true }, (socket) => {
    const { servername } = socket as unknown as { servername: string };
    socket.write(`${servername}:`);
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startGateway({ config: configOf(HOST), accessLog: 'TEXT' });
});

afterAll(async () => {
  await proxy.stop();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

it('bytes pass both ways over TLS, and each end by itself', async () => {
  const client = new TcpClient(proxy.port);
  await eventually('what the server says first', () => (client.text === `${HOST}:` ? true : undefined));
  client.socket.write('a');
  await eventually('the echo', () => (client.text === `${HOST}:a` ? true : undefined));
  client.socket.end('b');
  await eventually('the end', () => client.isEnded || undefined);
  expect(client.text).toBe(`${HOST}:ab`);
});

it('a server with another name gets no byte, and the log says why', async () => {
  await proxy.writeConfig(configOf('other.test'));
  await eventually('a refusal', async () => {
    const client = new TcpClient(proxy.port);
    client.socket.end('x');
    await eventually('the end', () => client.isEnded || client.socket.destroyed || undefined);
    return client.text === '' ? true : undefined;
  });
  expect(await proxy.accessLogLine('none of which is other.test')).toContain('UF');
});
