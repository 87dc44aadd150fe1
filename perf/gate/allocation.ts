// SPDX-License-Identifier: Apache-2.0
/**
 * A front -> bytes that its data-path thread allocates per request, from real traffic through a real `weft proxy`. V8 counts
 * what is in use, not what was ever allocated, so the young generation is made so large that no collection runs in the
 * window; a window in which one did is thrown away.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FastUpstream } from '../../test/support/fast-upstream.js';
import { median } from '../engine/race.js';
import type { HeapReading } from './heap-reading.js';
import { bytesPerRequest } from './heap-reading.js';
import { KeepAliveLoad } from './keep-alive-load.js';
import { lastRouteOf, rulesYaml, serviceYaml } from './mesh-yaml.js';
import type { WeftProcess } from './weft-process.js';
import { startWeft } from './weft-process.js';

const SERVICES = 100;
const PREFIX = '/api';
const UPSTREAM = 'origin';
/** Until V8 has compiled what runs for each request: feedback and code count as allocations. */
const WARM_UP_REQUESTS = 12_000;
const WINDOWS = 7;
/** At 2 KB each a window stays far below the young generation. */
const WINDOW_REQUESTS = 2000;
const YOUNG_GENERATION_MB = 64;

/** Takes a few seconds. NaN when a collection ran in every window; rejects when a request fails. */
export async function measureAllocation(front: 'uws' | 'wire'): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-gate-'));
  const upstream = await FastUpstream.start(UPSTREAM);
  try {
    await writeFile(join(folder, 'service.yaml'), serviceYaml('127.0.0.1', upstream.port));
    await writeFile(join(folder, 'rules.yaml'), rulesYaml(SERVICES, PREFIX));
    const weft = await startWeft({
      source: ['-c', folder],
      threads: 1,
      front,
      nodeOptions: [
        `--min-semi-space-size=${YOUNG_GENERATION_MB}`,
        `--max-semi-space-size=${YOUNG_GENERATION_MB}`,
        `--import=${new URL('./heap-probe.js', import.meta.url).href}`,
      ],
    });
    try {
      return await measureWindows(weft);
    } finally {
      await weft.stop();
    }
  } finally {
    await upstream.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureWindows(weft: WeftProcess): Promise<number> {
  const target = { port: weft.port, ...lastRouteOf(SERVICES - 1, PREFIX), bodyEnd: `hello from ${UPSTREAM}\n` };
  const load = await KeepAliveLoad.connect(target);
  try {
    await load.send(WARM_UP_REQUESTS);
    const figures: number[] = [];
    for (let window = 0; window < WINDOWS; window++) {
      const before = await readHeap(weft);
      await load.send(WINDOW_REQUESTS);
      figures.push(bytesPerRequest(before, await readHeap(weft), WINDOW_REQUESTS));
    }
    return median(figures.filter((figure) => !Number.isNaN(figure)));
  } finally {
    load.close();
  }
}

async function readHeap(weft: WeftProcess): Promise<HeapReading> {
  return (await weft.ask('heap')) as HeapReading;
}
