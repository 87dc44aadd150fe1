// SPDX-License-Identifier: Apache-2.0
/**
 * One scenario, two instances of each build -> the cost of each in every round. A round starts new processes, warms them up, and
 * loads all four at the same time on the same core. CPU time is counted for each, so sharing is fair; and what neighbours do
 * to caches, clock and kernel falls on all four in the same milliseconds. Turns one after the other, even of a second in
 * mirrored order, were tried: on a busy machine two instances of one build then differed by 5%, as much as what was sought.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startOrigin } from '../upstream/origin.js';
import type { Upstream } from '../upstream/upstream.js';
import { checkAnswers } from '../measure/check-answers.js';
import { startContestant, workOn } from '../measure/contestant.js';
import type { Contestant, Started } from '../measure/contestant.js';
import { measureClosed } from '../measure/measure-closed.js';
import type { ClosedKind } from '../measure/measure-closed.js';
import { requestsFor } from '../measure/requests.js';
import type { Setting } from '../measure/setting.js';
import { median, rotated } from '../measure/statistics.js';
import type { Scenario } from '../scenario.js';
import type { ComparedRound } from './verdict.js';

/** Four share a core, so each gets a quarter of it: V8 has compiled the hot path by then. */
const WARM_UP_SECONDS = 5;
/** The median of several turns drops one in which something started or ended. */
const TURN_SECONDS = 2;

export interface Builds {
  readonly base: Contestant;
  readonly baseAgain: Contestant;
  readonly head: Contestant;
  readonly headAgain: Contestant;
}

type Role = keyof Builds;
const ROLES: readonly Role[] = ['base', 'head', 'baseAgain', 'headAgain'];

/** One value of the scenario's metric for each build and round. `turns` for each build in each round. Rejects on any failed request. */
export async function compareScenario(
  scenario: Scenario,
  builds: Builds,
  turns: number,
  setting: Setting,
): Promise<ComparedRound[]> {
  const { load } = scenario;
  if (load.kind !== 'closed') throw new Error(`${scenario.name} is not made of requests as fast as they go`);
  const upstream = await startOrigin(scenario, setting);
  try {
    const rounds: ComparedRound[] = [];
    for (let round = 0; round < setting.rounds; round++) {
      setting.progress(`${scenario.name}: round ${round + 1} of ${setting.rounds}`);
      rounds.push(await compareOnce(scenario, load, builds, turns, round, upstream, setting));
    }
    return rounds;
  } finally {
    await upstream.stop();
  }
}

async function compareOnce(
  scenario: Scenario,
  load: ClosedKind,
  builds: Builds,
  turns: number,
  round: number,
  upstream: Upstream,
  { cpus, directory }: Setting,
): Promise<ComparedRound> {
  const work = workOn(scenario.work, upstream, directory);
  const started = new Map<Role, Started>();
  const costs: Record<Role, number[]> = { base: [], baseAgain: [], head: [], headAgain: [] };
  const measure = async (role: Role, seconds: number): Promise<number> => {
    const one = started.get(role);
    if (one === undefined) throw new Error(`${role} is not running`);
    // Each its own folder: that is where the load's script goes.
    const own = join(directory, `load-${role}`);
    await mkdir(own, { recursive: true });
    const figures = await measureClosed(scenario, load, one, { directory: own, cpus: cpus.load, seconds });
    return figures[scenario.metric] ?? NaN;
  };

  const order = rotated(ROLES, round);
  const measureAll = (seconds: number): Promise<number[]> => Promise.all(order.map((role) => measure(role, seconds)));
  try {
    for (const role of order) {
      const one = await startContestant(builds[role], work, scenario.threads ?? 1, cpus, directory);
      started.set(role, one);
      await checkAnswers(one.port, upstream, work, requestsFor(work.routes, load.target));
    }
    await measureAll(WARM_UP_SECONDS);
    for (let turn = 0; turn < turns; turn++) {
      (await measureAll(TURN_SECONDS)).forEach((cost, index) => costs[order[index] ?? 'base'].push(cost));
    }
  } finally {
    await Promise.all([...started.values()].map(({ running }) => running.stop()));
  }
  const { base, baseAgain, head, headAgain } = costs;
  return { base: median(base), baseAgain: median(baseAgain), head: median(head), headAgain: median(headAgain) };
}
