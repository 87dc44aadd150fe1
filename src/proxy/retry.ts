// SPDX-License-Identifier: Apache-2.0
/** Whether a failed try is followed by another (Istio's default policy; Envoy's retry conditions). */
import * as layout from '../../assembly/layout.js';
import type { RequestExchange, ThreadContext } from './contracts.js';

/** Envoy's base interval of retry back-off, ms. */
const BASE_MS = 25;

/** Flags to add to the exchange when there is no further try; `delayMs` before the next one otherwise. */
export type RetryDecision =
  { readonly retry: true; readonly delayMs: number } | { readonly retry: false; readonly flags: number };

const NO_RETRY: RetryDecision = { retry: false, flags: 0 };

/**
 * Decides on another try after `failure` and, when there is one, counts it against maxRetries and in EXCHANGE_ATTEMPT. Only
 * connect failures so far: nothing has reached the upstream then.
 */
export function decideRetry(path: ThreadContext, exchange: RequestExchange, failure: number): RetryDecision {
  if (failure !== layout.FAILURE_CONNECT && failure !== layout.FAILURE_CONNECT_TIMEOUT) return NO_RETRY;
  const { generation, route, index } = exchange;
  const attempts = path.routeWord(generation, route, layout.ROUTE_RETRY_ATTEMPTS);
  const conditions = path.routeWord(generation, route, layout.ROUTE_RETRY_CONDITIONS);
  if (!(conditions & layout.RETRY_CONNECT_FAILURE) || attempts === 0) return NO_RETRY;
  const attempt = exchange.word(layout.EXCHANGE_ATTEMPT);
  if (attempt > attempts) return { retry: false, flags: layout.FLAG_URX };
  if (path.engine.exports.startRetry(index) !== 0) return { retry: false, flags: layout.FLAG_UO };
  path.engine.words[(path.engine.exchanges + index * layout.EXCHANGE_SIZE + layout.EXCHANGE_ATTEMPT) >> 2] =
    attempt + 1;
  // Envoy's fully jittered back-off: retry N waits between nothing and (2^N - 1) times the base.
  return { retry: true, delayMs: Math.random() * BASE_MS * (2 ** attempt - 1) };
}
