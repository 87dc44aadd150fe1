// SPDX-License-Identifier: Apache-2.0
/**
 * The trafficPolicy of a DestinationRule, of a subset, and their per-port entries -> the policy for one (port, subset).
 * Istio never merges inside a block, and a port's entry replaces the level that it stands in: what it leaves out becomes
 * the default, not what the level says (`TrafficPolicy.portLevelSettings`).
 */
import type { CircuitBreaker, LoadBalancer } from '../model/model.js';
import { UNLIMITED } from '../model/model.js';
import { parseDuration } from '../resources/scalars.js';
import type { PortTrafficPolicySpec, TrafficPolicySpec } from '../resources/types.js';

export type TrafficPolicyBlocks = Omit<PortTrafficPolicySpec, 'port'> & Pick<TrafficPolicySpec, 'retryBudget'>;

/** Istio's default for idle upstream connections (Envoy's HttpProtocolOptions.idle_timeout). */
const IDLE_TIMEOUT_MS = 3_600_000;

/**
 * Envoy's values of a budget that is switched on. Istio switches none on; here one is always there, so that retries cannot
 * multiply an outage.
 */
const DEFAULT_BUDGET = { percent: 20, minConcurrency: 3 } as const;

export function resolvePolicy(
  destination: TrafficPolicySpec | undefined,
  subset: TrafficPolicySpec | undefined,
  port: number,
): TrafficPolicyBlocks {
  const base = blocksOf(portEntry(destination, port) ?? destination);
  const subsetPort = portEntry(subset, port);
  if (subsetPort !== undefined) {
    const { retryBudget } = base;
    return { ...blocksOf(subsetPort), ...(retryBudget === undefined ? {} : { retryBudget }) };
  }
  return { ...base, ...blocksOf(subset) };
}

/** PASSTHROUGH and consistent hashing need what is not executed here; they get the default, least request. */
export function loadBalancerOf(policy: TrafficPolicyBlocks): LoadBalancer {
  const simple = policy.loadBalancer?.simple;
  return simple === 'ROUND_ROBIN' || simple === 'RANDOM' ? simple : 'LEAST_REQUEST';
}

/** 0 and absent mean no limit in every field of Istio's ConnectionPoolSettings. */
export function circuitBreakerOf(policy: TrafficPolicyBlocks): CircuitBreaker {
  const { tcp, http } = policy.connectionPool ?? {};
  const { retryBudget } = policy;
  return {
    maxConnections: limit(tcp?.maxConnections),
    maxPendingRequests: limit(http?.http1MaxPendingRequests),
    maxRequests: limit(http?.http2MaxRequests),
    // Envoy leaves max_retries out of account where a budget is configured.
    maxRetries: retryBudget === undefined ? limit(http?.maxRetries) : UNLIMITED,
    retryBudget: {
      percent: retryBudget?.percent ?? DEFAULT_BUDGET.percent,
      minConcurrency: limit(retryBudget?.minRetryConcurrency, DEFAULT_BUDGET.minConcurrency),
    },
  };
}

export function connectTimeoutMsOf(policy: TrafficPolicyBlocks, meshDefaultMs: number): number {
  return durationMs(policy.connectionPool?.tcp?.connectTimeout) ?? meshDefaultMs;
}

/** `http.idleTimeout`, else `tcp.idleTimeout` (where `0s` means never), else an hour. */
export function idleTimeoutMsOf(policy: TrafficPolicyBlocks): number {
  const { tcp, http } = policy.connectionPool ?? {};
  return durationMs(http?.idleTimeout) ?? durationMs(tcp?.idleTimeout) ?? IDLE_TIMEOUT_MS;
}

/** Times of TCP connections; absent = the defaults. */
export interface TcpTimes {
  readonly idleTimeoutMs?: number;
  readonly maxDurationMs?: number;
}

export function tcpTimesOf({ connectionPool }: TrafficPolicyBlocks): TcpTimes {
  const idleTimeoutMs = durationMs(connectionPool?.tcp?.idleTimeout);
  const maxDurationMs = durationMs(connectionPool?.tcp?.maxConnectionDuration);
  return {
    ...(idleTimeoutMs === undefined ? {} : { idleTimeoutMs }),
    ...(maxDurationMs === undefined ? {} : { maxDurationMs }),
  };
}

/** Milliseconds of a duration that validation has accepted; undefined when absent. */
export function durationMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  return 'ms' in duration ? duration.ms : undefined;
}

/** With two entries for a port the first counts. */
function portEntry(policy: TrafficPolicySpec | undefined, port: number): PortTrafficPolicySpec | undefined {
  return policy?.portLevelSettings?.find((entry) => entry.port?.number === port);
}

function blocksOf(policy: TrafficPolicySpec | undefined): TrafficPolicyBlocks {
  const { loadBalancer, connectionPool, outlierDetection, tls, retryBudget } = policy ?? {};
  return {
    ...(loadBalancer === undefined ? {} : { loadBalancer }),
    ...(connectionPool === undefined ? {} : { connectionPool }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
    ...(tls === undefined ? {} : { tls }),
    ...(retryBudget === undefined ? {} : { retryBudget }),
  };
}

function limit(value: number | undefined, otherwise: number = UNLIMITED): number {
  return value === undefined || value === 0 ? otherwise : value;
}
