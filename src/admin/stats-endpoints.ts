// SPDX-License-Identifier: Apache-2.0
/** Metrics for people and for scrapers: Envoy's dotted names as text or JSON, and the Prometheus exposition. */
import type { RE2JS } from 're2js';
import { HISTOGRAM_BOUNDS } from '../engine/statistics.js';
import { formatStatName } from '../telemetry/metric-definition.js';
import type { HistogramSample, MetricsView } from '../telemetry/metric-definition.js';
import { exposeMetrics, isUsed, METRICS } from '../telemetry/metrics.js';
import type { MetricsSource } from '../telemetry/server-facts.js';
import { jsonReply, textReply } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import type { Reply } from './http-server.js';
import type { Query } from './query.js';

export const EXPOSITION_PARAMETERS = {
  filter: 'regular expression (RE2) that a part of the metric name must match',
  usedonly: 'leaves out what was never counted',
};

/** The exposition in the format that the Accept header asks for; `filter` looks at Prometheus names here. */
export async function expositionReply(source: MetricsSource, query: Query, accept: string | undefined): Promise<Reply> {
  const filter = query.pattern('filter');
  const { contentType, body } = await exposeMetrics(source, accept, {
    keep: (name) => filter === undefined || filter.test(name),
    usedOnly: query.flag('usedonly'),
  });
  return { status: 200, contentType, body };
}

interface Stats {
  readonly numbers: readonly (readonly [name: string, value: number])[];
  readonly histograms: readonly (readonly [name: string, sample: HistogramSample])[];
}

/** All samples under Envoy's names, sorted. */
function readStats(view: MetricsView, filter: RE2JS | undefined, usedOnly: boolean): Stats {
  const numbers: [string, number][] = [];
  const histograms: [string, HistogramSample][] = [];
  for (const metric of METRICS) {
    if (metric.type === 'histogram') {
      for (const sample of metric.read(view)) {
        const name = formatStatName(metric, sample.labels);
        if ((filter === undefined || filter.test(name)) && (!usedOnly || isUsed(sample)))
          histograms.push([name, sample]);
      }
    } else {
      for (const { labels, value } of metric.read(view)) {
        const name = formatStatName(metric, labels);
        if ((filter === undefined || filter.test(name)) && (!usedOnly || value !== 0)) numbers.push([name, value]);
      }
    }
  }
  return { numbers: numbers.sort(byName), histograms: histograms.sort(byName) };
}

function byName([first]: readonly [string, unknown], [second]: readonly [string, unknown]): number {
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Envoy's histogram_buckets=cumulative: `name: B0.5(0) B1(3) ...`, the last with bound infinity. */
function printStats({ numbers, histograms }: Stats): string {
  const lines = numbers.map(([name, value]) => `${name}: ${value}\n`);
  for (const [name, sample] of histograms) {
    const buckets = bucketsOf(sample).map(({ upper_bound, cumulative }) => `B${upper_bound}(${cumulative})`);
    lines.push(`${name}: ${buckets.join(' ')}\n`);
  }
  return lines.join('');
}

function bucketsOf({ data }: HistogramSample) {
  let cumulative = 0;
  return [...data.buckets].map((interval, index) => {
    cumulative += interval;
    return { upper_bound: HISTOGRAM_BOUNDS[index] ?? 'infinity', interval, cumulative };
  });
}

function statsJson({ numbers, histograms }: Stats) {
  const stats: object[] = numbers.map(([name, value]) => ({ name, value }));
  stats.push({ histograms: histograms.map(([name, sample]) => ({ name, buckets: bucketsOf(sample) })) });
  return { stats };
}

export const STATS_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/stats',
    summary: "all metrics under Envoy's names, sorted",
    parameters: {
      filter: 'regular expression (RE2) that a part of the name must match',
      usedonly: 'leaves out what was never counted',
      format: 'text, json or prometheus',
    },
    answer: ({ source, query, headers }) => {
      const format = query.choice('format', ['text', 'json', 'prometheus']);
      if (format === 'prometheus') return expositionReply(source, query, headers.accept);
      const view = { statistics: source.statistics(), server: source.server() };
      const stats = readStats(view, query.pattern('filter'), query.flag('usedonly'));
      return format === 'json' ? jsonReply(statsJson(stats)) : textReply(printStats(stats));
    },
  },
  {
    method: 'GET',
    path: '/stats/prometheus',
    summary: 'all metrics for Prometheus, as text 0.0.4 or OpenMetrics by the Accept header',
    parameters: EXPOSITION_PARAMETERS,
    answer: ({ source, query, headers }) => expositionReply(source, query, headers.accept),
  },
];
