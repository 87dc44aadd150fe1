// SPDX-License-Identifier: Apache-2.0
/** The result of a scenario -> the rows of its table: medians of each proxy, and Weft against it with the noise beside. */
import { isMeasured, valuesOf, WEFT, WEFT_AGAIN } from '../measure/result.js';
import type { PeerResult, ScenarioResult } from '../measure/result.js';
import { median, pairedRatio } from '../measure/statistics.js';
import type { Ratio } from '../measure/statistics.js';
import { METRICS } from '../scenario.js';
import type { Metric } from '../scenario.js';

/** Below this a proxy at saturation was not saturated: the client was the limit. */
const SATURATED_SHARE = 0.85;
/** The mark of such rows, explained below each table. */
export const CLIENT_MARK = '†';
export const CLIENT_NOTE = `${CLIENT_MARK} busy below ${100 * SATURATED_SHARE}%: the client was the limit; CPU per request holds, requests/s is a lower bound`;

export interface ScenarioTable {
  readonly columns: readonly string[];
  /** One cell for each column. */
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** Columns in the order of METRICS, those that some proxy has. */
export function tableOf(result: ScenarioResult): ScenarioTable {
  const metrics = (Object.keys(METRICS) as Metric[]).filter((metric) =>
    result.peers.some((peer) => isMeasured(peer, metric)),
  );
  const saturates = result.scenario.load.kind === 'closed';
  let marked = false;
  const rows = result.peers.map((peer) => {
    const busy = medianOf(peer, 'busy');
    const mark = saturates && busy !== undefined && busy < SATURATED_SHARE;
    marked ||= mark;
    const cells = metrics.map((metric) => {
      const value = medianOf(peer, metric);
      return `${value === undefined ? 'not measured' : formatMetric(metric, value)}${metric === 'busy' && mark ? ` ${CLIENT_MARK}` : ''}`;
    });
    return [peer.name, ...cells, formatRatio(ratioToWeft(result, peer))];
  });
  const failures = result.peers.flatMap((peer) =>
    peer.rounds.flatMap((round, index) =>
      'failure' in round ? [`${peer.name}, round ${index + 1}: ${firstLine(round.failure)}`] : [],
    ),
  );
  const skipped = result.skipped.map(({ name, why }) => `${name} skipped: ${firstLine(why)}`);
  return {
    columns: ['proxy', ...metrics.map((metric) => METRICS[metric].title), 'weft / it (min..max)'],
    rows,
    notes: [...result.notes, ...failures, ...skipped, ...(marked ? [CLIENT_NOTE] : [])],
  };
}

/** Median over the rounds; undefined when no round has the figure. */
export function medianOf(peer: PeerResult | undefined, metric: Metric): number | undefined {
  const values = peer === undefined ? [] : valuesOf(peer, metric).filter((value) => value !== undefined);
  return values.length === 0 ? undefined : median(values);
}

export function peerOf(result: ScenarioResult | undefined, name: string): PeerResult | undefined {
  return result?.peers.find((peer) => peer.name === name);
}

/** Weft's figure that counts against this proxy's; of `weft-again` this is the noise. */
export function ratioToWeft(
  result: ScenarioResult,
  peer: PeerResult,
  metric: Metric = result.scenario.metric,
): Ratio | undefined {
  const weft = peerOf(result, WEFT);
  if (weft === undefined || peer === weft) return undefined;
  return pairedRatio(valuesOf(weft, metric), valuesOf(peer, metric));
}

/** How far two instances of the same build were apart, as a share: the larger of the medians' and no single round's. */
export function noiseOf(result: ScenarioResult, metric: Metric = result.scenario.metric): number | undefined {
  const again = peerOf(result, WEFT_AGAIN);
  const ratio = again === undefined ? undefined : ratioToWeft(result, again, metric);
  return ratio === undefined ? undefined : Math.abs(ratio.ratio - 1);
}

function formatRatio(ratio: Ratio | undefined): string {
  return ratio === undefined ? '' : `${ratio.ratio.toFixed(2)} (${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)})`;
}

/** With the unit where the column's title lacks it. */
export function formatMetric(metric: Metric, value: number): string {
  switch (metric) {
    case 'busy':
      return `${Math.round(100 * value)}%`;
    case 'rssBytes':
    case 'peakMemoryBytes':
      return `${(value / 1e6).toFixed(1)} MB`;
    case 'requestsPerSecond':
    case 'ratePerSecond':
    case 'bytesPerConnection':
      return Math.round(value).toLocaleString('en');
    case 'cpuUsPerRequest':
    case 'cpuUsPerMib':
    case 'addedUs':
    case 'p50Us':
    case 'p90Us':
    case 'p99Us':
    case 'p999Us':
    case 'startMs':
    case 'reloadMs':
    case 'reloads':
    case 'speedup':
      return value >= 1000
        ? Math.round(value).toLocaleString('en')
        : value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
