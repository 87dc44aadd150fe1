// SPDX-License-Identifier: Apache-2.0
/**
 * One run -> where Weft stands against the bounds that the project has set itself. A figure that this run has not measured is
 * "not measured", which is never a pass.
 */
import type { EngineFigures } from '../measure/engine-figures.js';
import type { RunResult, ScenarioResult } from '../measure/result.js';
import { WEFT } from '../measure/result.js';
import type { Metric } from '../scenario.js';
import { medianOf, peerOf, ratioToWeft } from './rows.js';

export type Standing = 'goal reached' | 'bound reached' | 'goal missed' | 'missed' | 'not measured';

export interface BoundRow {
  readonly what: string;
  readonly measured: string;
  readonly bound: string;
  readonly goal: string;
  readonly standing: Standing;
}

interface Bound {
  readonly what: string;
  /** Undefined or NaN: not measured. */
  readonly read: (run: RunResult) => number | undefined;
  /** Undefined: there is none. */
  readonly bound: number | undefined;
  readonly goal: number | undefined;
  /** Which side of the bound is good; default `below`. */
  readonly good?: 'above';
  readonly unit: string;
}

const MB = 1e6;
const KIB = 1024;
/** The goal is a cost that is flat: half as much again for 10,000 times as many routes is what caches alone may do. */
const FLAT = 1.5;

const BOUNDS: readonly Bound[] = [
  ratio('CPU per request, h1 small keep-alive, against HAProxy', 'h1-small', 'haproxy', 1.15, 1),
  ratio('the same against nginx', 'h1-small', 'nginx', 1.2, 1),
  ratio('the same against Envoy with the same 1,000 routes, last one hit', 'h1-small', 'envoy', 0.6, 0.3),
  ratio('1 MiB answers, CPU per byte against nginx', 'h1-down-1m', 'nginx', 1.5, 1),
  ratio('1 MiB request bodies, CPU per byte against nginx', 'h1-up-1m', 'nginx', 1.5, 1),
  ratio('p99 at 70% of the saturated rate, against HAProxy', 'h1-latency', 'haproxy', 1.5, 1),
  ratio('one connection: added round trip against HAProxy', 'h1-one-connection', 'haproxy', 1.5, 1),
  ratio('HTTPS, kept connections, against nginx', 'https-small', 'nginx', 1.3, 1),
  ratio('HTTP/2 to HTTP/2, 8 connections of 16 streams, against nginx', 'h2-small', 'nginx', 0.7, 0.7),
  ratio('the same against HAProxy', 'h2-small', 'haproxy', undefined, 1.5),
  ratio('1 MiB answers over HTTP/2, CPU per byte against nginx', 'h2-down-1m', 'nginx', 1.5, 1),
  own('memory per idle HTTP/2 connection', 'idle-http2-connections', 'bytesPerConnection', KIB, 'KiB', 16, undefined),
  ratio('TCP, 1 MiB answers, CPU per byte against HAProxy', 'tcp-down-1m', 'haproxy', 1.5, undefined),
  ratio('TCP, 1 MiB request bodies, CPU per byte against HAProxy', 'tcp-up-1m', 'haproxy', 1.5, undefined),
  engine('match in the engine, 10,000 prefix routes on one host, last one hit', 'µs', 1, undefined, ({ router }) =>
    matchUs(router, '10000 prefix routes'),
  ),
  engine('the same, 100,000 routes against 10', '×', undefined, FLAT, ({ router }) => router.flatness),
  engine('match, 1,000 regex routes, the slowest shape', 'µs', 5, 1, ({ router }) => slowestRegexUs(router)),
  {
    ...engine(
      'find-my-way on the same 1,000 routes, time per lookup against the engine',
      '× slower',
      2,
      5,
      ({ router }) => inverse(router.findMyWay.ratio),
    ),
    good: 'above',
  },
  own("RSS idle with 2 threads and the demo's rules", 'memory-demo', 'rssBytes', MB, 'MB', 90, 60),
  own('RSS idle with 2 threads and 10,000 routes', 'memory-10000-routes', 'rssBytes', MB, 'MB', 130, 80),
  own('memory per idle plaintext connection', 'idle-connections', 'bytesPerConnection', KIB, 'KiB', 6, 3),
  engine('compile and publish 10,000 routes', 'ms', 300, 100, ({ reload }) => reload.allRoutesMs),
  engine('one changed endpoint', 'ms', 5, 1, ({ reload }) => reload.oneEndpointMs),
  { ...own("two threads against one thread's rate", 'scaling', 'speedup', 1, '×', 1.8, undefined), good: 'above' },
];

/** One row for each bound, in the order of the table above. */
export function boundRows(run: RunResult): readonly BoundRow[] {
  return BOUNDS.map(({ what, read, bound, goal, good, unit }) => {
    const value = read(run);
    const sign = good === 'above' ? '≥' : '≤';
    const withUnit = (text: string): string => (unit === '' ? text : `${text} ${unit}`);
    return {
      what,
      bound: bound === undefined ? '' : withUnit(`${sign} ${bound}`),
      goal: goal === undefined ? '' : withUnit(`${sign} ${goal}`),
      measured: value === undefined || !Number.isFinite(value) ? 'not measured' : withUnit(format(value)),
      standing: standingOf(value, bound, goal, good === 'above'),
    };
  });
}

/** Where a value stands; nothing, NaN and infinity are not measured. */
export function standingOf(
  value: number | undefined,
  bound: number | undefined,
  goal: number | undefined,
  moreIsGood: boolean,
): Standing {
  if (value === undefined || !Number.isFinite(value)) return 'not measured';
  const reaches = (limit: number): boolean => (moreIsGood ? value >= limit : value <= limit);
  if (bound !== undefined && !reaches(bound)) return 'missed';
  if (goal !== undefined && reaches(goal)) return 'goal reached';
  return bound === undefined ? 'goal missed' : 'bound reached';
}

function ratio(
  what: string,
  scenario: string,
  peer: string,
  bound: number | undefined,
  goal: number | undefined,
): Bound {
  const read = (run: RunResult): number | undefined => {
    const result = scenarioOf(run, scenario);
    const other = peerOf(result, peer);
    return result === undefined || other === undefined ? undefined : ratioToWeft(result, other)?.ratio;
  };
  return { what, read, bound, goal, unit: '' };
}

function own(
  what: string,
  scenario: string,
  metric: Metric,
  divisor: number,
  unit: string,
  bound: number | undefined,
  goal: number | undefined,
): Bound {
  const read = (run: RunResult): number | undefined => {
    const value = medianOf(peerOf(scenarioOf(run, scenario), WEFT), metric);
    return value === undefined ? undefined : value / divisor;
  };
  return { what, read, bound, goal, unit };
}

function engine(
  what: string,
  unit: string,
  bound: number | undefined,
  goal: number | undefined,
  pick: (figures: EngineFigures) => number | undefined,
): Bound {
  return { what, unit, bound, goal, read: (run) => (run.engine === undefined ? undefined : pick(run.engine)) };
}

function matchUs({ matches }: EngineFigures['router'], name: string): number | undefined {
  const found = matches.find((match) => match.name.startsWith(name));
  return found === undefined ? undefined : found.engineNs / 1000;
}

function slowestRegexUs({ matches }: EngineFigures['router']): number | undefined {
  const times = matches.filter(({ name }) => name.startsWith('1000 regex routes')).map(({ engineNs }) => engineNs);
  return times.length === 0 ? undefined : Math.max(...times) / 1000;
}

function inverse(value: number): number | undefined {
  return value > 0 ? 1 / value : undefined;
}

function scenarioOf(run: RunResult, name: string): ScenarioResult | undefined {
  return run.scenarios.find(({ scenario }) => scenario.name === name);
}

function format(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
