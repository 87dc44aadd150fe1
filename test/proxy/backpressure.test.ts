// SPDX-License-Identifier: Apache-2.0
/** Bodies larger than any buffer: all bytes arrive, and whoever is slow slows the sender instead of filling memory. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { RawClient } from '../support/raw-client.js';
import type { Answer } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const MB = 1 << 20;
const HOST = 'web.example';
const LARGE = 300 * MB;
/** Kernel socket buffers and the queues of the proxy; far below what is sent. */
const IN_FLIGHT_LIMIT = 40 * MB;
const GROWTH_LIMIT = 80 * MB;
/**
 * Uploads are sent at about 100 MB/s: while a sender on the same machine fills the kernel's buffer faster than
 * uWebSockets.js reads it, the library does not look at its own pause; docs/FRONTS.md.
 */
const BLOCK = Buffer.alloc(128 * 1024, 'weft');
const UPLOAD_GAP_MS = 1;

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

type Frame = (block: Buffer) => Buffer;

function asIs(block: Buffer): Buffer {
  return block;
}

/** Writes `total` bytes with regard to backpressure; `written` tells how far it is. */
class Pump {
  written = 0;
  readonly done: Promise<void>;

  constructor(socket: Socket, total: number, frame: Frame = asIs, gapMs = 0) {
    this.done = this.#run(socket, total, frame, gapMs);
    this.done.catch(() => undefined);
  }

  async #run(socket: Socket, total: number, frame: Frame, gapMs: number): Promise<void> {
    while (this.written < total && !socket.destroyed) {
      const block = BLOCK.subarray(0, Math.min(BLOCK.length, total - this.written));
      this.written += block.length;
      if (!socket.write(frame(block))) await once(socket, 'drain');
      if (gapMs > 0) await sleep(gapMs);
    }
  }
}

function chunk(block: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${block.length.toString(16)}\r\n`), block, Buffer.from('\r\n')]);
}

/** Runs `work` and returns by how much the proxy's resident memory was above its start at most. */
async function memoryGrowth(work: Promise<unknown>): Promise<number> {
  const before = await proxy.residentBytes();
  let most = before;
  let running = true;
  void work.finally(() => (running = false)).catch(() => undefined);
  while (running) {
    most = Math.max(most, await proxy.residentBytes());
    await sleep(50);
  }
  await work;
  return most - before;
}

/** Resolves with the bytes written once they stop growing. */
async function stalledAt(pump: Pump): Promise<number> {
  let last = -1;
  let since = performance.now();
  return eventually(
    'the sender stops',
    () => {
      if (pump.written !== last) {
        last = pump.written;
        since = performance.now();
      }
      return last > 0 && performance.now() - since > 400 ? last : undefined;
    },
    15_000,
  );
}

describe('a response', () => {
  it('of many megabytes arrives byte for byte, with and without a length', async () => {
    const size = 20 * MB + 7;
    const sent = createHash('sha256');
    for (let left = size; left > 0; left -= BLOCK.length) sent.update(BLOCK.subarray(0, Math.min(left, BLOCK.length)));
    const expected = sent.digest('hex');
    upstream.on('/exact-length', async (answer) => {
      answer.send(`HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`);
      await new Pump(answer.socket, size).done;
    });
    upstream.on('/exact-chunked', async (answer) => {
      answer.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      await new Pump(answer.socket, size, chunk).done;
      answer.send('0\r\n\r\n');
    });
    for (const path of ['/exact-length', '/exact-chunked']) {
      const got = createHash('sha256');
      const response = await fetchAs(path);
      for await (const part of response) got.update(part);
      expect([path, got.digest('hex')]).toEqual([path, expected]);
    }
  });

  it.each(['counted', 'chunked'])('that is %s waits for a slow reader, and memory stays flat', async (framing) => {
    let pump: Pump | undefined;
    upstream.on(`/large-${framing}`, async (answer) => {
      const chunked = framing === 'chunked';
      answer.send(`HTTP/1.1 200 OK\r\n${chunked ? 'transfer-encoding: chunked' : `content-length: ${LARGE}`}\r\n\r\n`);
      pump = new Pump(answer.socket, LARGE, chunked ? chunk : undefined);
      await pump.done;
      if (chunked) answer.send('0\r\n\r\n');
    });
    const client = await RawClient.connect(proxy.port);
    client.discards = true;
    client.socket.pause();
    const work = async (): Promise<void> => {
      client.request('GET', HOST, `/large-${framing}`);
      const running = await eventually('the upstream answers', () => pump);
      expect(await stalledAt(running)).toBeLessThan(IN_FLIGHT_LIMIT);
      client.socket.resume();
      await client.whenReceived(LARGE);
      expect(client.closed).toBe(false);
    };
    expect(await memoryGrowth(work())).toBeLessThan(GROWTH_LIMIT);
    client.close();
  });
});

describe('a request', () => {
  it.each(['counted', 'chunked'])('that is %s waits for a slow upstream, and memory stays flat', async (framing) => {
    const chunked = framing === 'chunked';
    let received: Answer | undefined;
    upstream.on(`/upload-${framing}`, async (answer) => {
      received = answer;
      answer.socket.pause();
      await answer.body;
      answer.send(ok(String(answer.receivedBytes())));
    });
    const client = await RawClient.connect(proxy.port);
    const work = async (): Promise<void> => {
      client.request(
        'POST',
        HOST,
        `/upload-${framing}`,
        chunked ? 'transfer-encoding: chunked\r\n' : `content-length: ${LARGE}\r\n`,
      );
      const pump = new Pump(client.socket, LARGE, chunked ? chunk : asIs, UPLOAD_GAP_MS);
      expect(await stalledAt(pump)).toBeLessThan(IN_FLIGHT_LIMIT);
      received?.socket.resume();
      await pump.done;
      if (chunked) client.send('0\r\n\r\n');
      expect((await client.read('POST')).body.toString()).toBe(String(LARGE));
    };
    expect(await memoryGrowth(work())).toBeLessThan(GROWTH_LIMIT);
    client.close();
  });
});

function fetchAs(path: string): Promise<AsyncIterable<Uint8Array>> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: proxy.port, path, headers: { host: HOST } }, resolve)
      .on('error', reject)
      .end();
  });
}
