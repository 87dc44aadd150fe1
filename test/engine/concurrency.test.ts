// SPDX-License-Identifier: Apache-2.0
/** Several threads on one cluster of one shared memory: limits hold at every moment, picks are shared out exactly. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { ENGINE_FILES } from '../support/matcher-engine.js';
import { clusterOf, endpointOf } from '../support/model-factory.js';
import { SharedEngine, tablesOf } from '../support/shared-engine.js';

interface Outcome {
  readonly admitted: number;
  readonly refused: number;
  /** Times that more were inside than the limit allows. */
  readonly aboveLimit: number;
  readonly picks: number;
}

const THREADS = 4;

/** Slab 0 is the main thread's, so that its counters stay at zero. */
function runThread(shared: SharedEngine, slab: number, work: object): Promise<Outcome> {
  const { engine } = shared;
  const exchanges = engine.exchanges + slab * engine.control(layout.CONTROL_SLAB_SIZE);
  const worker = new Worker(new URL('../support/hammer-worker.mjs', import.meta.url), {
    workerData: {
      module: engine.module,
      memory: engine.memory,
      slab,
      threadCount: THREADS,
      firstCluster: (exchanges + layout.EXCHANGE_CLUSTER) / 4,
      exchangeWords: layout.EXCHANGE_SIZE / 4,
      ...work,
    },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

async function hammer(shared: SharedEngine, work: object): Promise<Outcome> {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const occupancy = new Int32Array(new SharedArrayBuffer(16));
  const outcomes = await Promise.all(
    Array.from({ length: THREADS }, (_, index) => runThread(shared, index + 1, { ...work, gate, occupancy })),
  );
  const sum = (field: keyof Outcome): number => outcomes.reduce((total, outcome) => total + outcome[field], 0);
  return { admitted: sum('admitted'), refused: sum('refused'), aboveLimit: sum('aboveLimit'), picks: sum('picks') };
}

function requestsTotal(shared: SharedEngine, cluster: string, address: string): number {
  const slot = shared.store.endpoints.slotOf(`${cluster} ${address} 8080`) ?? -1;
  return shared.engine.words[(shared.store.endpointStateOffset(slot) + layout.ENDPOINT_REQUESTS_TOTAL) / 4] ?? -1;
}

describe.each(ENGINE_FILES)('threads on one cluster (%s)', (file) => {
  it('never pass a limit, and leave every counter at zero', async () => {
    const shared = new SharedEngine(file);
    const limits = { requests: 5, connections: 3, pending: 2, retries: 1 };
    const generation = shared.publish(
      tablesOf({
        ...clusterOf('a'),
        circuitBreaker: {
          maxRequests: limits.requests,
          maxConnections: limits.connections,
          maxPendingRequests: limits.pending,
          maxRetries: limits.retries,
        },
      }),
    );
    // Each thread alone already asks for more than any limit.
    const outcome = await hammer(shared, { limits, held: limits.requests + 1, rounds: 3000 });
    expect(outcome.aboveLimit).toBe(0);
    expect(outcome.admitted).toBeGreaterThan(0);
    expect(outcome.refused).toBeGreaterThan(0);
    expect(shared.gauges('a')).toEqual([0, 0, 0, 0, 0]);
    expect(shared.references(generation)).toBe(0);
  });

  it('share out weighted round robin exactly', async () => {
    const shared = new SharedEngine(file);
    const endpoints = [endpointOf('10.0.0.1', 1), endpointOf('10.0.0.2', 2), endpointOf('10.0.0.3', 5)];
    shared.publish(tablesOf(clusterOf('a', endpoints)));
    const limits = { requests: 1e6, connections: 1e6, pending: 1e6, retries: 1e6 };
    const rounds = 2000;
    const { picks } = await hammer(shared, { limits, held: 4, rounds });
    expect(picks).toBe(THREADS * rounds * 4);
    for (const { address, weight } of endpoints) {
      expect(requestsTotal(shared, 'a', address)).toBe((picks * weight) / 8);
    }
  });
});
