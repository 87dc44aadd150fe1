// SPDX-License-Identifier: Apache-2.0
/** One run -> its plots, those for which it has measured something. */
import { isMeasured } from '../measure/result.js';
import type { RunResult, ScenarioResult } from '../measure/result.js';
import { METRICS } from '../scenario.js';
import type { Metric } from '../scenario.js';
import { barChart } from './bar-chart.js';
import type { BarChart } from './bar-chart.js';
import { medianOf, peerOf } from './rows.js';

export interface Plot {
  /** Without folder. */
  readonly file: string;
  readonly title: string;
  readonly svg: string;
}

export function plotsOf(run: RunResult): readonly Plot[] {
  const scenarios = run.scenarios.filter((result) =>
    result.peers.some((peer) => isMeasured(peer, result.scenario.metric)),
  );
  const h1 = scenarios.filter(({ scenario }) => scenario.group !== 'routes');
  const charts: { readonly file: string; readonly chart: BarChart | undefined }[] = [
    { file: 'cpu-per-request.svg', chart: byPeer('CPU per request', 'cpuUsPerRequest', h1) },
    { file: 'cpu-per-mib.svg', chart: byPeer('CPU per MiB of bodies', 'cpuUsPerMib', h1) },
    { file: 'latency.svg', chart: latencyChart(scenarios) },
    { file: 'routes.svg', chart: routesChart(scenarios) },
    { file: 'match.svg', chart: matchChart(run) },
  ];
  return charts.flatMap(({ file, chart }) =>
    chart === undefined ? [] : [{ file, title: chart.title, svg: barChart(chart) }],
  );
}

/** A group for each scenario whose figure counts so, a bar for each proxy. */
function byPeer(title: string, metric: Metric, results: readonly ScenarioResult[]): BarChart | undefined {
  const rows = results.filter(({ scenario }) => scenario.metric === metric);
  const series = namesOf(rows);
  if (rows.length === 0) return undefined;
  const groups = rows.map((result) => ({
    label: result.scenario.name,
    values: series.map((name) => medianOf(peerOf(result, name), metric)),
  }));
  return { title, axis: `${METRICS[metric].title}, median of the rounds; less is better`, series, groups };
}

const PERCENTILES: readonly Metric[] = ['p50Us', 'p90Us', 'p99Us', 'p999Us'];

function latencyChart(results: readonly ScenarioResult[]): BarChart | undefined {
  const result = results.find(({ scenario }) => scenario.load.kind === 'paced');
  if (result === undefined) return undefined;
  const series = namesOf([result]);
  const groups = PERCENTILES.map((metric) => ({
    label: METRICS[metric].title,
    values: series.map((name) => medianOf(peerOf(result, name), metric)),
  }));
  return { title: 'Latency at one rate for all', axis: 'µs, median of the rounds; less is better', series, groups };
}

function routesChart(results: readonly ScenarioResult[]): BarChart | undefined {
  const rows = results.filter(({ scenario }) => scenario.group === 'routes' && scenario.name.endsWith('-last'));
  return byPeer('CPU per request by number and kind of routes, the last one hit', 'cpuUsPerRequest', rows);
}

function matchChart({ engine }: RunResult): BarChart | undefined {
  if (engine === undefined) return undefined;
  const groups = engine.router.matches.map(({ name, engineNs }) => ({ label: name, values: [engineNs] }));
  const title = 'A match in the engine by number of routes';
  return { title, axis: 'ns per decision, median; less is better', series: ['engine'], groups };
}

/** All proxies of these rows, in their order. */
function namesOf(results: readonly ScenarioResult[]): string[] {
  return [...new Set(results.flatMap(({ peers }) => peers.map(({ name }) => name)))];
}
