// SPDX-License-Identifier: Apache-2.0
/** TLS to upstreams while what it is made of changes: certificates in files, authorities, and whether there is TLS at all. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClientTlsSpec } from '../../src/resources/types.js';
import { Authority } from '../support/certificates.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const authority = new Authority('all');
const folder = mkdtempSync(join(tmpdir(), 'weft-origination-'));
const path = (name: string): string => join(folder, name);
const tls: ClientTlsSpec = {
  mode: 'MUTUAL',
  clientCertificate: path('client.crt'),
  privateKey: path('client.key'),
  caCertificates: path('ca.crt'),
};

function write(name: string, text: string): void {
  writeFileSync(path(`${name}.new`), text);
  renameSync(path(`${name}.new`), path(name));
}

function writeClient(commonName: string): void {
  const { certificate, privateKey } = authority.issue({ commonName });
  write('client.key', privateKey);
  write('client.crt', certificate);
}

/** A server that speaks no TLS is given up soon. */
const connectionPool = { tcp: { connectTimeout: '0.5s' } };

let secure: Server;
let plain: RawUpstream;
let proxy: Gateway;
const ask = (to = '/'): ReturnType<typeof exchange> => exchange(proxy.port, 'web.example', to);
const config = (port: number, settings: ClientTlsSpec): string[] => [
  gateway(),
  ...forwarded('web', [{ port }], { trafficPolicy: { tls: settings, connectionPool } }, { retries: { attempts: 0 } }),
];
const securePort = (): number => (secure.address() as AddressInfo).port;

beforeAll(async () => {
  write('ca.crt', authority.certificate);
  writeClient('first');
  const server = authority.issue({ commonName: 'server', dnsNames: ['web.example'] });
  const options = { cert: server.certificate, key: server.privateKey, ca: authority.certificate, requestCert: true };
  let connections = 0;
  const numbers = new WeakMap<object, number>();
  secure = createServer(options, (request, response) => {
    const socket = request.socket as TLSSocket;
    if (request.url === '/close') response.setHeader('connection', 'close');
    response.end(`${socket.getPeerX509Certificate()?.subject ?? 'resumed'} ${numbers.get(socket)}`);
  });
  secure.on('secureConnection', (socket: TLSSocket) => numbers.set(socket, ++connections));
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  plain = await RawUpstream.start((answer) => answer.send(ok('plain')));
  proxy = await startGateway({ config: config(securePort(), tls), threads: 1, accessLog: 'JSON' });
});

afterAll(async () => {
  await proxy.stop();
  await plain.stop();
  secure.closeAllConnections();
  secure.close();
  rmSync(folder, { recursive: true, force: true });
});

it('new connections show a renewed certificate, and the open one goes on', async () => {
  const before = (await ask()).body.toString();
  expect(before).toBe('CN=first 1');
  writeClient('second');
  // The connection in the pool is still the one of before; a burst opens others.
  await eventually('a connection with the second certificate', async () => {
    const bodies = (await Promise.all([ask(), ask('/close'), ask('/close')])).map(({ body }) => body.toString());
    return bodies.some((body) => body.startsWith('CN=second')) ? true : undefined;
  });
});

it('a certificate that does not fit its key is reported, and the last good pair stays in use', async () => {
  write('client.crt', authority.issue({ commonName: 'third' }).certificate);
  await eventually('a report', () => (/key-mismatch/.test(proxy.log()) ? true : undefined));
  const answer = await ask('/close');
  expect(answer.status).toBe(200);
  writeClient('fourth');
  await eventually('the fourth', async () =>
    (await ask('/close')).body.toString().startsWith('CN=fourth') ? true : undefined,
  );
});

it('an authority that is taken away ends trust for new connections, sessions of before included', async () => {
  write('ca.crt', new Authority('strangers').certificate);
  await eventually('a refusal', async () => ((await ask('/close')).status === 503 ? true : undefined));
  expect((await ask()).status).toBe(503);
  write('ca.crt', authority.certificate);
  await eventually('trust again', async () => ((await ask()).status === 200 ? true : undefined));
});

it('switching TLS off and on leaves no request on a connection of the other kind', async () => {
  await proxy.writeConfig(config(plain.port, { mode: 'DISABLE' }));
  await eventually('plaintext', async () => ((await ask()).body.toString() === 'plain' ? true : undefined));
  // The same endpoint with TLS: it can't shake hands, and the idle plaintext connection is not an answer.
  await proxy.writeConfig(config(plain.port, tls));
  const refused = await eventually('a refusal', async () => {
    const answer = await ask();
    return answer.status === 503 ? answer : undefined;
  });
  expect(refused.status).toBe(503);
  expect((await ask()).status).toBe(503);
});
