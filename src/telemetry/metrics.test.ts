// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseExposition } from '../../test/support/exposition.js';
import {
  clusterStatisticsOf,
  REVIEWS,
  REVIEWS_CLUSTER,
  REVIEWS_V2,
  SERVER,
  seriesOf,
  STATISTICS,
} from '../../test/support/statistics.js';
import type { StatisticsSnapshot } from '../engine/statistics.js';
import { chooseContentType, createMetricsRegistry, exposeMetrics, METRICS } from './metrics.js';
import type { MetricsSource, ServerFacts } from './server-facts.js';

function sourceOf(statistics: StatisticsSnapshot = STATISTICS, server: ServerFacts = SERVER): MetricsSource {
  return { statistics: () => statistics, server: () => server };
}

async function scrape(source: MetricsSource = sourceOf()) {
  return parseExposition(await createMetricsRegistry(source).metrics());
}

const OPENMETRICS_OF_PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1';

describe('the exposition', () => {
  it('is valid text format with every metric in it', async () => {
    const families = await scrape();
    expect([...families.keys()]).toEqual(METRICS.map((metric) => metric.name));
  });

  it('has exactly the labels that the definitions name', async () => {
    const families = await scrape();
    for (const metric of METRICS) {
      for (const sample of families.get(metric.name)?.samples ?? []) {
        const { le: _le, ...labels } = sample.labels;
        expect(Object.keys(labels), metric.name).toEqual(metric.labels);
      }
    }
  });

  it('is valid when nothing has happened yet', async () => {
    const families = await scrape(
      sourceOf({ requests: [], connections: [], routes: [], clusters: [], listeners: [], threads: [] }),
    );
    expect(families.get('istio_requests_total')?.samples).toEqual([]);
    expect(families.get('envoy_server_concurrency')?.samples[0]?.value).toBe(0);
  });

  it('is OpenMetrics when the scraper prefers it, and text for the next one', async () => {
    const source = sourceOf();
    const openMetrics = await exposeMetrics(source, OPENMETRICS_OF_PROMETHEUS);
    expect(openMetrics.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    const families = parseExposition(openMetrics.body, 'openmetrics');
    expect(families.get('istio_requests')?.samples[0]?.name).toBe('istio_requests_total');
    expect(families.size).toBe(METRICS.length);
    const text = await exposeMetrics(source, undefined);
    expect(text.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(parseExposition(text.body).has('istio_requests_total')).toBe(true);
  });

  it('escapes what a label may not hold', async () => {
    const name = 'quote " backslash \\ line\nend';
    const families = await scrape(sourceOf({ ...STATISTICS, clusters: [clusterStatisticsOf(name)] }));
    expect(families.get('envoy_cluster_upstream_cx_total')?.samples[0]?.labels).toEqual({ cluster_name: name });
  });

  it('reads its source once a scrape and again at the next', async () => {
    let reads = 0;
    const registry = createMetricsRegistry({
      statistics: () => {
        reads++;
        return STATISTICS;
      },
      server: () => SERVER,
    });
    await registry.metrics();
    expect(reads).toBe(1);
    await registry.metrics();
    expect(reads).toBe(2);
  });

  it('can be narrowed by name and to what was counted', async () => {
    const { body } = await exposeMetrics(sourceOf(), undefined, {
      keep: (name) => name.startsWith('envoy_cluster_upstream_cx'),
      usedOnly: true,
    });
    const families = parseExposition(body);
    expect(families.get('envoy_cluster_upstream_cx_connect_fail')?.samples).toHaveLength(1);
    expect(families.get('envoy_cluster_upstream_cx_overflow')?.samples).toEqual([]);
    expect(families.has('istio_build')).toBe(false);
  });
});

describe("Istio's metrics", () => {
  it('say who called whom', async () => {
    const families = await scrape();
    const sample = families.get('istio_requests_total')?.samples[0];
    expect(sample?.value).toBe(2);
    expect(sample?.labels).toEqual({
      reporter: 'source',
      source_workload: 'ingress',
      source_canonical_service: 'ingress',
      source_canonical_revision: 'latest',
      source_workload_namespace: 'istio-system',
      source_principal: 'unknown',
      source_app: 'ingress',
      source_version: 'unknown',
      source_cluster: 'Kubernetes',
      destination_workload: 'reviews-v2',
      destination_workload_namespace: 'demo',
      destination_principal: 'spiffe://cluster.local/ns/demo/sa/reviews',
      destination_app: 'reviews',
      destination_version: 'v2',
      destination_service: 'reviews.demo.svc.cluster.local',
      destination_canonical_service: 'reviews',
      destination_canonical_revision: 'v2',
      destination_service_name: 'reviews',
      destination_service_namespace: 'demo',
      destination_cluster: 'unknown',
      request_protocol: 'http',
      response_code: '200',
      grpc_response_status: '',
      response_flags: '-',
      connection_security_policy: 'unknown',
    });
  });

  it('leave unknown what a request without a cluster cannot have', async () => {
    const families = await scrape();
    const labels = families
      .get('istio_requests_total')
      ?.samples.find((s) => s.labels['response_code'] === '404')?.labels;
    expect(labels).toMatchObject({ destination_service: 'unknown', destination_workload: 'unknown' });
    expect(labels).toMatchObject({ destination_canonical_revision: 'latest', response_flags: 'NR' });
  });

  it('add up series that differ only in what has no label', async () => {
    const same = { service: REVIEWS, workload: REVIEWS_V2 };
    const requests = [
      seriesOf([3], { ...same, clusterName: REVIEWS_CLUSTER }),
      seriesOf([30, 4_000_000], { ...same, clusterName: 'outbound|9080||reviews.demo.svc.cluster.local' }),
    ];
    const families = await scrape(sourceOf({ ...STATISTICS, requests }));
    expect(families.get('istio_requests_total')?.samples.map((s) => s.value)).toEqual([3]);
    const duration = families.get('istio_request_duration_milliseconds')?.samples ?? [];
    const at = (le: string) => duration.find((sample) => sample.labels['le'] === le)?.value;
    expect([at('1'), at('5'), at('25'), at('50'), at('3600000'), at('+Inf')]).toEqual([0, 1, 1, 2, 2, 3]);
    expect(duration.find((sample) => sample.name.endsWith('_sum'))?.value).toBe(4_000_033);
  });
});

describe('cluster metrics', () => {
  it('show members, and which can be chosen', async () => {
    const families = await scrape();
    expect(families.get('envoy_cluster_membership_total')?.samples[0]?.value).toBe(2);
    expect(families.get('envoy_cluster_membership_healthy')?.samples[0]?.value).toBe(1);
  });

  it('show an open breaker and what is left of the others', async () => {
    const families = await scrape(
      sourceOf({ ...STATISTICS, clusters: [clusterStatisticsOf('c', { activeConnections: 10, pendingRequests: 2 })] }),
    );
    const value = (name: string) => families.get(`envoy_cluster_circuit_breakers_default_${name}`)?.samples[0]?.value;
    expect([value('cx_open'), value('remaining_cx')]).toEqual([1, 0]);
    expect([value('rq_pending_open'), value('remaining_pending')]).toEqual([0, 3]);
  });

  it('count answers by class, one sample a cluster and class', async () => {
    const families = await scrape();
    const samples = families.get('envoy_cluster_upstream_rq_xx')?.samples ?? [];
    expect(samples.map((s) => [s.labels['response_code_class'], s.value])).toEqual([
      ['2', 2],
      ['5', 1],
    ]);
  });
});

describe('server metrics', () => {
  it('show the state as Envoy numbers it', async () => {
    const draining = await scrape(sourceOf(STATISTICS, { ...SERVER, state: 'DRAINING' }));
    expect(draining.get('envoy_server_state')?.samples[0]?.value).toBe(1);
    expect(draining.get('envoy_server_live')?.samples[0]?.value).toBe(0);
    expect(draining.get('envoy_server_uptime')?.samples[0]?.value).toBe(65);
  });

  it('show a stale configuration', async () => {
    const config = { ...SERVER.config, state: 'stale' as const, attempts: 9, failures: 2 };
    const families = await scrape(sourceOf(STATISTICS, { ...SERVER, config }));
    expect(families.get('weft_config_stale')?.samples[0]?.value).toBe(1);
    expect(families.get('weft_config_reloads_total')?.samples.map((s) => s.value)).toEqual([7, 2]);
    expect(families.get('weft_config_last_success_timestamp_seconds')?.samples[0]?.value).toBe(1_787_400_030);
  });

  it('show each thread in one state', async () => {
    const families = await scrape();
    const active = families.get('weft_thread_state')?.samples.filter((s) => s.value === 1);
    expect(active?.map((s) => s.labels)).toEqual([
      { thread: '0', state: 'running' },
      { thread: '1', state: 'starting' },
    ]);
  });

  it('name the reason of answers', async () => {
    const families = await scrape();
    expect(families.get('weft_responses_total')?.samples.map((s) => s.labels['reason'])).toEqual([
      'none',
      'upstream_connection_failure',
      'no_route_found',
    ]);
  });

  it('leave the access log out when there is none', async () => {
    const { accessLog: _accessLog, ...server } = SERVER;
    const families = await scrape(sourceOf(STATISTICS, server));
    expect(families.get('weft_access_log_lines_total')?.samples).toEqual([]);
  });
});

describe('the choice of format', () => {
  it('follows the quality values', () => {
    expect(chooseContentType(undefined)).toMatch(/^text\/plain/);
    expect(chooseContentType('*/*')).toMatch(/^text\/plain/);
    expect(chooseContentType('application/openmetrics-text;q=0')).toMatch(/^text\/plain/);
    expect(chooseContentType('text/plain;q=0.9, application/openmetrics-text;q=0.5')).toMatch(/^text\/plain/);
    expect(chooseContentType('Application/OpenMetrics-Text; version=1.0.0')).toMatch(/^application\/openmetrics/);
  });
});
