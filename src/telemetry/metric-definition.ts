// SPDX-License-Identifier: Apache-2.0
/**
 * The form that a metric is defined in: name, type and labels as plain data, and one function that reads its samples from a
 * snapshot. The Prometheus registry, admin's /stats and docs/METRICS.md are all made from these definitions.
 */
import type { HistogramData, StatisticsSnapshot } from '../engine/statistics.js';
import type { ServerFacts } from './server-facts.js';

/** What one scrape sees. */
export interface MetricsView {
  readonly statistics: StatisticsSnapshot;
  readonly server: ServerFacts;
}

/** In the order of exposition. */
export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  readonly data: HistogramData;
}

interface Described {
  /** Prometheus name; the name of a counter is as Envoy's, with or without `_total`. */
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Envoy's dotted name with labels in braces, such as `cluster.{cluster_name}.upstream_cx_total`, for admin's /stats. */
  readonly statName?: string;
}

export interface NumberMetric extends Described {
  readonly type: 'counter' | 'gauge';
  /** No two samples have the same labels. */
  read(view: MetricsView): readonly Sample[];
}

export interface HistogramMetric extends Described {
  readonly type: 'histogram';
  read(view: MetricsView): readonly HistogramSample[];
}

export type MetricDefinition = NumberMetric | HistogramMetric;

/** Envoy's name of one sample; a metric without a template joins its labels to its name, as Istio's filter does. */
export function formatStatName(metric: MetricDefinition, labels: Labels): string {
  if (metric.statName !== undefined) {
    return metric.statName.replace(/\{(\w+)\}/g, (_match, label: string) => labels[label] ?? '');
  }
  let name = metric.name;
  for (const [label, value] of Object.entries(labels)) {
    if (value !== '') name += `.${label}.${value}`;
  }
  return name;
}
