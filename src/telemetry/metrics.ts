// SPDX-License-Identifier: Apache-2.0
/**
 * Metric definitions + a source -> a prom-client registry, and the exposition of one scrape.
 *
 * The registry holds no values: each metric reads the snapshot when it is collected, so that a request costs telemetry
 * nothing. A registry is bound to one content type and made per scrape, which is cheap: prom-client renames counters in
 * place when a registry changes to OpenMetrics, so one registry could not serve both.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RegistryContentType } from 'prom-client';
import { HISTOGRAM_BOUNDS } from '../engine/statistics.js';
import { CLUSTER_METRICS } from './cluster-metrics.js';
import { ISTIO_METRICS } from './istio-metrics.js';
import { LISTENER_METRICS } from './listener-metrics.js';
import type {
  HistogramMetric,
  HistogramSample,
  MetricDefinition,
  MetricsView,
  NumberMetric,
  Sample,
} from './metric-definition.js';
import type { MetricsSource } from './server-facts.js';
import { ROUTE_METRICS } from './route-metrics.js';
import { SERVER_METRICS } from './server-metrics.js';

/** Every metric that Weft has, in the order of exposition. */
export const METRICS: readonly MetricDefinition[] = [
  ...ISTIO_METRICS,
  ...CLUSTER_METRICS,
  ...ROUTE_METRICS,
  ...LISTENER_METRICS,
  ...SERVER_METRICS,
];

export interface RegistryOptions {
  /** Default: the Prometheus text format 0.0.4. */
  readonly contentType?: RegistryContentType;
  /** Keeps a metric by its Prometheus name. */
  keep?(name: string): boolean;
  /** Leaves out samples that were never counted (Envoy's `usedonly`). */
  readonly usedOnly?: boolean;
}

/**
 * A registry whose metrics read `source` when they are collected. All metrics of one `registry.metrics()` call see the same
 * snapshot.
 */
export function createMetricsRegistry(
  source: MetricsSource,
  options: RegistryOptions = {},
): Registry<RegistryContentType> {
  const registry = new Registry<RegistryContentType>();
  if (options.contentType !== undefined) registry.setContentType(options.contentType);
  const view = oneViewPerScrape(source);
  const usedOnly = options.usedOnly === true;
  for (const metric of METRICS) {
    if (options.keep?.(metric.name) === false) continue;
    if (metric.type === 'histogram') registry.registerMetric(new SnapshotHistogram(metric, view, usedOnly));
    else if (metric.type === 'counter') registry.registerMetric(new SnapshotCounter(metric, view, usedOnly));
    else registry.registerMetric(new SnapshotGauge(metric, view, usedOnly));
  }
  return registry;
}

/** The whole exposition of `source` in the format that the client asks for. */
export async function exposeMetrics(
  source: MetricsSource,
  accept: string | undefined,
  options: Omit<RegistryOptions, 'contentType'> = {},
): Promise<{ contentType: string; body: string }> {
  const contentType = chooseContentType(accept);
  const registry = createMetricsRegistry(source, { ...options, contentType });
  return { contentType, body: await registry.metrics() };
}

/** OpenMetrics when the Accept header names it at least as highly as text/plain; else the text format 0.0.4. */
export function chooseContentType(accept: string | undefined): RegistryContentType {
  let openMetrics = 0;
  let text = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    if (type === 'application/openmetrics-text') openMetrics = Math.max(openMetrics, quality);
    else if (type === 'text/plain') text = Math.max(text, quality);
  }
  return openMetrics > 0 && openMetrics >= text ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE;
}

/**
 * The registry asks all its metrics in one turn of the event loop: what was read lives until that turn ends. So a metric
 * takes its values before it waits for anything.
 */
function oneViewPerScrape(source: MetricsSource): () => MetricsView {
  let view: MetricsView | undefined;
  return () => {
    if (view === undefined) {
      view = { statistics: source.statistics(), server: source.server() };
      queueMicrotask(() => (view = undefined));
    }
    return view;
  };
}

const configurationOf = (metric: MetricDefinition) => ({
  name: metric.name,
  help: metric.help,
  labelNames: [...metric.labels],
  registers: [],
});

const readSamples = (metric: NumberMetric, view: MetricsView, usedOnly: boolean): Sample[] =>
  metric.read(view).filter((sample) => !usedOnly || sample.value !== 0);

class SnapshotCounter extends Counter {
  constructor(
    readonly metric: NumberMetric,
    readonly view: () => MetricsView,
    readonly usedOnly: boolean,
  ) {
    super(configurationOf(metric));
  }

  override async get() {
    const values = readSamples(this.metric, this.view(), this.usedOnly);
    return { ...(await super.get()), values };
  }
}

class SnapshotGauge extends Gauge {
  constructor(
    readonly metric: NumberMetric,
    readonly view: () => MetricsView,
    readonly usedOnly: boolean,
  ) {
    super(configurationOf(metric));
  }

  override async get() {
    const values = readSamples(this.metric, this.view(), this.usedOnly);
    return { ...(await super.get()), values };
  }
}

class SnapshotHistogram extends Histogram {
  constructor(
    readonly metric: HistogramMetric,
    readonly view: () => MetricsView,
    readonly usedOnly: boolean,
  ) {
    super(configurationOf(metric));
  }

  /** What the registry asks a histogram for; the library's get() is made from it. */
  async getForPromString() {
    const samples = this.metric.read(this.view()).filter((sample) => !this.usedOnly || isUsed(sample));
    const values = samples.flatMap((sample) => expandHistogram(this.metric.name, sample));
    return { name: this.metric.name, help: this.metric.help, type: 'histogram', aggregator: 'sum', values };
  }
}

export const isUsed = (sample: HistogramSample): boolean => sample.data.buckets.some((count) => count > 0);

/** The lines of one histogram: cumulative buckets, then sum and count; the count is that of the +Inf bucket. */
function expandHistogram(name: string, { labels, data }: HistogramSample) {
  const values: { metricName: string; labels: Record<string, string>; value: number }[] = [];
  let count = 0;
  data.buckets.forEach((inBucket, index) => {
    count += inBucket;
    const bound = HISTOGRAM_BOUNDS[index];
    const le = bound === undefined ? '+Inf' : String(bound);
    values.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: count });
  });
  values.push({ metricName: `${name}_sum`, labels: { ...labels }, value: data.sum });
  values.push({ metricName: `${name}_count`, labels: { ...labels }, value: count });
  return values;
}
