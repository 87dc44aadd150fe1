// SPDX-License-Identifier: Apache-2.0
/**
 * Istio's HTTPRetry -> a retry policy. What differs from Istio is what happens without one: a request that may have side
 * effects is then repeated only when the upstream provably did not process it, because a default that sends a payment twice
 * is worse than an error (istio#50506). A rule that names conditions gets them for every method, and the proxy's
 * `istioDefaultRetries` brings Istio's own default back.
 */
import type { RetryCondition, RetryPolicy } from '../model/model.js';
import type { HttpRetrySpec } from '../resources/types.js';
import type { ProxyNode } from './proxy-node.js';
import { durationMs } from './traffic-policy.js';

const DEFAULT_ATTEMPTS = 2;

const NO_RETRY: RetryPolicy = { attempts: 0, conditions: [] };

const WEFT_DEFAULT: RetryPolicy = {
  attempts: DEFAULT_ATTEMPTS,
  conditions: ['connect-failure', 'refused-stream', 'reset-before-request', 'unavailable', 'cancelled'],
};

const ISTIO_DEFAULT: RetryPolicy = {
  attempts: DEFAULT_ATTEMPTS,
  // Istio lists no status codes for the last one, so a 503 of the upstream is passed on.
  conditions: ['connect-failure', 'refused-stream', 'unavailable', 'cancelled', 'retriable-status-codes'],
  repeatsUnsafe: true,
};

/** For routes that have no policy of their own. */
export function defaultRetry(node: ProxyNode): RetryPolicy {
  return node.istioDefaultRetries === true ? ISTIO_DEFAULT : WEFT_DEFAULT;
}

/** `retries` with `attempts` 0 or absent disables retries. */
export function lowerRetry(retries: HttpRetrySpec | undefined, node: ProxyNode): RetryPolicy {
  if (retries === undefined) return defaultRetry(node);
  const attempts = retries.attempts ?? 0;
  if (attempts === 0) return NO_RETRY;
  const { conditions, statusCodes = [], repeatsUnsafe } = conditionsOf(retries.retryOn, node);
  const perTryTimeoutMs = durationMs(retries.perTryTimeout);
  const backoffBaseMs = durationMs(retries.backoff);
  return {
    attempts,
    conditions,
    ...(statusCodes.length === 0 ? {} : { statusCodes }),
    ...(perTryTimeoutMs === undefined ? {} : { perTryTimeoutMs }),
    ...(backoffBaseMs === undefined ? {} : { backoffBaseMs }),
    ...(retries.retryIgnorePreviousHosts === false ? { reusesHosts: true } : {}),
    ...(retries.retryRemoteLocalities === true ? { prefersOtherLocalities: true } : {}),
    ...(repeatsUnsafe === true ? { repeatsUnsafe } : {}),
  };
}

/** Numbers are status codes and switch `retriable-status-codes` on; a list replaces the default as a whole. */
function conditionsOf(
  retryOn: string | undefined,
  node: ProxyNode,
): Pick<RetryPolicy, 'conditions' | 'statusCodes' | 'repeatsUnsafe'> {
  const tokens = (retryOn ?? '')
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '');
  if (tokens.length === 0) return defaultRetry(node);
  const statusCodes = tokens.filter((token) => /^\d+$/.test(token)).map(Number);
  // Validation has refused every other name.
  const conditions = new Set(tokens.filter((token) => !/^\d+$/.test(token)) as RetryCondition[]);
  if (statusCodes.length > 0) conditions.add('retriable-status-codes');
  return { conditions: [...conditions], statusCodes, repeatsUnsafe: true };
}
