// SPDX-License-Identifier: Apache-2.0
/** Ten gigabytes through one connection each way: counters of bytes pass 2^32, and memory stays where it was. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { RawClient } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const TOTAL = 10 * 2 ** 30;
const GROWTH_LIMIT = 120 * 2 ** 20;
const BLOCK = Buffer.alloc(128 * 1024, 'weft');
/** Uploads leave a turn between blocks; see docs/FRONTS.md on senders of the same machine. */
const UPLOAD_GAP_MS = 1;
const HOST = 'web.example';

let upstream: RawUpstream;
let proxy: Gateway;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  proxy = await startGateway({ config: [gateway(), ...forwarded('web', [{ port: upstream.port }])] });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

async function pump(socket: Socket, gapMs: number): Promise<void> {
  for (let left = TOTAL; left > 0 && !socket.destroyed; left -= BLOCK.length) {
    if (!socket.write(BLOCK)) await once(socket, 'drain');
    if (gapMs > 0) await sleep(gapMs);
  }
}

async function memoryGrowth(work: Promise<unknown>): Promise<number> {
  const before = await proxy.residentBytes();
  let most = before;
  const timer = setInterval(() => void proxy.residentBytes().then((bytes) => (most = Math.max(most, bytes))), 500);
  await work.finally(() => clearInterval(timer));
  return most - before;
}

describe('ten gigabytes', () => {
  it('come down whole', async () => {
    upstream.on('/down', async (answer) => {
      answer.send(`HTTP/1.1 200 OK\r\ncontent-length: ${TOTAL}\r\n\r\n`);
      await pump(answer.socket, 0);
    });
    const client = await RawClient.connect(proxy.port);
    client.discards = true;
    client.request('GET', HOST, '/down');
    expect(await memoryGrowth(client.whenReceived(TOTAL))).toBeLessThan(GROWTH_LIMIT);
    expect(client.receivedBytes).toBeGreaterThanOrEqual(TOTAL);
    client.close();
  });

  it('go up whole', async () => {
    upstream.on('/up', async (answer) => {
      await answer.body;
      answer.send(ok(String(answer.receivedBytes())));
    });
    const client = await RawClient.connect(proxy.port);
    client.request('POST', HOST, '/up', `content-length: ${TOTAL}\r\n`);
    expect(await memoryGrowth(pump(client.socket, UPLOAD_GAP_MS))).toBeLessThan(GROWTH_LIMIT);
    expect((await client.read('POST')).body.toString()).toBe(String(TOTAL));
    client.close();
  });
});
