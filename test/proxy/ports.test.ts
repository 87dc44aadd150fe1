// SPDX-License-Identifier: Apache-2.0
/** Listening ports over reloads: opened, shared by the threads, given up at once, and not one descriptor left behind. */
import { readdir } from 'node:fs/promises';
import net from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import type { Gateway } from '../support/gateway.js';
import { eventually, freePort, startGateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange, RawClient } from '../support/raw-client.js';
import { RawUpstream } from '../support/raw-upstream.js';

const REWRITES = 20;
const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === '::1'),
);

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(config: readonly string[], threads = 2): Promise<Gateway> {
  const proxy = await startGateway({ config, threads });
  cleanups.push(() => proxy.stop());
  return proxy;
}

/** A second Gateway on a port of its own, which serves nothing but 404. */
function secondGateway(port: number, bind?: string): string {
  const text = gateway('second').replace('number: 80', `number: ${port}`);
  return bind === undefined ? text : text.replace('- port:', `- bind: "${bind}"\n      port:`);
}

/** What becomes of a new connection: `accepted`, or the code of the error. */
function connect(port: number, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve('accepted');
    });
  });
}

function becomes(port: number, wanted: string, host?: string): Promise<true> {
  return eventually(`port ${port}: ${wanted}`, async () => ((await connect(port, host)) === wanted ? true : undefined));
}

describe('a listener', () => {
  it('that leaves the configuration refuses connections, and those that it has get an answer', async () => {
    const port = await freePort();
    const proxy = await start([gateway(), secondGateway(port)]);
    const client = await RawClient.connect(port);
    cleanups.push(() => Promise.resolve(client.close()));
    client.request('GET', 'shop.example', '/');
    expect((await client.read()).status).toBe(404);
    await proxy.writeConfig([gateway()]);
    await becomes(port, 'ECONNREFUSED');
    client.request('GET', 'shop.example', '/');
    expect((await client.read()).status).toBe(404);
    expect(await connect(proxy.port)).toBe('accepted');
  });

  it('that comes and goes leaves no descriptor behind', async () => {
    const port = await freePort();
    const proxy = await start([gateway()]);
    const descriptors = async (): Promise<number> => (await readdir(`/proc/${proxy.pid}/fd`)).length;
    const comeAndGo = async (): Promise<void> => {
      await proxy.writeConfig([gateway(), secondGateway(port)]);
      await becomes(port, 'accepted');
      await proxy.writeConfig([gateway()]);
      await becomes(port, 'ECONNREFUSED');
    };
    // The first time opens what is kept, such as the file that random numbers come from.
    await comeAndGo();
    const before = await descriptors();
    for (let count = 0; count < REWRITES; count++) await comeAndGo();
    await eventually('no more descriptors are open', async () => ((await descriptors()) <= before ? true : undefined));
  });

  it('whose port somebody else has is reported, serves nothing, and opens when the port is free', async () => {
    const port = await freePort();
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen({ port, host: '127.0.0.1' }, resolve));
    const proxy = await start([gateway()]);
    await proxy.writeConfig([gateway(), secondGateway(port)]);
    await eventually('it is reported', () =>
      proxy.log().includes(`can't listen on 127.0.0.1:${port}: the port is in use by another process`)
        ? true
        : undefined,
    );
    expect((await exchange(proxy.port, 'shop.example', '/')).status).toBe(404);
    await new Promise((resolve) => other.close(resolve));
    expect(await connect(port)).toBe('ECONNREFUSED');
    const upstream = await RawUpstream.start();
    cleanups.push(() => upstream.stop());
    await proxy.writeConfig([gateway(), secondGateway(port), ...forwarded('shop', [{ port: upstream.port }])]);
    await becomes(port, 'accepted');
  });

  it('whose address no interface has is reported', async () => {
    const port = await freePort();
    const proxy = await start([gateway()]);
    await proxy.writeConfig([gateway(), secondGateway(port, '192.0.2.1')]);
    const line = `can't listen on 192.0.2.1:${port}: no interface of this machine has the address`;
    await eventually('it is reported', () => (proxy.log().includes(line) ? true : undefined));
    expect(await connect(proxy.port)).toBe('accepted');
  });

  it.skipIf(!HAS_IPV6)('can be on an IPv6 address', async () => {
    const port = await freePort();
    await start([gateway(), secondGateway(port, '::1')]);
    await becomes(port, 'accepted', '::1');
    expect(await connect(port)).toBe('ECONNREFUSED');
  });
});
