// SPDX-License-Identifier: Apache-2.0
/** The running proxy and the demo, from start to signal, with files that change underneath. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort, get, runWeft, WeftProcess } from '../support/weft-process.js';

let folder: string;
let port: number;
let adminPort: number;
const running: WeftProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'weft-proxy-'));
  port = await freePort();
  adminPort = await freePort();
});

afterEach(async () => {
  for (const weft of running.splice(0)) await weft.stop();
  rmSync(folder, { recursive: true, force: true });
});

const file = (name: string): string => join(folder, name);

function configure(body: string, name = 'a'): void {
  writeFileSync(
    file('gateway.yaml'),
    `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: g }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ['*'] }] }
`,
  );
  writeFileSync(file(`${name}.yaml`), virtualService(name, `{ status: 200, body: { string: ${body} } }`));
}

function virtualService(name: string, directResponse: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ${name} }
spec: { hosts: [${name}.example], gateways: [g], http: [{ directResponse: ${directResponse} }] }
`;
}

function argumentsFor(...more: string[]): string[] {
  const listen = ['--bind', '127.0.0.1', '--listen-map', `80=${port}`, '--threads', '1'];
  return [
    'proxy',
    ...listen,
    '--admin',
    `127.0.0.1:${adminPort}`,
    '--status-port',
    '-1',
    '--metrics-port',
    '-1',
    ...more,
  ];
}

async function start(...more: string[]): Promise<WeftProcess> {
  const weft = new WeftProcess(argumentsFor(...more));
  running.push(weft);
  await weft.until(async () => (await get(adminPort, 'localhost', '/ready'))?.status === 200);
  return weft;
}

async function bodyOf(host: string): Promise<string | undefined> {
  return (await get(port, host))?.body;
}

async function configStatus(): Promise<{ state: string; reason: string; kept: string[] }> {
  const answer = await get(adminPort, 'localhost', '/config_status');
  return JSON.parse(answer?.body ?? '{}') as { state: string; reason: string; kept: string[] };
}

describe('weft proxy', () => {
  it('follows its files: a good change goes live, a bad one costs nothing that ran', async () => {
    configure('one');
    const weft = await start('-c', folder);
    expect(await bodyOf('a.example')).toBe('one');
    configure('two');
    await weft.until(async () => (await bodyOf('a.example')) === 'two');
    writeFileSync(file('a.yaml'), virtualService('a', '{ status: nonsense }'));
    configure('new', 'b');
    await weft.until(async () => (await bodyOf('b.example')) === 'new');
    await weft.until(async () => (await configStatus()).kept.length === 1);
    expect(await bodyOf('a.example')).toBe('two');
    expect(await configStatus()).toMatchObject({ state: 'stale', kept: ['VirtualService default/a'] });
    expect(weft.stderr).toContain('a.yaml:4');
    configure('three');
    await weft.until(async () => (await configStatus()).state === 'ok');
    expect(await bodyOf('a.example')).toBe('three');
  });

  it('starts with its last good tables when its source is gone, and takes the source when it is back', async () => {
    configure('kept');
    const state = ['--state-dir', file('state')];
    const config = join(folder, 'a.yaml');
    const gateway = join(folder, 'gateway.yaml');
    const first = await start('-c', gateway, '-c', config, ...state);
    expect(await first.end('SIGTERM')).toBe(0);
    rmSync(config);
    const second = await start('-c', gateway, '-c', config, ...state);
    expect(await bodyOf('a.example')).toBe('kept');
    expect((await configStatus()).reason).toContain('last good tables');
    configure('back');
    await second.until(async () => (await bodyOf('a.example')) === 'back');
  });

  it('runs from compiled tables', async () => {
    configure('compiled');
    const listen = ['--bind', '127.0.0.1', '--listen-map', `80=${port}`];
    expect(runWeft(['compile', '-c', folder, ...listen, '-o', file('rules.weft')]).status).toBe(0);
    await start('--rules', file('rules.weft'));
    expect(await bodyOf('a.example')).toBe('compiled');
  });

  it('drains on SIGTERM and exits with 0', async () => {
    configure('x');
    const weft = await start('-c', folder);
    expect(await weft.end('SIGTERM')).toBe(0);
    expect(await get(port, 'a.example')).toBeUndefined();
  });

  it('says in one line why it cannot start', async () => {
    configure('x');
    const blocker = createServer().listen(port, '127.0.0.1');
    await once(blocker, 'listening');
    try {
      const taken = runWeft(argumentsFor('-c', folder));
      expect(taken.stderr).toMatch(new RegExp(`^weft: .*${port}.*\\n$`));
      expect(taken.status).toBe(1);
    } finally {
      blocker.close();
    }
    const missing = runWeft(argumentsFor('-c', file('missing.yaml')));
    expect(missing.stderr).toMatch(/^weft: cannot read .*missing\.yaml.*\n$/);
    expect(missing.status).toBe(1);
    const elsewhere = runWeft(['proxy', '-c', folder, '--listen-map', `80=${port}`, '--admin', '192.0.2.1:15000']);
    expect(elsewhere.stderr).toMatch(/^weft: .*192\.0\.2\.1:15000.*\n$/);
    expect(elsewhere.status).toBe(1);
    expect(runWeft(argumentsFor('-c', folder, '--bind', '::1')).stderr).toContain('--bind was given more than once');
  });
});

describe('weft demo', () => {
  it('serves both versions, refuses beyond the limits of 1, and stops cleanly', async () => {
    const weft = new WeftProcess(['demo', '--port', String(port), '--admin', `127.0.0.1:${adminPort}`]);
    running.push(weft);
    await weft.until(() => weft.stdout.includes('Ctrl-C'));
    const seen = new Set<string>();
    for (let count = 0; count < 60 && seen.size < 2; count++) seen.add((await bodyOf('xingren.upup')) ?? '');
    expect([...seen].sort()).toEqual(['Hello World\n', 'Hello World(new)\n']);
    // Five at once over two versions, each of which admits one request: at least three are refused.
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => get(port, 'xingren.upup', '/hold/1')));
    const refused = answers.filter((answer) => answer?.status === 503);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    expect(refused[0]?.headers['x-envoy-overloaded']).toBe('true');
    const echo = JSON.parse((await get(port, 'xingren.upup', '/headers'))?.body ?? '{}') as { headers: object };
    expect(echo.headers).toMatchObject({ host: 'xingren.upup', 'x-forwarded-proto': 'http' });
    expect((await get(port, 'other.example'))?.status).toBe(404);
    expect(await weft.end('SIGINT')).toBe(0);
  });
});
