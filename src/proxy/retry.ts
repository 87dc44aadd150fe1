// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a failed try, or an answer, is followed by another try (Envoy's retry conditions, Istio HTTPRetry). Failures and
 * answers become the RETRY_* conditions that they meet; the route's conditions are a mask over them.
 */
import * as layout from '../../assembly/layout.js';
import type { RequestExchange, ThreadContext } from './contracts.js';
import { findHeader } from './header-lookup.js';
import type { RouteExtras } from './thread-facts.js';

/** Envoy's base interval of retry back-off, ms, and how many times of it a wait may last. */
const BASE_MS = 25;
const MAX_BASES = 10;

/** What shows that the upstream has not begun to process the request. */
const UNPROCESSED = layout.RETRY_CONNECT_FAILURE | layout.RETRY_REFUSED_STREAM | layout.RETRY_RESET_BEFORE_REQUEST;
/** No answer came, whatever the reason. */
const NO_ANSWER = layout.RETRY_5XX | layout.RETRY_GATEWAY_ERROR | layout.RETRY_RESET;
/** Met before anything is sent, so that neither head nor body must be kept for them. */
const BEFORE_SENDING =
  layout.RETRY_CONNECT_FAILURE |
  layout.RETRY_RESET_BEFORE_REQUEST |
  layout.RETRY_HEADERS |
  layout.RETRY_HTTP3_POST_CONNECT |
  layout.RETRY_REPEATS_UNSAFE;

const GRPC_BITS: Readonly<Record<string, number>> = {
  '1': layout.RETRY_GRPC_CANCELLED,
  '4': layout.RETRY_GRPC_DEADLINE_EXCEEDED,
  '8': layout.RETRY_GRPC_RESOURCE_EXHAUSTED,
  '13': layout.RETRY_GRPC_INTERNAL,
  '14': layout.RETRY_GRPC_UNAVAILABLE,
};
const ANY_GRPC_BIT = Object.values(GRPC_BITS).reduce((sum, bit) => sum | bit, 0);

/** Flags to add to the exchange when there is no further try; `delayMs` before the next one otherwise. */
export type RetryDecision =
  { readonly retry: true; readonly delayMs: number } | { readonly retry: false; readonly flags: number };

const NO_RETRY: RetryDecision = { retry: false, flags: 0 };

/** The conditions in force for the exchange's request: those of its route, fewer where it may have side effects. */
export function retryConditions(path: ThreadContext, exchange: RequestExchange): number {
  const { generation, route, methodId } = exchange;
  if (path.routeWord(generation, route, layout.ROUTE_RETRY_ATTEMPTS) === 0) return 0;
  const bits = path.routeWord(generation, route, layout.ROUTE_RETRY_CONDITIONS);
  const isSafe =
    methodId === layout.METHOD_GET || methodId === layout.METHOD_HEAD || methodId === layout.METHOD_OPTIONS;
  return isSafe || (bits & layout.RETRY_REPEATS_UNSAFE) !== 0 ? bits : bits & UNPROCESSED;
}

/** Whether the request may be repeated after it was sent; `isStream`: over a connection that can refuse it. */
export function mayRepeatSent(conditions: number, isStream: boolean): boolean {
  return (conditions & ~(isStream ? BEFORE_SENDING : BEFORE_SENDING | layout.RETRY_REFUSED_STREAM)) !== 0;
}

/** The conditions that a failure before the answer meets. */
export function failureConditions(failure: number): number {
  switch (failure) {
    case layout.FAILURE_CONNECT:
    case layout.FAILURE_CONNECT_TIMEOUT:
      return NO_ANSWER | layout.RETRY_CONNECT_FAILURE | layout.RETRY_RESET_BEFORE_REQUEST;
    case layout.FAILURE_UPSTREAM_CLOSED:
    case layout.FAILURE_REMOTE_RESET:
    case layout.FAILURE_UPSTREAM_PROTOCOL:
    case layout.FAILURE_PER_TRY_TIMEOUT:
      return NO_ANSWER;
    default:
      return 0;
  }
}

/** The conditions that the answer in the response record meets, of those in `conditions`. */
export function answerConditions(
  path: ThreadContext,
  exchange: RequestExchange,
  status: number,
  conditions: number,
  extras: RouteExtras | undefined,
): number {
  let bits = 0;
  if (status >= 500) bits |= layout.RETRY_5XX;
  if (status >= 502 && status <= 504) bits |= layout.RETRY_GATEWAY_ERROR;
  if (status === 409) bits |= layout.RETRY_4XX;
  if (extras?.retry?.statusCodes?.includes(status) === true) bits |= layout.RETRY_STATUS_CODES;
  if (exchange.isGrpc && (conditions & ANY_GRPC_BIT) !== 0) {
    bits |= GRPC_BITS[findHeader(path.engine, 'response', 'grpc-status') ?? ''] ?? 0;
  }
  // Envoy: an answer of a rate limit is repeated for that reason only.
  const isWanted = (conditions & (bits | layout.RETRY_RATELIMITED)) !== 0;
  if (isWanted && findHeader(path.engine, 'response', 'x-envoy-ratelimited') !== undefined) {
    bits = layout.RETRY_RATELIMITED;
  }
  return conditions & bits;
}

/**
 * Decides on another try after something that met the conditions `met` and, when there is one, counts it against the
 * cluster's limits and in EXCHANGE_ATTEMPT.
 */
export function decideRetry(
  path: ThreadContext,
  exchange: RequestExchange,
  met: number,
  extras: RouteExtras | undefined,
): RetryDecision {
  if (met === 0) return NO_RETRY;
  const { generation, route, index } = exchange;
  const attempts = path.routeWord(generation, route, layout.ROUTE_RETRY_ATTEMPTS);
  const clusterSlot = exchange.word(layout.EXCHANGE_CLUSTER_SLOT);
  const attempt = exchange.word(layout.EXCHANGE_ATTEMPT);
  if (attempt > attempts) {
    path.addCounter(clusterSlot, layout.COUNTER_RQ_RETRY_LIMIT_EXCEEDED, 1);
    return { retry: false, flags: layout.FLAG_URX };
  }
  if (path.engine.exports.startRetry(index) !== 0) return { retry: false, flags: layout.FLAG_UO };
  path.addCounter(clusterSlot, layout.COUNTER_RQ_RETRY_BACKOFF_EXPONENTIAL, 1);
  path.engine.words[(path.engine.exchanges + index * layout.EXCHANGE_SIZE + layout.EXCHANGE_ATTEMPT) >> 2] =
    attempt + 1;
  const base = extras?.retry?.backoffBaseMs ?? BASE_MS;
  // Envoy's fully jittered back-off: retry N waits between nothing and (2^N - 1) times the base, ten times at most.
  return { retry: true, delayMs: Math.random() * base * Math.min(2 ** attempt - 1, MAX_BASES) };
}
