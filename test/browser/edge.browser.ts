// SPDX-License-Identifier: Apache-2.0
/** What people have in front of the edge, a browser, on each front and over TLS: pages, bodies both ways, and WebSockets. */
import tls from 'node:tls';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { ServerTlsSpec } from '../../src/resources/types.js';
import { Authority } from '../support/certificates.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { gateway, GATEWAY_PORT, service, to, virtualService } from '../support/istio-yaml.js';
import { Browser, hasBrowser } from './browser.js';
import { Site } from './site.js';

const MB = 1 << 20;

const authority = new Authority('nobody that a browser knows');
const pair = authority.issue({ commonName: 'web.test', dnsNames: ['web.test', 'mutual.test'] });
const site = new Site();
let sitePort = 0;
let browser: Browser;

beforeAll(async () => {
  if (!hasBrowser) return;
  sitePort = await site.start();
  browser = await Browser.start([pair.certificate]);
});

afterAll(async () => {
  if (!hasBrowser) return;
  await browser.stop();
  await site.stop();
});

function secret(name: string, entries: Readonly<Record<string, string>>): string {
  const data = Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, btoa(text)]));
  return stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'default' }, data });
}

/** A gateway with a server of each mode, both on one port. */
function tlsGateway(): string {
  const serverOf = (host: string, tls: ServerTlsSpec): object => ({
    port: { number: GATEWAY_PORT, name: `https-${host}`, protocol: 'HTTPS' },
    hosts: [host],
    tls,
  });
  return stringify({
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'edge' },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [
        serverOf('web.test', { mode: 'SIMPLE', credentialName: 'web' }),
        serverOf('mutual.test', { mode: 'MUTUAL', credentialName: 'mutual' }),
      ],
    },
  });
}

/** Rules whose answers tell their version. */
function rules(edge: string, version: number): string[] {
  const headers = { response: { set: { 'x-rules': String(version) } } };
  const keys = { 'tls.crt': pair.certificate, 'tls.key': pair.privateKey };
  return [
    edge,
    secret('web', keys),
    secret('mutual', { ...keys, 'ca.crt': authority.certificate }),
    service('site.example', [{ port: sitePort }]),
    virtualService('*', [{ headers, route: [to('site.example')] }]),
  ];
}

interface Way {
  readonly name: string;
  readonly scheme: string;
  readonly front: string;
  readonly edge: () => string;
}

const WAYS: readonly Way[] = [
  { name: 'plain, wire front', scheme: 'http', front: 'wire', edge: gateway },
  { name: 'plain, uWebSockets.js front', scheme: 'http', front: 'uws', edge: gateway },
  { name: 'over TLS', scheme: 'https', front: 'auto', edge: tlsGateway },
];

/** The protocol that a client gets who offers the browser's. */
function negotiated(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', servername: 'web.test', ALPNProtocols: ['h2', 'http/1.1'] };
    const socket = tls.connect({ ...options, ca: authority.certificate }, () => {
      resolve(socket.alpnProtocol || 'http/1.1');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe.runIf(hasBrowser).each(WAYS)('a browser, $name', ({ scheme, front, edge }) => {
  let proxy: Gateway;
  let page: Page;

  const url = (host: string): string => `${scheme}://${host}:${proxy.port}/`;
  const run = (call: string): Promise<unknown> => page.evaluate(`weft.${call}`);

  beforeAll(async () => {
    proxy = await startGateway({ config: rules(edge(), 1), threads: 2, options: ['--front', front] });
    page = await browser.newPage();
    expect((await page.goto(url('web.test')))?.status()).toBe(200);
  });

  afterAll(async () => {
    await page.close();
    await proxy.stop();
  });

  it('loads the page by the protocol that the port offers', async () => {
    expect(await page.title()).toBe('weft');
    expect(await run('protocol()')).toBe(scheme === 'https' ? await negotiated(proxy.port) : 'http/1.1');
  });

  it('sends bodies and gets them back', async () => {
    for (const size of [0, 1, 70_000, MB]) expect(await run(`echo(${size})`)).toEqual([200, true]);
  });

  it('exchanges text and bytes by WebSocket, up to a megabyte', async () => {
    expect(await run('text()')).toBe('grüße');
    for (const size of [0, 125, 126, 65_536, MB]) expect(await run(`binary(${size})`)).toBe(true);
  });

  it('gets the subprotocol that the service has chosen', async () => {
    expect(await run('protocols()')).toBe('chat.v2');
  });

  it('gets the codes and reasons of closes, and the service gets those of the page', async () => {
    expect(await run('closedByServer()')).toEqual({ code: 4001, reason: 'the site says so', wasClean: true });
    expect(await run('closedByPage()')).toEqual({ code: 4321, reason: 'enough', wasClean: true });
    await eventually('the site hears it', () => (site.closes.includes('4321 enough') ? true : undefined));
  });

  it('sees that a WebSocket is refused', async () => {
    expect(await run('refused()')).toBe('refused');
  });

  it('keeps its WebSocket through a change of the rules, and connects again by the new ones', async () => {
    await run('keep()');
    await proxy.writeConfig(rules(edge(), 2));
    await eventually('the new rules hold', async () => ((await run('rules()')) === '2' ? true : undefined));
    expect(await run("keptReply('still here')")).toBe('still here');
    expect(await run("again('and again')")).toBe('and again');
  });

  it.runIf(scheme === 'https')('without a certificate of its own is refused where the server wants one', async () => {
    const other = await browser.newPage();
    // How the end of a refused handshake looks depends on what the browser was about to send.
    await expect(other.goto(url('mutual.test'))).rejects.toThrow(
      /ERR_(BAD_SSL_CLIENT_AUTH_CERT|SSL_|CONNECTION_|SOCKET_NOT_CONNECTED)/,
    );
    await other.close();
  });
});

afterEach(() => {
  site.closes.length = 0;
});
