// SPDX-License-Identifier: Apache-2.0
/**
 * Scenarios in which all proxies stand side by side: started once, checked, warmed up, then loaded one at a time in an order
 * that changes each round. What waits must use no CPU, so it disturbs nobody; that is measured too.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { runH2load } from '../load/h2load.js';
import { runWrk } from '../load/wrk.js';
import type { Load, Scenario } from '../scenario.js';
import type { Upstream } from '../upstream/upstream.js';
import { checkAnswers } from './check-answers.js';
import type { Contestant, Started } from './contestant.js';
import { startContestant, workOn } from './contestant.js';
import { measureClosed } from './measure-closed.js';
import type { ClosedKind } from './measure-closed.js';
import { measureReloads } from './measure-reloads.js';
import { cpuTimesOf, cpuUsBetween, memoryOf } from './process-tree.js';
import { requestsFor } from './requests.js';
import type { Figures, PeerResult, Round } from './result.js';
import { messageOf } from './setting.js';
import type { ScenarioLog, Setting } from './setting.js';
import { rotated } from './statistics.js';

export type StandingLoad = Extract<Load, { kind: 'closed' | 'paced' | 'added' | 'reload' }>;

/** Enough for V8 to compile what is hot, and for pools to fill. */
const WARM_UP_SECONDS = 2;
const WARM_UP: ClosedKind = { kind: 'closed', connections: 32, target: 'last' };
const IDLE_CHECK_MS = 1000;
/** Timers and readiness checks of a waiting proxy; more disturbs the one that is measured. */
const IDLE_SHARE = 0.02;

export async function runStanding(
  scenario: Scenario,
  load: StandingLoad,
  contestants: readonly Contestant[],
  upstream: Upstream,
  setting: Setting,
  log: ScenarioLog,
): Promise<readonly PeerResult[]> {
  const started: Started[] = [];
  try {
    for (const contestant of contestants) {
      setting.progress(`${scenario.name}: starting ${contestant.name}`);
      const one = await startChecked(scenario, load, contestant, upstream, setting, log);
      if (one !== undefined) started.push(one);
    }
    if (started.length === 0) return [];
    await noteIdleUse(started, log);
    const measure = await measurementOf(scenario, load, started, upstream, setting, log);
    const rounds = new Map<Started, Round[]>(started.map((one) => [one, []]));
    for (let round = 0; round < setting.rounds; round++) {
      for (const one of rotated(started, round)) {
        setting.progress(`${scenario.name}: round ${round + 1} of ${setting.rounds}, ${one.contestant.name}`);
        rounds.get(one)?.push(await roundOf(() => measure(one)));
      }
    }
    return started.map((one) => {
      const { name, version } = one.contestant;
      return { name, version, rounds: rounds.get(one) ?? [] };
    });
  } finally {
    await Promise.all(started.map(({ running }) => running.stop()));
  }
}

/** A round never ends the run: its failure is its result. */
export async function roundOf(measure: () => Promise<Figures>): Promise<Round> {
  try {
    return { figures: await measure() };
  } catch (error) {
    return { failure: messageOf(error) };
  }
}

/** Undefined, with the reason in the log, when the proxy does not start or does not do the work. */
async function startChecked(
  scenario: Scenario,
  load: StandingLoad,
  contestant: Contestant,
  upstream: Upstream,
  setting: Setting,
  log: ScenarioLog,
): Promise<Started | undefined> {
  const work = workOn(scenario.work, upstream, setting.directory);
  let one: Started | undefined;
  try {
    one = await startContestant(contestant, work, scenario.threads ?? 1, setting.cpus, setting.directory);
    const lacks = lackOf(load, one);
    if (lacks !== undefined) throw new Error(lacks);
    const requests = requestsFor(work.routes, load.kind === 'reload' ? 'last' : load.target);
    await checkAnswers(one.port, upstream, work, requests);
    const { beside: _beside, ...alone } = load.kind === 'closed' ? load : WARM_UP;
    const place = { directory: setting.directory, cpus: setting.cpus.load, seconds: WARM_UP_SECONDS };
    await measureClosed(scenario, alone, one, place);
    return one;
  } catch (error) {
    log.skip(contestant.name, messageOf(error));
    await one?.running.stop();
    return undefined;
  }
}

function lackOf(load: StandingLoad, { running }: Started): string | undefined {
  const reloads = load.kind === 'reload' || (load.kind === 'closed' && load.beside?.what === 'reload');
  if (reloads && running.reload === undefined) return 'it can not change its configuration without a restart';
  const scrapes = load.kind === 'closed' && load.beside?.what === 'scrape';
  return scrapes && running.metricsUrl === undefined ? 'it has no metrics by HTTP' : undefined;
}

async function noteIdleUse(started: readonly Started[], log: ScenarioLog): Promise<void> {
  const before = started.map(({ running }) => cpuTimesOf(running.pid));
  await sleep(IDLE_CHECK_MS);
  started.forEach(({ running, contestant }, index) => {
    const share = cpuUsBetween(before[index] ?? new Map(), cpuTimesOf(running.pid)) / 1000 / IDLE_CHECK_MS;
    if (share > IDLE_SHARE) log.note(`${contestant.name} used ${(100 * share).toFixed(1)}% of a core while waiting`);
  });
}

async function measurementOf(
  scenario: Scenario,
  load: StandingLoad,
  started: readonly Started[],
  upstream: Upstream,
  setting: Setting,
  log: ScenarioLog,
): Promise<(one: Started) => Promise<Figures>> {
  const { directory, seconds } = setting;
  const cpus = setting.cpus.load;
  switch (load.kind) {
    case 'closed':
      return (one) => measureClosed(scenario, load, one, { directory, cpus, seconds });
    case 'reload':
      return (one) => measureReloads(load.reloads, one);
    case 'paced': {
      const rate = await commonRate(scenario, load, started, setting);
      log.note(`all at ${Math.round(rate)} requests/s, ${100 * load.share}% of what the slowest of them saturates at`);
      return (one) => measurePaced(load, one, rate, setting);
    }
    case 'added':
      return async (one) => {
        const { paths, headersOf } = requestsFor(one.work.routes, load.target);
        const single = { connections: 1, seconds, paths, headers: headersOf(0) };
        const direct = await runWrk({ ...single, port: upstream.ports[0] ?? 0 }, directory, cpus);
        const { p50Us, p90Us, p99Us, p999Us } = await runWrk({ ...single, port: one.port }, directory, cpus);
        return { addedUs: p50Us - direct.p50Us, p50Us, p90Us, p99Us, p999Us };
      };
  }
}

/** The share of the lowest saturated rate; a proxy that fails at saturation has no say in it and will fail its rounds. */
async function commonRate(
  scenario: Scenario,
  load: Extract<StandingLoad, { kind: 'paced' }>,
  started: readonly Started[],
  { directory, cpus, progress }: Setting,
): Promise<number> {
  const rates: number[] = [];
  const closed = { kind: 'closed', connections: load.connections, target: load.target } as const;
  for (const one of started) {
    progress(`${scenario.name}: what ${one.contestant.name} saturates at`);
    const place = { directory, cpus: cpus.load, seconds: WARM_UP_SECONDS };
    const round = await roundOf(() => measureClosed(scenario, closed, one, place));
    if ('figures' in round) rates.push(round.figures.requestsPerSecond ?? NaN);
  }
  const lowest = Math.min(...rates);
  if (!Number.isFinite(lowest) || lowest <= 0) throw new Error('no proxy could be saturated');
  return load.share * lowest;
}

async function measurePaced(
  load: Extract<StandingLoad, { kind: 'paced' }>,
  { running, port, work }: Started,
  ratePerSecond: number,
  { directory, cpus, seconds }: Setting,
): Promise<Figures> {
  const path = requestsFor(work.routes, load.target).paths[0] ?? '/';
  const before = cpuTimesOf(running.pid);
  const paced = { port, connections: load.connections, seconds, ratePerSecond, path };
  const { requests, ...figures } = await runH2load(paced, directory, cpus.load);
  const cpuUs = cpuUsBetween(before, cpuTimesOf(running.pid));
  return { ...figures, cpuUsPerRequest: cpuUs / requests, peakMemoryBytes: memoryOf(running.pid).peakBytes };
}
