// SPDX-License-Identifier: Apache-2.0
/**
 * Scenarios in which each round begins with a new process, because what they measure happens once in its life: start,
 * memory at rest, memory of idle connections, one thread against two. One proxy runs at a time.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../load/ask.js';
import { openIdleConnections } from '../load/idle-connections.js';
import { findFreePort } from '../peers/process.js';
import type { Load, Scenario } from '../scenario.js';
import type { Upstream } from '../upstream/upstream.js';
import type { Contestant, Started } from './contestant.js';
import { startContestant, workOn } from './contestant.js';
import { measureClosed } from './measure-closed.js';
import { memoryOf, processAgeMs } from './process-tree.js';
import { requestsFor } from './requests.js';
import type { Figures, PeerResult, Round } from './result.js';
import type { ScenarioLog, Setting } from './setting.js';
import { roundOf } from './standing.js';
import { rotated } from './statistics.js';

export type FreshLoad = Extract<Load, { kind: 'idle' | 'start' | 'rest' | 'scaling' }>;

/** Memory settles after the last request: collectors run, pools shrink. */
const REST_MS = 2000;
const POLL_MS = 3;
/** Files that a process needs beside the connections that are counted. */
const SPARE_FILES = 1000;
/** A round of memory varies little and lasts long. */
const MAX_ROUNDS = 3;

export async function runFresh(
  scenario: Scenario,
  load: FreshLoad,
  contestants: readonly Contestant[],
  upstream: Upstream,
  setting: Setting,
  log: ScenarioLog,
): Promise<readonly PeerResult[]> {
  if (load.kind === 'scaling' && setting.cpus.proxy(2) === undefined) {
    log.note('not measured: needs four cores, two for the load and one for each thread of the proxy');
    return [];
  }
  const connections = load.kind === 'idle' ? affordable(load.connections, log) : 0;
  const rounds = new Map<Contestant, Round[]>(contestants.map((one) => [one, []]));
  const count = load.kind === 'start' ? setting.rounds : Math.min(MAX_ROUNDS, setting.rounds);
  for (let round = 0; round < count; round++) {
    for (const contestant of rotated(contestants, round)) {
      setting.progress(`${scenario.name}: round ${round + 1} of ${count}, ${contestant.name}`);
      const measure = measurementOf(scenario, load, connections, contestant, upstream, setting);
      rounds.get(contestant)?.push(await roundOf(measure));
    }
  }
  return contestants.map((one) => ({ name: one.name, version: one.version, rounds: rounds.get(one) ?? [] }));
}

function measurementOf(
  scenario: Scenario,
  load: FreshLoad,
  connections: number,
  contestant: Contestant,
  upstream: Upstream,
  setting: Setting,
): () => Promise<Figures> {
  const { directory, cpus, seconds } = setting;
  const work = workOn(scenario.work, upstream, directory);
  const start = (threads: number): Promise<Started> => startContestant(contestant, work, threads, cpus, directory);
  const place = { directory, cpus: cpus.load, seconds };
  switch (load.kind) {
    case 'start':
      return () => measureStart(scenario, contestant, upstream, setting);
    case 'rest':
      return () =>
        whileRunning(start(scenario.threads ?? 1), async ({ running, port }) => {
          // Any answer will do: it is the demo's own rules in one of the rows.
          await ask(port, requestsFor(work.routes, 'last').paths[0] ?? '/');
          await sleep(REST_MS);
          const { rssBytes, peakBytes } = memoryOf(running.pid);
          return { rssBytes, peakMemoryBytes: peakBytes };
        });
    case 'idle':
      return () => whileRunning(start(1), (one) => measureIdle(one, connections));
    case 'scaling':
      return async () => {
        const rates: number[] = [];
        const closed = { kind: 'closed', connections: load.connections, target: load.target } as const;
        for (const threads of [1, 2]) {
          const figures = await whileRunning(start(threads), async (one) => {
            await measureClosed(scenario, closed, one, { ...place, seconds: 2 });
            return measureClosed(scenario, closed, one, place);
          });
          rates.push(figures.requestsPerSecond ?? NaN);
        }
        return { speedup: (rates[1] ?? NaN) / (rates[0] ?? NaN), requestsPerSecond: rates[1] ?? NaN };
      };
  }
}

async function whileRunning(
  starting: Promise<Started>,
  measure: (started: Started) => Promise<Figures>,
): Promise<Figures> {
  const started = await starting;
  try {
    return await measure(started);
  } finally {
    await started.running.stop();
  }
}

/** The clock starts with the process, as the kernel has it: what an adapter prepares before (files, tables) is not in it. */
async function measureStart(
  scenario: Scenario,
  contestant: Contestant,
  upstream: Upstream,
  { cpus, directory }: Setting,
): Promise<Figures> {
  const work = workOn(scenario.work, upstream, directory);
  const { paths, headersOf } = requestsFor(work.routes, 'last');
  const port = await findFreePort();
  const starting = startContestant(contestant, work, 1, cpus, directory, port);
  let failed = false;
  starting.catch(() => (failed = true));
  let answeredAt: number | undefined;
  while (answeredAt === undefined && !failed) {
    const answer = await ask(port, paths[0] ?? '/', headersOf(0)).catch(() => undefined);
    if (answer?.status === 200) answeredAt = performance.now();
    else await sleep(POLL_MS);
  }
  return whileRunning(starting, async ({ running }) => {
    const startMs = processAgeMs(running.pid) - (performance.now() - (answeredAt ?? NaN));
    await sleep(REST_MS);
    const { rssBytes, peakBytes } = memoryOf(running.pid);
    return { startMs, rssBytes, peakMemoryBytes: peakBytes };
  });
}

/**
 * The process is new and has seen no load: what it grows by with its first requests counts as the connections'. The other way
 * round, after load, new connections fill memory that lay free, and half of what they cost was not seen.
 */
async function measureIdle({ running, port, work }: Started, count: number): Promise<Figures> {
  await sleep(REST_MS);
  const before = memoryOf(running.pid);
  const path = requestsFor(work.routes, 'last').paths[0] ?? '/';
  const idle = await openIdleConnections(port, path, count, work.protocol ?? 'http1');
  try {
    await sleep(REST_MS);
    const after = memoryOf(running.pid);
    const closed = idle.closedCount();
    if (closed > 0) throw new Error(`the proxy closed ${closed} of ${count} idle connections`);
    return {
      bytesPerConnection: (after.rssBytes - before.rssBytes) / count,
      rssBytes: after.rssBytes,
      peakMemoryBytes: after.peakBytes,
    };
  } finally {
    idle.close();
  }
}

/** As many connections as the limit of open files allows; Node.js has raised it to the hard limit when it started. */
function affordable(wanted: number, log: ScenarioLog): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? Infinity);
  const count = Math.min(wanted, limit - SPARE_FILES);
  if (count < 1) throw new Error(`the limit of open files is ${limit}; raise it with ulimit -n`);
  if (count < wanted)
    log.note(`${count} connections instead of ${wanted}: the limit of open files (ulimit -n) is ${limit}`);
  return count;
}
