// SPDX-License-Identifier: Apache-2.0
/**
 * Finished requests -> Istio's standard metrics with all of its 25 labels, in its order.
 *
 * The engine counts by cluster, so that several of its series can carry the same labels (subsets of one service, one
 * service on two ports): they are added up here, since an exposition must not hold two samples with equal labels.
 * Weft reports as the client side (`reporter="source"`), which fixes `connection_security_policy` to `unknown` as in Istio.
 */
import type { HistogramData, RequestSeries } from '../engine/statistics.js';
import type { HistogramMetric, HistogramSample, Labels, MetricDefinition, MetricsView } from './metric-definition.js';
import type { NodeFacts } from './server-facts.js';

const UNKNOWN = 'unknown';

/** Istio's standard labels in the order in which its filter emits them. */
export const REQUEST_LABELS = [
  'reporter',
  'source_workload',
  'source_canonical_service',
  'source_canonical_revision',
  'source_workload_namespace',
  'source_principal',
  'source_app',
  'source_version',
  'source_cluster',
  'destination_workload',
  'destination_workload_namespace',
  'destination_principal',
  'destination_app',
  'destination_version',
  'destination_service',
  'destination_canonical_service',
  'destination_canonical_revision',
  'destination_service_name',
  'destination_service_namespace',
  'destination_cluster',
  'request_protocol',
  'response_code',
  'grpc_response_status',
  'response_flags',
  'connection_security_policy',
] as const;

/** Labels that only HTTP has; Istio leaves them out for TCP. */
const HTTP_LABELS: ReadonlySet<string> = new Set(['response_code', 'grpc_response_status']);
export const CONNECTION_LABELS = REQUEST_LABELS.filter((label) => !HTTP_LABELS.has(label));

type LabelledSeries = Pick<RequestSeries, 'clusterName' | 'service' | 'workload' | 'status' | 'responseFlags'> & {
  readonly protocol: RequestSeries['protocol'] | 'tcp';
};

/** A revision that is not known is `latest`, every other label `unknown`. */
function labelsOf(series: LabelledSeries, node: NodeFacts): Labels {
  const { service, workload } = series;
  // A cluster in front of the workload itself: the proxy is the destination's, and who asks is not known without mTLS.
  if (series.clusterName?.startsWith('inbound|') === true) return inboundLabelsOf(series, node);
  return {
    reporter: 'source',
    source_workload: node.workload,
    source_canonical_service: node.canonicalService,
    source_canonical_revision: revision(node.canonicalRevision),
    source_workload_namespace: node.namespace,
    source_principal: node.principal,
    source_app: node.app,
    source_version: node.version,
    source_cluster: node.clusterId,
    destination_workload: workload?.workload ?? UNKNOWN,
    destination_workload_namespace: workload?.namespace ?? UNKNOWN,
    destination_principal: workload?.principal ?? UNKNOWN,
    destination_app: workload?.app ?? UNKNOWN,
    destination_version: workload?.version ?? UNKNOWN,
    destination_service: service?.host ?? UNKNOWN,
    destination_canonical_service: workload?.canonicalService ?? UNKNOWN,
    destination_canonical_revision: revision(workload?.canonicalRevision),
    destination_service_name: service?.name ?? UNKNOWN,
    destination_service_namespace: service?.namespace ?? workload?.namespace ?? UNKNOWN,
    destination_cluster: UNKNOWN,
    request_protocol: series.protocol,
    response_code: String(series.status),
    // The engine does not count by grpc-status; Istio leaves the label empty where there is none.
    grpc_response_status: '',
    response_flags: series.responseFlags,
    connection_security_policy: UNKNOWN,
  };
}

function inboundLabelsOf(series: LabelledSeries, node: NodeFacts): Labels {
  const outbound = labelsOf({ ...series, clusterName: '' }, node);
  return {
    ...outbound,
    reporter: 'destination',
    source_workload: UNKNOWN,
    source_canonical_service: UNKNOWN,
    source_canonical_revision: revision(undefined),
    source_workload_namespace: UNKNOWN,
    source_principal: UNKNOWN,
    source_app: UNKNOWN,
    source_version: UNKNOWN,
    source_cluster: UNKNOWN,
    destination_workload: node.workload,
    destination_workload_namespace: node.namespace,
    destination_principal: node.principal,
    destination_app: node.app,
    destination_version: node.version,
    destination_canonical_service: node.canonicalService,
    destination_canonical_revision: revision(node.canonicalRevision),
    destination_cluster: node.clusterId,
    connection_security_policy: 'none',
  };
}

function revision(value: string | undefined): string {
  return value === undefined || value === '' || value === UNKNOWN ? 'latest' : value;
}

interface RequestTotals {
  readonly labels: Labels;
  count: number;
  readonly durationMs: HistogramData;
  readonly requestBytes: HistogramData;
  readonly responseBytes: HistogramData;
}

/** Four metrics read the same totals of one scrape. */
const totalsOfView = new WeakMap<MetricsView, readonly RequestTotals[]>();

function totals(view: MetricsView): readonly RequestTotals[] {
  let result = totalsOfView.get(view);
  if (result === undefined) {
    result = addUp(view);
    totalsOfView.set(view, result);
  }
  return result;
}

function addUp(view: MetricsView): readonly RequestTotals[] {
  const byLabels = new Map<string, RequestTotals>();
  for (const series of view.statistics.requests) {
    const labels = labelsOf(series, view.server.node);
    const key = JSON.stringify(Object.values(labels));
    const known = byLabels.get(key);
    byLabels.set(key, {
      labels,
      count: (known?.count ?? 0) + series.count,
      durationMs: addHistograms(known?.durationMs, series.durationMs),
      requestBytes: addHistograms(known?.requestBytes, series.requestBytes),
      responseBytes: addHistograms(known?.responseBytes, series.responseBytes),
    });
  }
  return [...byLabels.values()];
}

function addHistograms(known: HistogramData | undefined, added: HistogramData): HistogramData {
  if (known === undefined) return added;
  return {
    sum: known.sum + added.sum,
    buckets: added.buckets.map((value, index) => value + (known.buckets[index] ?? 0)),
  };
}

function requestHistogram(
  name: string,
  help: string,
  pick: (series: RequestTotals) => HistogramSample['data'],
): HistogramMetric {
  return {
    type: 'histogram',
    name,
    help,
    labels: REQUEST_LABELS,
    read: (view) => totals(view).map((series) => ({ labels: series.labels, data: pick(series) })),
  };
}

interface ConnectionTotals {
  readonly labels: Labels;
  opened: number;
  closed: number;
  received: number;
  sent: number;
}

function connectionTotals(view: MetricsView): readonly ConnectionTotals[] {
  const byLabels = new Map<string, ConnectionTotals>();
  for (const series of view.statistics.connections) {
    const all = labelsOf({ ...series, status: 0, protocol: 'tcp' }, view.server.node);
    const labels = Object.fromEntries(Object.entries(all).filter(([label]) => !HTTP_LABELS.has(label)));
    const key = JSON.stringify(Object.values(labels));
    const known = byLabels.get(key) ?? { labels, opened: 0, closed: 0, received: 0, sent: 0 };
    known.opened += series.openedCount;
    known.closed += series.closedCount;
    known.received += series.receivedBytes;
    known.sent += series.sentBytes;
    byLabels.set(key, known);
  }
  return [...byLabels.values()];
}

function connectionCounter(name: string, help: string, pick: (series: ConnectionTotals) => number): MetricDefinition {
  return {
    type: 'counter',
    name,
    help,
    labels: CONNECTION_LABELS,
    read: (view) => connectionTotals(view).map((series) => ({ labels: series.labels, value: pick(series) })),
  };
}

export const ISTIO_METRICS: readonly MetricDefinition[] = [
  {
    type: 'counter',
    name: 'istio_requests_total',
    help: 'Requests that have ended, whatever their outcome.',
    labels: REQUEST_LABELS,
    read: (view) => totals(view).map(({ labels, count }) => ({ labels, value: count })),
  },
  requestHistogram(
    'istio_request_duration_milliseconds',
    'Milliseconds from the start of a request to the last byte of its response.',
    (series) => series.durationMs,
  ),
  requestHistogram('istio_request_bytes', 'Bytes received from the client for a request.', (s) => s.requestBytes),
  requestHistogram('istio_response_bytes', 'Bytes sent to the client for a request.', (s) => s.responseBytes),
  connectionCounter('istio_tcp_connections_opened_total', 'TCP connections that have begun.', (s) => s.opened),
  connectionCounter('istio_tcp_connections_closed_total', 'TCP connections that have ended.', (s) => s.closed),
  connectionCounter(
    'istio_tcp_received_bytes_total',
    'Bytes received from clients of TCP connections.',
    (s) => s.received,
  ),
  connectionCounter('istio_tcp_sent_bytes_total', 'Bytes sent to clients of TCP connections.', (s) => s.sent),
  {
    type: 'gauge',
    name: 'istio_build',
    help: 'Always 1; the version is in the label.',
    labels: ['component', 'tag'],
    read: (view) => [{ labels: { component: 'proxy', tag: view.server.version }, value: 1 }],
  },
];
