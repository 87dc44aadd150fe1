// SPDX-License-Identifier: Apache-2.0
/**
 * Routes with a `statPrefix` -> Envoy's `vhost.<virtual host>.route.<prefix>` statistics, the two names as labels. Retries are
 * no requests of their own here: what the client got is counted.
 */
import type { RouteSeries } from '../engine/statistics.js';
import type { MetricDefinition, Sample } from './metric-definition.js';

type View = Parameters<Extract<MetricDefinition, { type: 'counter' | 'gauge' }>['read']>[0];

function routeMetric(
  stat: string,
  help: string,
  label: string,
  read: (series: RouteSeries) => string | undefined,
): MetricDefinition {
  const name = stat.replaceAll('{response_code_class}', '').replaceAll('{response_code}', '');
  return {
    type: 'counter',
    name: `envoy_vhost_route_${name.replace(/_$/, '')}`,
    help,
    labels: ['virtual_host', 'route', ...(label === '' ? [] : [label])],
    statName: `vhost.{virtual_host}.route.{route}.${stat}`,
    read: ({ statistics }: View): readonly Sample[] => {
      const samples = new Map<string, Sample>();
      for (const series of statistics.routes) {
        const value = read(series);
        if (value === undefined) continue;
        const names = { virtual_host: series.virtualHost, route: series.statPrefix };
        const labels = label === '' ? names : { ...names, [label]: value };
        const key = Object.values(labels).join(' ');
        samples.set(key, { labels, value: (samples.get(key)?.value ?? 0) + series.count });
      }
      return [...samples.values()];
    },
  };
}

export const ROUTE_METRICS: readonly MetricDefinition[] = [
  routeMetric('upstream_rq_completed', 'Requests that got an answer.', '', ({ status }) =>
    status === 0 ? undefined : '',
  ),
  routeMetric('upstream_rq_{response_code}', 'Answers by status code.', 'response_code', ({ status }) =>
    status === 0 ? undefined : String(status),
  ),
  routeMetric(
    'upstream_rq_{response_code_class}xx',
    'Answers by the first digit of their status code.',
    'response_code_class',
    ({ status }) => (status === 0 ? undefined : String(Math.floor(status / 100))),
  ),
];
