// SPDX-License-Identifier: Apache-2.0
/** Clusters and their endpoints -> records, healthy endpoints first, with what weighted picking needs worked out ahead. */
import * as layout from '../../assembly/layout.js';
import type { Cluster, Endpoint, LoadBalancer } from '../model/model.js';
import type { ClusterData } from './encoded-tables.js';
import { toByteString } from './key-hash.js';
import type { TableWriter } from './table-writer.js';

const LOAD_BALANCERS: Readonly<Record<LoadBalancer, number>> = {
  ROUND_ROBIN: layout.LB_ROUND_ROBIN,
  LEAST_REQUEST: layout.LB_LEAST_REQUEST,
  RANDOM: layout.LB_RANDOM,
};

const MAX_U32 = 0xffff_ffff;

/** Whole numbers in 0..2^32-1; what is larger counts as the largest. */
export function toU32(value: number): number {
  return Math.min(MAX_U32, Math.max(0, Math.round(value)));
}

/**
 * Running sums of the weights, scaled down in proportion (keeping positive weights positive) when their sum would not fit
 * in 32 bits.
 */
export function cumulativeWeights(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  // Half of the range is left for weights that rounding lifts to 1.
  const scale = total > MAX_U32 ? MAX_U32 / 2 / total : 1;
  let sum = 0;
  return weights.map(
    (weight) => (sum += scale === 1 || weight === 0 ? weight : Math.max(1, Math.floor(weight * scale))),
  );
}

function greatestCommonDivisor(left: number, right: number): number {
  while (right !== 0) [left, right] = [right, left % right];
  return left;
}

/**
 * Step of weighted round robin: coprime to the total so that a cycle visits every position once, and near the golden
 * section of it so that the picks of one endpoint are spread over the cycle.
 */
export function roundRobinStride(total: number): number {
  let stride = Math.max(1, Math.floor(total * 0.6180339887));
  while (greatestCommonDivisor(stride, total) !== 1) stride++;
  return stride;
}

function endpointText({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The sections that clusters are written to. */
export type ClusterSections = Pick<TableWriter, 'text' | 'clusters' | 'endpoints'>;

/** Appends the cluster's record and those of its endpoints. */
export function encodeCluster(writer: ClusterSections, cluster: Cluster): ClusterData {
  const healthy = cluster.endpoints.filter((endpoint) => endpoint.healthy);
  const endpoints = [...healthy, ...cluster.endpoints.filter((endpoint) => !endpoint.healthy)];
  const cumulative = cumulativeWeights(healthy.map((endpoint) => endpoint.weight));
  const weightTotal = cumulative.at(-1) ?? 0;
  const hasEqualWeights = healthy.every((endpoint) => endpoint.weight === healthy[0]?.weight);
  const firstEndpoint = writer.endpoints.count;
  endpoints.forEach((endpoint, index) => {
    const address = toByteString(endpointText(endpoint));
    const record = writer.endpoints.reserve(1);
    writer.endpoints.set(record, layout.ENDPOINT_WEIGHT, toU32(endpoint.weight));
    writer.endpoints.set(record, layout.ENDPOINT_CUMULATIVE_WEIGHT, cumulative[index] ?? 0);
    writer.endpoints.set(record, layout.ENDPOINT_HEALTHY, endpoint.healthy ? 1 : 0);
    writer.endpoints.set(record, layout.ENDPOINT_ADDRESS_OFFSET, writer.text.offsetOf(address));
    writer.endpoints.set(record, layout.ENDPOINT_ADDRESS_LENGTH, address.length);
  });
  const { circuitBreaker } = cluster;
  writer.clusters.append(
    0,
    LOAD_BALANCERS[cluster.loadBalancer],
    firstEndpoint,
    endpoints.length,
    healthy.length,
    toU32(circuitBreaker.maxConnections),
    toU32(circuitBreaker.maxPendingRequests),
    toU32(circuitBreaker.maxRequests),
    toU32(circuitBreaker.maxRetries),
    toU32(cluster.connectTimeoutMs),
    toU32(cluster.idleTimeoutMs),
    toU32(cluster.maxRequestsPerConnection),
    weightTotal,
    hasEqualWeights ? 0 : roundRobinStride(weightTotal),
    0,
    0,
    circuitBreaker.retryBudget === undefined
      ? layout.NO_RETRY_BUDGET
      : toU32(Math.min(100, circuitBreaker.retryBudget.percent) * 100),
    toU32(circuitBreaker.retryBudget?.minConcurrency ?? 0),
  );
  return {
    name: cluster.name,
    service: cluster.service,
    subset: cluster.subset,
    origin: cluster.origin,
    ...(cluster.discovery === undefined ? {} : { discovery: cluster.discovery }),
    connectTimeoutMs: cluster.connectTimeoutMs,
    idleTimeoutMs: cluster.idleTimeoutMs,
    maxRequestsPerConnection: cluster.maxRequestsPerConnection,
    ...(cluster.upstreamTls === undefined ? {} : { upstreamTls: cluster.upstreamTls }),
    limits: { ...circuitBreaker },
    firstEndpoint,
    endpoints: endpoints.map(({ address, port, weight, healthy: isHealthy, workload }) => ({
      address,
      port,
      weight,
      healthy: isHealthy,
      workload,
    })),
  };
}
