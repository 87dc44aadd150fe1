// SPDX-License-Identifier: Apache-2.0
/**
 * The parsed request -> a decision: virtual host, then the first of its routes whose conditions all hold (Istio's order of
 * rules), then the draws of a forward route: delay, abort, weighted cluster. `testRoute` runs the same conditions for one
 * route by itself, which is how `explain` says why a route was not taken.
 */
import {
  CANDIDATE_ROUTE,
  CANDIDATE_TEST_PATH,
  CONDITION_INVERTED,
  CONDITION_SIZE,
  CONDITION_SUBJECT,
  CONDITION_TEST,
  DECISION_ASK_HOST,
  DECISION_FORWARD,
  EXCHANGE_CLUSTER,
  EXCHANGE_ROUTE,
  EXCHANGE_WEIGHTED,
  FAILURE_NO_ROUTE,
  MEMO_OWNER_TEST,
  METHOD_CONNECT,
  REQUEST_METHOD_ID,
  RESULT_ABORT_STATUS,
  RESULT_CLUSTER,
  RESULT_DELAY_MS,
  RESULT_RETRY_ATTEMPTS,
  RESULT_REWRITE_KIND,
  RESULT_ROUTE,
  RESULT_TIMEOUT_MS,
  RESULT_VIRTUAL_HOST,
  RESULT_WEIGHTED,
  ROUTE_ABORT_PER_MILLION,
  ROUTE_ABORT_STATUS,
  ROUTE_ACTION,
  ROUTE_CONDITIONS_COUNT,
  ROUTE_CONDITIONS_FIRST,
  ROUTE_DELAY_MS,
  ROUTE_DELAY_PER_MILLION,
  ROUTE_RETRY_ATTEMPTS,
  ROUTE_REWRITE_KIND,
  ROUTE_SIZE,
  ROUTE_TIMEOUT_MS,
  ROUTE_WEIGHTED_COUNT,
  ROUTE_WEIGHTED_FIRST,
  ROUTE_WEIGHT_TOTAL,
  SLAB_REQUEST,
  SLAB_RESULT,
  SUBJECT_METHOD,
  TABLE_CONDITIONS,
  TABLE_ROUTES,
  TABLE_VIRTUAL_HOSTS,
  TABLE_WEIGHTED,
  TEST_EXACT,
  TEST_ROUTE_ASK_HOST,
  TEST_ROUTE_MATCHES,
  TEST_ROUTE_UNKNOWN,
  VIRTUAL_HOST_SIZE,
  WEIGHTED_CLUSTER,
  WEIGHTED_CUMULATIVE,
  WEIGHTED_SIZE,
} from './layout';
import { beginAnswers, resumeCondition, resumeRoute, suspendAt } from './answers';
import { exchangeRecord } from './breaker';
import { stoppedAt, testConditions } from './conditions';
import { findHost } from './hosts';
import { NO_CANDIDATE, nextCandidate, startCandidates } from './paths';
import { count, openTable, recordOf } from './table';
import { randomBelow, slab } from './thread';

const NONE: i32 = -1;
const ASKS: i32 = -2;
const ONE_MILLION: u32 = 1000000;

/** First route of the virtual host that holds, NONE, or ASKS. */
function findRoute(host: u32, owner: u32): i32 {
  const connect = load<u32>(slab + SLAB_REQUEST, REQUEST_METHOD_ID) == METHOD_CONNECT;
  startCandidates(recordOf(TABLE_VIRTUAL_HOSTS, host, VIRTUAL_HOST_SIZE));
  let candidate = nextCandidate();
  for (; candidate != NO_CANDIDATE; candidate = nextCandidate()) {
    const route = candidate & CANDIDATE_ROUTE;
    if (route < resumeRoute) continue;
    let from: u32 = (candidate & <u32>CANDIDATE_TEST_PATH) != 0 ? 0 : 1;
    if (route == resumeRoute && resumeCondition > from) from = resumeCondition;
    const record = recordOf(TABLE_ROUTES, route, ROUTE_SIZE);
    if (connect && !namesMethod(record)) continue;
    const result = testConditions(record, from);
    if (result == 1) return route;
    if (result == 2) {
      suspendAt(owner, route, stoppedAt);
      return ASKS;
    }
  }
  return NONE;
}

/**
 * Whether a route asks for one method by name. As in Envoy, whose CONNECT requests only a connect_matcher takes, a tunnel is
 * never opened by a route that was written for other requests.
 */
function namesMethod(route: usize): bool {
  const first = load<u32>(route, ROUTE_CONDITIONS_FIRST);
  const end = first + load<u32>(route, ROUTE_CONDITIONS_COUNT);
  for (let index = first; index < end; index++) {
    const condition = recordOf(TABLE_CONDITIONS, index, CONDITION_SIZE);
    if (load<u32>(condition, CONDITION_SUBJECT) != SUBJECT_METHOD) continue;
    if (load<u32>(condition, CONDITION_TEST) == TEST_EXACT && load<u32>(condition, CONDITION_INVERTED) == 0) return true;
  }
  return false;
}

/** Index of a route's weighted cluster: by cumulative weight, without a draw when there is only one. */
function drawWeighted(route: usize): u32 {
  const first = load<u32>(route, ROUTE_WEIGHTED_FIRST);
  const clusters = load<u32>(route, ROUTE_WEIGHTED_COUNT);
  if (clusters == 1) return first;
  const drawn = randomBelow(load<u32>(route, ROUTE_WEIGHT_TOTAL));
  let low: u32 = 0;
  let high = clusters - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (drawn < load<u32>(recordOf(TABLE_WEIGHTED, first + middle, WEIGHTED_SIZE), WEIGHTED_CUMULATIVE)) high = middle;
    else low = middle + 1;
  }
  return first + low;
}

/** Whether an event of this probability happens; certain and impossible ones take no random number. */
// @ts-ignore: decorator
@inline
function happens(perMillion: u32): bool {
  return perMillion != 0 && (perMillion >= ONE_MILLION || randomBelow(ONE_MILLION) < perMillion);
}

/** The draws of a forward route: Envoy's fault filter (delay, then abort, independently), then the cluster. */
// @ts-ignore: decorator
@inline
function drawForward(exchange: usize, result: usize, route: usize): void {
  if (happens(load<u32>(route, ROUTE_DELAY_PER_MILLION))) {
    store<u32>(result, load<u32>(route, ROUTE_DELAY_MS), RESULT_DELAY_MS);
  }
  if (happens(load<u32>(route, ROUTE_ABORT_PER_MILLION))) {
    store<u32>(result, load<u32>(route, ROUTE_ABORT_STATUS), RESULT_ABORT_STATUS);
  }
  const weighted = drawWeighted(route);
  const cluster = load<i32>(recordOf(TABLE_WEIGHTED, weighted, WEIGHTED_SIZE), WEIGHTED_CLUSTER);
  store<u32>(result, weighted, RESULT_WEIGHTED);
  store<i32>(result, cluster, RESULT_CLUSTER);
  store<u32>(exchange, weighted, EXCHANGE_WEIGHTED);
  store<i32>(exchange, cluster, EXCHANGE_CLUSTER);
}

// @ts-ignore: decorator
@inline
function clearDecision(exchange: usize, result: usize): void {
  store<i32>(result, NONE, RESULT_ROUTE);
  store<i32>(result, NONE, RESULT_WEIGHTED);
  store<i32>(result, NONE, RESULT_CLUSTER);
  store<u32>(result, 0, RESULT_DELAY_MS);
  store<u32>(result, 0, RESULT_ABORT_STATUS);
  store<u32>(result, 0, RESULT_TIMEOUT_MS);
  store<u32>(result, 0, RESULT_RETRY_ATTEMPTS);
  store<u32>(result, 0, RESULT_REWRITE_KIND);
  store<i32>(exchange, NONE, EXCHANGE_ROUTE);
  store<i32>(exchange, NONE, EXCHANGE_WEIGHTED);
  store<i32>(exchange, NONE, EXCHANGE_CLUSTER);
}

/**
 * Decides what becomes of the parsed request on a filter chain (its index in the table of the exchange's generation). Fills
 * RESULT_* and the exchange's route, weighted cluster and cluster. Returns DECISION_*, or FAILURE_NO_ROUTE, where
 * RESULT_VIRTUAL_HOST tells an unknown host (-1) from an unmatched path. After DECISION_ASK_HOST the host calls
 * answerPattern and then this again, with the request's head untouched.
 */
export function routeRequest(exchange: u32, filterChain: u32): i32 {
  openTable(exchange);
  const owner = exchange + 1;
  beginAnswers(owner);
  const record = exchangeRecord(exchange);
  const result = slab + SLAB_RESULT;
  clearDecision(record, result);
  const host = findHost(filterChain);
  store<i32>(result, host, RESULT_VIRTUAL_HOST);
  if (host < 0) return FAILURE_NO_ROUTE;
  const index = findRoute(host, owner);
  if (index < 0) return index == ASKS ? DECISION_ASK_HOST : FAILURE_NO_ROUTE;
  const route = recordOf(TABLE_ROUTES, index, ROUTE_SIZE);
  store<i32>(result, index, RESULT_ROUTE);
  store<i32>(record, index, EXCHANGE_ROUTE);
  const action = load<i32>(route, ROUTE_ACTION);
  if (action == DECISION_FORWARD) {
    store<u32>(result, load<u32>(route, ROUTE_TIMEOUT_MS), RESULT_TIMEOUT_MS);
    store<u32>(result, load<u32>(route, ROUTE_RETRY_ATTEMPTS), RESULT_RETRY_ATTEMPTS);
    store<u32>(result, load<u32>(route, ROUTE_REWRITE_KIND), RESULT_REWRITE_KIND);
    drawForward(record, result, route);
  }
  return action;
}

/**
 * Tests one route of the exchange's table against the parsed request: TEST_ROUTE_MATCHES, the number of the first
 * condition that fails (an index in the route's list of conditions in the host data; 0 = path), TEST_ROUTE_ASK_HOST
 * (answer, then call again), or TEST_ROUTE_UNKNOWN.
 */
export function testRoute(exchange: u32, route: u32): i32 {
  openTable(exchange);
  const owner = (exchange + 1) | <u32>MEMO_OWNER_TEST;
  beginAnswers(owner);
  if (route >= count(TABLE_ROUTES)) return TEST_ROUTE_UNKNOWN;
  const from: u32 = route == resumeRoute ? resumeCondition : 0;
  const result = testConditions(recordOf(TABLE_ROUTES, route, ROUTE_SIZE), from);
  if (result == 1) return TEST_ROUTE_MATCHES;
  if (result == 0) return stoppedAt;
  suspendAt(owner, route, stoppedAt);
  return TEST_ROUTE_ASK_HOST;
}
