// SPDX-License-Identifier: Apache-2.0
/** Checks of route and weighted cluster records; part of verifyTable. */
import {
  DECISION_DIRECT,
  DECISION_FORWARD,
  PATH_ANY,
  PATH_REGEX,
  REWRITE_REGEX,
  ROUTE_ACTION,
  ROUTE_CONDITIONS_COUNT,
  ROUTE_CONDITIONS_FIRST,
  ROUTE_PATH_LENGTH,
  ROUTE_PATH_TEST,
  ROUTE_PATH_VALUE,
  ROUTE_RESPONSE_OPS_COUNT,
  ROUTE_RESPONSE_OPS_FIRST,
  ROUTE_REWRITE_KIND,
  ROUTE_REWRITE_LENGTH,
  ROUTE_REWRITE_OFFSET,
  ROUTE_VIRTUAL_HOST,
  ROUTE_WEIGHTED_COUNT,
  ROUTE_WEIGHTED_FIRST,
  ROUTE_WEIGHT_TOTAL,
  TABLE_CONDITIONS,
  TABLE_HEADER_OPS,
  TABLE_CLUSTERS,
  TABLE_PATTERNS,
  TABLE_VIRTUAL_HOSTS,
  TABLE_WEIGHTED,
  WEIGHTED_CLUSTER,
  WEIGHTED_CUMULATIVE,
  WEIGHTED_HOST_LENGTH,
  WEIGHTED_HOST_OFFSET,
  WEIGHTED_REQUEST_OPS_COUNT,
  WEIGHTED_REQUEST_OPS_FIRST,
  WEIGHTED_RESPONSE_OPS_COUNT,
  WEIGHTED_RESPONSE_OPS_FIRST,
  WEIGHTED_SIZE,
} from './layout';
import { count, recordOf } from './table';
import { hasIndexOrNone, hasRange, hasText } from './verify-bounds';

/** First weighted cluster and condition that the next route may use: routes take theirs in order, without overlap. */
let nextWeighted: u64 = 0;
let nextCondition: u64 = 0;

export function startRoutes(): void {
  nextWeighted = 0;
  nextCondition = 0;
}

/** Cumulative weights do not fall and end at the total, so that a draw below the total finds a cluster. */
function checkForward(route: usize): i32 {
  const first = load<u32>(route, ROUTE_WEIGHTED_FIRST);
  const clusters = load<u32>(route, ROUTE_WEIGHTED_COUNT);
  if (clusters == 0 || !hasRange(route, ROUTE_WEIGHTED_FIRST, ROUTE_WEIGHTED_COUNT, TABLE_WEIGHTED)) return -10;
  if (<u64>first < nextWeighted) return -10;
  nextWeighted = <u64>first + <u64>clusters;
  let sum: u32 = 0;
  for (let index: u32 = 0; index < clusters; index++) {
    const cumulative = load<u32>(recordOf(TABLE_WEIGHTED, first + index, WEIGHTED_SIZE), WEIGHTED_CUMULATIVE);
    if (cumulative < sum) return -11;
    sum = cumulative;
  }
  return sum != 0 && load<u32>(route, ROUTE_WEIGHT_TOTAL) == sum ? 0 : -11;
}

function checkPath(route: usize): i32 {
  const test = load<u32>(route, ROUTE_PATH_TEST);
  if (test == PATH_ANY) return 0;
  if (test > <u32>PATH_REGEX) return -12;
  if (test == PATH_REGEX) return load<u32>(route, ROUTE_PATH_VALUE) < count(TABLE_PATTERNS) ? 0 : -12;
  return hasText(route, ROUTE_PATH_VALUE, ROUTE_PATH_LENGTH) ? 0 : -12;
}

export function checkRoute(route: usize): i32 {
  const action = load<u32>(route, ROUTE_ACTION);
  if (action < <u32>DECISION_FORWARD || action > <u32>DECISION_DIRECT) return -13;
  if (load<u32>(route, ROUTE_VIRTUAL_HOST) >= count(TABLE_VIRTUAL_HOSTS)) return -14;
  if (load<u32>(route, ROUTE_REWRITE_KIND) > <u32>REWRITE_REGEX) return -15;
  if (!hasText(route, ROUTE_REWRITE_OFFSET, ROUTE_REWRITE_LENGTH)) return -15;
  if (!hasRange(route, ROUTE_RESPONSE_OPS_FIRST, ROUTE_RESPONSE_OPS_COUNT, TABLE_HEADER_OPS)) return -16;
  const first = <u64>load<u32>(route, ROUTE_CONDITIONS_FIRST);
  if (!hasRange(route, ROUTE_CONDITIONS_FIRST, ROUTE_CONDITIONS_COUNT, TABLE_CONDITIONS) || first < nextCondition) return -17;
  nextCondition = first + <u64>load<u32>(route, ROUTE_CONDITIONS_COUNT);
  const failed = checkPath(route);
  return failed == 0 && action == DECISION_FORWARD ? checkForward(route) : failed;
}

export function checkWeighted(weighted: usize): i32 {
  if (!hasIndexOrNone(weighted, WEIGHTED_CLUSTER, TABLE_CLUSTERS)) return -18;
  if (!hasRange(weighted, WEIGHTED_REQUEST_OPS_FIRST, WEIGHTED_REQUEST_OPS_COUNT, TABLE_HEADER_OPS)) return -19;
  if (!hasRange(weighted, WEIGHTED_RESPONSE_OPS_FIRST, WEIGHTED_RESPONSE_OPS_COUNT, TABLE_HEADER_OPS)) return -19;
  return hasText(weighted, WEIGHTED_HOST_OFFSET, WEIGHTED_HOST_LENGTH) ? 0 : -19;
}
