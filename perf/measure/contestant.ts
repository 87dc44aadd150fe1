// SPDX-License-Identifier: Apache-2.0
/** A proxy that takes part in a scenario, and its start: a port and an empty directory of its own, answers checked. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer, RunningPeer, Work } from '../peers/contract.js';
import { findFreePort } from '../peers/process.js';
import type { PlannedWork } from '../scenario.js';
import { certificateIn } from './certificate.js';
import type { Upstream } from '../upstream/upstream.js';
import type { CpuPlan } from './cpu-plan.js';

export interface Contestant {
  readonly name: string;
  readonly version: string;
  readonly peer: Peer;
}

export interface Started {
  readonly contestant: Contestant;
  readonly running: RunningPeer;
  readonly port: number;
  readonly work: Work;
  readonly threads: number;
}

/** The work with the ports of the upstreams that run now, and a certificate that lies in the run's `directory`. */
export function workOn(
  { upstreamCount: _count, tls, ...work }: PlannedWork,
  upstream: Upstream,
  directory: string,
): Work {
  const withTls = tls === undefined ? {} : { tls: certificateIn(directory) };
  return { ...work, ...withTls, upstreams: upstream.ports };
}

/**
 * Starts a proxy in a new directory below `directory`. More threads than the plan has cores for run on what there is: memory
 * can be measured so, rates can't.
 */
export async function startContestant(
  contestant: Contestant,
  work: Work,
  threads: number,
  plan: CpuPlan,
  directory: string,
  port?: number,
): Promise<Started> {
  const own = await mkdtemp(join(directory, `${contestant.name}-`));
  const taken = port ?? (await findFreePort());
  const cpus = plan.proxy(threads) ?? plan.proxy(1) ?? '0';
  const running = await contestant.peer.start({ directory: own, port: taken, work, cpus, threads });
  return { contestant, running, port: taken, work, threads };
}
