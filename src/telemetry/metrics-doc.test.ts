// SPDX-License-Identifier: Apache-2.0
/** docs/METRICS.md is generated from the metric definitions: rewrite it with UPDATE_GOLDEN=1. */
import { describe, expect, it } from 'vitest';
import { readGeneratedDoc } from '../../test/support/generated-doc.js';
import { HISTOGRAM_BOUNDS } from '../engine/statistics.js';
import { CLUSTER_METRICS } from './cluster-metrics.js';
import { ROUTE_METRICS } from './route-metrics.js';
import { CONNECTION_LABELS, ISTIO_METRICS, REQUEST_LABELS } from './istio-metrics.js';
import { LISTENER_METRICS } from './listener-metrics.js';
import type { MetricDefinition } from './metric-definition.js';
import { METRICS } from './metrics.js';

const code = (text: string) => `\`${text}\``;

function table(metrics: readonly MetricDefinition[]): string {
  const rows = metrics.map(({ name, type, labels, help }) => {
    const isStandard = labels === REQUEST_LABELS || labels === CONNECTION_LABELS;
    const less = labels === CONNECTION_LABELS ? ' without `response_code` and `grpc_response_status`' : '';
    const shown = isStandard ? `standard labels${less}` : labels.map(code).join(', ');
    return `| ${code(name)} | ${type} | ${shown === '' ? '–' : shown} | ${help} |`;
  });
  return ['| metric | type | labels | what it says |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function page(): string {
  const described = [...ISTIO_METRICS, ...CLUSTER_METRICS, ...ROUTE_METRICS, ...LISTENER_METRICS];
  const rest = METRICS.filter((metric) => !described.includes(metric));
  return `# Metrics

Weft exposes its metrics at \`/stats/prometheus\` of the admin address, and at \`/stats/prometheus\` and \`/metrics\` of the
metrics port (15090). The format is Prometheus text 0.0.4, or OpenMetrics 1.0 for a scraper whose \`Accept\` header prefers
it; OpenMetrics gives every counter the suffix \`_total\`, whatever it is called here. Counters count since the start of the
process and over all threads. This page is generated from the definitions in \`src/telemetry\`.

## Istio's standard metrics

Weft reports as the client side. A label whose value is not known is \`unknown\`, a revision \`latest\`.

Standard labels: ${REQUEST_LABELS.map(code).join(', ')}.

Upper bounds of all histograms: ${HISTOGRAM_BOUNDS.join(', ')}, +Inf.

${table(ISTIO_METRICS)}

## Clusters

Names and meaning are Envoy's. A metric of Envoy that Weft does not count is absent.

${table(CLUSTER_METRICS)}

## Routes

For match blocks with a \`statPrefix\`, which is the label \`route\`. Names and meaning are Envoy's.

${table(ROUTE_METRICS)}

## Client connections

Counted by the wire front. Names and meaning are Envoy's; \`http_conn_manager_prefix\` is the listener's name after
\`outbound_\`, as Istio calls it.

${table(LISTENER_METRICS)}

## The process, its configuration and its threads

${table(rest)}

Values of \`reason\` are Envoy's long response flags in snake case, such as \`no_healthy_upstream\`; \`none\` where no flag was
set. When there are several flags, the first decides, and an injected delay only when it is alone.
`;
}

describe('docs/METRICS.md', () => {
  it('is what the definitions say', async () => {
    const { actual, expected } = await readGeneratedDoc('docs/METRICS.md', page());
    expect(actual).toBe(expected);
  });
});
