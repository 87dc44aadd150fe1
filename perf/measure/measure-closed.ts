// SPDX-License-Identifier: Apache-2.0
/** One round of closed-loop load on one proxy -> its figures. */
import { setTimeout as sleep } from 'node:timers/promises';
import { runClosed } from '../load/closed.js';
import type { Work } from '../peers/contract.js';
import type { Load, Scenario } from '../scenario.js';
import type { Started } from './contestant.js';
import { cpuTimesOf, cpuUsBetween, memoryOf } from './process-tree.js';
import { requestsFor } from './requests.js';
import type { Figures } from './result.js';

const MIB = 1024 * 1024;
/** Smaller bodies cost by the request, not by the byte. */
const BULK_BYTES = 4096;

export type ClosedKind = Extract<Load, { kind: 'closed' }>;

export interface LoadPlace {
  readonly directory: string;
  readonly cpus: string | undefined;
  readonly seconds: number;
}

/** Rejects when a request failed. CPU per request holds whether or not the proxy was the limit; requests/s only if it was. */
export async function measureClosed(
  scenario: Scenario,
  load: ClosedKind,
  { running, port, work, threads }: Started,
  { directory, cpus, seconds }: LoadPlace,
): Promise<Figures> {
  const { paths, varying, headersOf } = requestsFor(work.routes, load.target);
  const before = cpuTimesOf(running.pid);
  const beside = startBeside(load, running, work);
  const figures = await runClosed(
    {
      ...{ port, paths, seconds, connections: load.connections, isSecure: work.tls !== undefined },
      ...{ protocol: work.protocol ?? 'http1', streams: load.streams ?? 1 },
      headers: { ...(paths.length === 1 ? headersOf(0) : {}), ...load.headers },
      ...(varying === undefined ? {} : { varying }),
      ...(load.requestBytes === undefined ? {} : { bodyBytes: load.requestBytes }),
      ...(load.pipeline === undefined ? {} : { pipeline: load.pipeline }),
      ...(load.newConnections === undefined ? {} : { newConnections: load.newConnections }),
    },
    directory,
    cpus,
  ).finally(() => beside.stop());
  const cpuUs = cpuUsBetween(before, cpuTimesOf(running.pid));
  if (!(cpuUs > 0)) throw new Error('the proxy used no CPU time: something else has answered');
  const { requests, seconds: took, ...latency } = figures;
  const bodyBytes = Math.max(scenario.answerBytes, load.requestBytes ?? 0);
  return {
    cpuUsPerRequest: cpuUs / requests,
    ...(bodyBytes >= BULK_BYTES ? { cpuUsPerMib: cpuUs / ((requests * bodyBytes) / MIB) } : {}),
    requestsPerSecond: requests / took,
    busy: cpuUs / 1e6 / took / threads,
    // wrk does not time requests that are pipelined behind others.
    ...(load.pipeline === undefined ? latency : {}),
    peakMemoryBytes: memoryOf(running.pid).peakBytes,
  };
}

/** What goes on while the load runs; `stop` waits for it and rejects when it failed or never happened. */
function startBeside(load: ClosedKind, running: Started['running'], work: Work): { stop(): Promise<void> } {
  const { beside } = load;
  if (beside === undefined) return { stop: () => Promise.resolve() };
  const ending = new AbortController();
  let count = 0;
  const act = async (): Promise<void> => {
    if (beside.what === 'scrape') {
      const answer = await fetch(running.metricsUrl ?? '');
      if (!answer.ok || (await answer.text()) === '') throw new Error('the metrics were not answered');
    } else {
      // Every second time the other way round: each reload changes where requests go.
      const upstreams = count % 2 === 0 ? [...work.upstreams].reverse() : work.upstreams;
      await running.reload?.({ ...work, upstreams });
    }
    count++;
  };
  const loop = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      await act();
      await sleep(beside.everyMs, undefined, { signal: ending.signal }).catch(() => undefined);
    }
  };
  const done = loop();
  // Without this a failure before `stop` would count as unhandled; `stop` reports it.
  done.catch(() => undefined);
  return {
    async stop() {
      ending.abort();
      await done;
      if (count === 0) throw new Error(`no ${beside.what} happened`);
    },
  };
}
