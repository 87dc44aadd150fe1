// SPDX-License-Identifier: Apache-2.0
/** Changed work, again and again -> how long until a new connection is answered by it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../load/ask.js';
import type { Started } from './contestant.js';
import { memoryOf } from './process-tree.js';
import { requestsFor } from './requests.js';
import type { Figures } from './result.js';
import { median } from './statistics.js';

/** Adds at most this to a time of tens of milliseconds, and leaves the proxy its core. */
const POLL_MS = 2;
const TIMEOUT_MS = 60_000;

/** Each reload turns all requests to the other of two upstreams, so that the answer tells which configuration gave it. */
export async function measureReloads(reloads: number, { running, port, work }: Started): Promise<Figures> {
  if (running.reload === undefined) throw new Error('it can not change its configuration without a restart');
  const { paths, headersOf } = requestsFor(work.routes, 'last');
  const upstreamNow = async (): Promise<string> => {
    const { status, headers } = await ask(port, paths[0] ?? '/', headersOf(0));
    if (status !== 200) throw new Error(`answered with ${status} while reloading`);
    return headers['x-upstream'] ?? '';
  };
  const times: number[] = [];
  let current = await upstreamNow();
  for (let turn = 0; turn < reloads; turn++) {
    const first = current === '0' ? 1 : 0;
    const upstreams = first === 0 ? work.upstreams : [...work.upstreams].reverse();
    const begun = performance.now();
    const applied = running.reload({ ...work, upstreams });
    let refused: Error | undefined;
    applied.catch((error: unknown) => (refused = error instanceof Error ? error : new Error(String(error))));
    while ((await upstreamNow()) === current) {
      if (refused !== undefined) throw refused;
      if (performance.now() - begun > TIMEOUT_MS) throw new Error('the changed configuration never came into force');
      await sleep(POLL_MS);
    }
    times.push(performance.now() - begun);
    await applied;
    current = String(first);
  }
  return { reloadMs: median(times), peakMemoryBytes: memoryOf(running.pid).peakBytes };
}
