// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run test:tls`: a gateway with TLS in each mode, and openssl s_client and curl as its clients, because the tests proper
 * use Node.js on both ends. Prints a line for each check; exit status 1 when one fails, 0 with a word where a program is missing.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../bin/weft.js', import.meta.url));
const START_MS = 20_000;
/** Weak by any current list; none may be agreed on, whatever the client offers. */
const WEAK = ['RC4', '3DES', 'eNULL', 'aNULL', 'EXPORT', 'DES', 'MD5'];

for (const tool of ['openssl', 'curl']) {
  try {
    execFileSync(tool, [tool === 'curl' ? '--version' : 'version'], { stdio: 'ignore' });
  } catch {
    console.log(`TLS checks skipped: no ${tool} (apt-get install ${tool})`);
    process.exit(0);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'weft-tls-check-'));
const file = (name) => join(folder, name);
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
let failed = 0;

function check(what, holds, seen = '') {
  if (!holds) failed++;
  console.log(`${holds ? 'ok    ' : 'FAILED'} ${what}${holds ? '' : `\n${seen}`}`);
}

/** An authority, and certificates that it issues. */
function makeAuthority(name) {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
    '-days',
    '1',
    '-subj',
    `/CN=${name}`,
  );
  return (subject) => {
    const san = file(`${subject}.ext`);
    writeFileSync(san, `subjectAltName=DNS:${subject}\n`);
    openssl('req', '-new', ...key, '-keyout', `${subject}.key`, '-out', `${subject}.csr`, '-subj', `/CN=${subject}`);
    const signer = ['-CA', `${name}.crt`, '-CAkey', `${name}.key`, '-CAcreateserial'];
    openssl(
      'x509',
      '-req',
      '-in',
      `${subject}.csr`,
      ...signer,
      '-out',
      `${subject}.crt`,
      '-days',
      '1',
      '-extfile',
      san,
    );
  };
}

/** What a program prints, with its exit status; never rejects. */
function run(command, args, input = '') {
  return new Promise((resolve) => {
    const child = execFile(command, args, { cwd: folder, timeout: 10_000 }, (error, stdout, stderr) =>
      resolve({ status: error === null ? 0 : (error.code ?? 1), text: `${stdout}${stderr}` }),
    );
    child.stdin?.end(input);
  });
}

function freePort() {
  return new Promise((resolve) => {
    const probe = createTcpServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

async function until(what, holds) {
  const deadline = Date.now() + START_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`did not happen: ${what}`);
    await sleep(50);
  }
}

const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const issueServer = makeAuthority('servers');
const issueClient = makeAuthority('clients');
const issueStranger = makeAuthority('strangers');
for (const name of ['simple.test', 'mutual.test', 'optional.test', 'strict.test', 'through.test']) issueServer(name);
issueClient('good.client');
issueStranger('bad.client');

const pair = (name) => `serverCertificate: ${file(`${name}.crt`)}, privateKey: ${file(`${name}.key`)}`;
const server = (name, tls) => `
    - port: { number: 443, name: ${name.split('.')[0]}, protocol: HTTPS }
      hosts: [${name}]
      tls: { ${tls} }`;

const origin = createServer((request, response) =>
  response.end(`hello ${request.headers['x-forwarded-client-cert'] ?? 'nobody'}\n`),
);
await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
const originPort = origin.address().port;
const port = await freePort();
const passPort = await freePort();
const behind = spawn(
  'openssl',
  ['s_server', '-accept', String(passPort), '-cert', 'through.test.crt', '-key', 'through.test.key', '-www', '-quiet'],
  { cwd: folder, stdio: 'ignore' },
);

writeFileSync(
  file('mesh.yaml'),
  `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  selector: { istio: ingressgateway }
  servers:${server('simple.test', `mode: SIMPLE, ${pair('simple.test')}`)}${server(
    'mutual.test',
    `mode: MUTUAL, ${pair('mutual.test')}, caCertificates: ${file('clients.crt')}`,
  )}${server('optional.test', `mode: OPTIONAL_MUTUAL, ${pair('optional.test')}, caCertificates: ${file('clients.crt')}`)}${server(
    'strict.test',
    `mode: SIMPLE, ${pair('strict.test')}, minProtocolVersion: TLSV1_3`,
  )}${server('through.test', 'mode: PASSTHROUGH')}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: web }
spec:
  hosts: [simple.test, mutual.test, optional.test, strict.test]
  gateways: [edge]
  http: [{ route: [{ destination: { host: origin.test } }] }]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: through }
spec:
  hosts: [through.test]
  gateways: [edge]
  tls: [{ match: [{ sniHosts: [through.test] }], route: [{ destination: { host: behind.test } }] }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: origin }
spec:
  hosts: [origin.test]
  resolution: STATIC
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [{ address: 127.0.0.1, ports: { http: ${originPort} } }]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: behind }
spec:
  hosts: [behind.test]
  resolution: STATIC
  ports: [{ number: 443, name: tls, protocol: TLS }]
  endpoints: [{ address: 127.0.0.1, ports: { tls: ${passPort} } }]
`,
);
const proxy = spawn(
  process.execPath,
  [
    ...[PROGRAM, 'proxy', '--config', file('mesh.yaml'), '--bind', '127.0.0.1', '--listen-map', `443=${port}`],
    ...['--admin', '127.0.0.1:0', '--status-port', '-1', '--metrics-port', '-1', '--log-level', 'error'],
  ],
  { stdio: ['ignore', 'inherit', 'inherit'] },
);

const sClient = (name, ...args) =>
  run(
    'openssl',
    [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-servername',
      name,
      '-CAfile',
      'servers.crt',
      '-verify_return_error',
      ...args,
    ],
    `GET / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
  );
const curl = (name, ...args) =>
  run('curl', [
    ...['-sS', '--cacert', 'servers.crt', '--resolve', `${name}:${port}:127.0.0.1`, '--max-time', '8', ...args],
    `https://${name}:${port}/`,
  ]);
const good = ['--cert', 'good.client.crt', '--key', 'good.client.key'];
const bad = ['--cert', 'bad.client.crt', '--key', 'bad.client.key'];

try {
  await until('the gateway listens', () => accepts(port));
  await until('the server behind it listens', () => accepts(passPort));

  let seen = await curl('simple.test');
  check('curl, SIMPLE', seen.text === 'hello nobody\n', seen.text);
  seen = await curl('mutual.test', ...good);
  check('curl, MUTUAL with a certificate', seen.text.startsWith('hello Hash='), seen.text);
  seen = await curl('mutual.test');
  check('curl, MUTUAL without one is refused', seen.status !== 0 && !seen.text.includes('hello'), seen.text);
  seen = await curl('mutual.test', ...bad);
  check('curl, MUTUAL with one of strangers is refused', seen.status !== 0 && !seen.text.includes('hello'), seen.text);
  seen = await curl('optional.test');
  check('curl, OPTIONAL_MUTUAL without a certificate', seen.text === 'hello nobody\n', seen.text);
  seen = await curl('optional.test', ...good);
  check('curl, OPTIONAL_MUTUAL with one', seen.text.startsWith('hello Hash='), seen.text);
  seen = await curl('optional.test', ...bad);
  check(
    'curl, OPTIONAL_MUTUAL with a bad one is refused',
    seen.status !== 0 && !seen.text.includes('hello'),
    seen.text,
  );
  seen = await curl('through.test');
  check('curl, PASSTHROUGH reaches the server behind', seen.text.includes('s_server'), seen.text.slice(0, 300));
  seen = await curl('unknown.test');
  check('curl, a name that no server has is closed', seen.status !== 0, seen.text);

  for (const version of ['-tls1_2', '-tls1_3']) {
    seen = await sClient('simple.test', version);
    check(`s_client ${version}`, seen.text.includes('Verify return code: 0 (ok)'), seen.text);
  }
  for (const version of ['-tls1', '-tls1_1']) {
    seen = await sClient('simple.test', version, '-cipher', 'ALL:@SECLEVEL=0');
    check(`s_client ${version} is refused`, seen.status !== 0 && !seen.text.includes('hello'), seen.text);
  }
  seen = await sClient('strict.test', '-tls1_2');
  check('minProtocolVersion TLSV1_3 refuses -tls1_2', seen.status !== 0, seen.text);
  seen = await sClient('strict.test', '-tls1_3');
  check('minProtocolVersion TLSV1_3 takes -tls1_3', seen.text.includes('Verify return code: 0 (ok)'), seen.text);

  for (const cipher of WEAK) {
    seen = await sClient('simple.test', '-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`);
    check(`no ${cipher}`, seen.status !== 0, seen.text);
  }
  seen = await sClient('simple.test', '-tls1_2');
  check('no compression', /Compression: NONE/.test(seen.text), seen.text);
  check('secure renegotiation is announced', /Secure Renegotiation IS supported/.test(seen.text), seen.text);
  check('forward secrecy', /Cipher is (ECDHE|DHE)/.test(seen.text), seen.text);
  seen = await run(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'simple.test', '-tls1_2'],
    'R\nGET / HTTP/1.1\r\nHost: simple.test\r\nConnection: close\r\n\r\n',
  );
  const began = seen.text.includes('RENEGOTIATING');
  check('a client can not renegotiate', began && /no renegotiation|alert|errno|error/i.test(seen.text), seen.text);
  seen = await sClient('simple.test', '-alpn', 'http/1.1');
  check('ALPN http/1.1', seen.text.includes('ALPN protocol: http/1.1'), seen.text);
  seen = await run('openssl', [
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'simple.test', '-tls1_2', '-reconnect'],
  ]);
  check('sessions resume', seen.text.includes('Reused, TLSv1.2'), seen.text);
} finally {
  proxy.kill('SIGKILL');
  behind.kill('SIGKILL');
  origin.close();
  rmSync(folder, { recursive: true, force: true });
}
console.log(failed === 0 ? 'all TLS checks hold' : `${failed} TLS checks failed`);
process.exitCode = failed === 0 ? 0 : 1;
