// SPDX-License-Identifier: Apache-2.0
/**
 * One scenario, three instances of Weft -> the cost of each in every round. A round starts new processes, warms them up, and
 * gives each short turns in mirrored order (ABC CBA), so that what drifts over seconds falls on all alike.
 */
import { startUpstream } from '../upstream/upstream.js';
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

/** V8 has compiled the hot path by then; a process that was started on a busy machine needs the longer half. */
const WARM_UP_SECONDS = 2;
/** wrk's shortest. Many short turns beat few long ones: what disturbs a shared machine lasts seconds. */
const TURN_SECONDS = 1;

export interface Builds {
  readonly base: Contestant;
  readonly head: Contestant;
  readonly baseAgain: Contestant;
}

type Role = keyof Builds;
const ROLES: readonly Role[] = ['base', 'head', 'baseAgain'];

/** One value of the scenario's metric for each build and round. `turns` for each build in each round. Rejects on any failed request. */
export async function compareScenario(
  scenario: Scenario,
  builds: Builds,
  turns: number,
  setting: Setting,
): Promise<ComparedRound[]> {
  const { load } = scenario;
  if (load.kind !== 'closed') throw new Error(`${scenario.name} is not made of requests as fast as they go`);
  const upstream = await startUpstream(scenario.work.upstreamCount, scenario.answerBytes, setting.cpus.load);
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
  const work = workOn(scenario.work, upstream);
  const started = new Map<Role, Started>();
  const costs: Record<Role, number[]> = { base: [], head: [], baseAgain: [] };
  const measure = async (role: Role, seconds: number): Promise<number> => {
    const one = started.get(role);
    if (one === undefined) throw new Error(`${role} is not running`);
    const figures = await measureClosed(scenario, load, one, { directory, cpus: cpus.load, seconds });
    return figures[scenario.metric] ?? NaN;
  };
  const order = rotated(ROLES, round);
  try {
    for (const role of order) {
      const one = await startContestant(builds[role], work, scenario.threads ?? 1, cpus, directory);
      started.set(role, one);
      await checkAnswers(one.port, upstream, work, requestsFor(work.routes, load.target));
    }
    for (const role of order) await measure(role, WARM_UP_SECONDS);
    for (let turn = 0; turn < turns; turn++) {
      for (const role of turn % 2 === 0 ? order : [...order].reverse()) {
        costs[role].push(await measure(role, TURN_SECONDS));
      }
    }
  } finally {
    await Promise.all([...started.values()].map(({ running }) => running.stop()));
  }
  return { base: median(costs.base), head: median(costs.head), baseAgain: median(costs.baseAgain) };
}
