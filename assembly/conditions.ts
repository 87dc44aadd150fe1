// SPDX-License-Identifier: Apache-2.0
/**
 * One route against the parsed request: its path test (unless the index has proved it) and its conditions, in the order
 * path, scheme, method, authority, headers, query parameters. Meaning: Istio's HTTPMatchRequest; the notes at RouteMatch
 * in the routing model say what is compared with what. A test gives 0 (no), 1 (yes) or 2 (the host has to be asked).
 */
import {
  CONDITION_INVERTED,
  CONDITION_LENGTH,
  CONDITION_NAME_HASH,
  CONDITION_NAME_LENGTH,
  CONDITION_NAME_OFFSET,
  CONDITION_SIZE,
  CONDITION_SUBJECT,
  CONDITION_TEST,
  CONDITION_VALUE,
  HEADER_NAME_HASH,
  HEADER_NAME_LENGTH,
  HEADER_NAME_OFFSET,
  HEADER_ROW_SIZE,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
  MATCH_TARGET,
  MATCH_TARGET_SIZE,
  PATH_ANY,
  PATH_EXACT,
  PATH_EXACT_FOLDED,
  PATH_PREFIX,
  PATH_REGEX,
  REQUEST_AUTHORITY_LENGTH,
  REQUEST_AUTHORITY_OFFSET,
  REQUEST_HAS_QUERY,
  REQUEST_HEADER_COUNT,
  REQUEST_METHOD_LENGTH,
  REQUEST_METHOD_OFFSET,
  REQUEST_PATH_LENGTH,
  REQUEST_PATH_OFFSET,
  REQUEST_QUERY_LENGTH,
  REQUEST_QUERY_OFFSET,
  REQUEST_SCHEME,
  ROUTE_CONDITIONS_COUNT,
  ROUTE_CONDITIONS_FIRST,
  ROUTE_PATH_LENGTH,
  ROUTE_PATH_TEST,
  ROUTE_PATH_VALUE,
  SLAB_MATCH,
  SLAB_REQUEST,
  SLAB_REQUEST_HEADERS,
  SUBJECT_AUTHORITY,
  SUBJECT_HEADER,
  SUBJECT_METHOD,
  SUBJECT_QUERY,
  SUBJECT_SCHEME,
  TABLE_CONDITIONS,
  TEST_EXACT,
  TEST_PATTERN,
  TEST_PRESENT,
} from './layout';
import { equalBytes, equalFolded } from './keys';
import { testPattern } from './dfa';
import { recordOf, schemeText, table } from './table';
import { slab } from './thread';

const NO: i32 = 0;
const YES: i32 = 1;
const ASK: i32 = 2;

/** Number of the condition that the last testConditions stopped at (0 = path). */
export let stoppedAt: u32 = 0;

// @ts-ignore: decorator
@inline
function requestField(offset: i32): u32 {
  return load<u32>(slab + SLAB_REQUEST + offset);
}

/** A condition's test of one value. */
function testValue(condition: usize, subject: usize, length: u32): i32 {
  const test = load<u32>(condition, CONDITION_TEST);
  if (test == TEST_PRESENT) return YES;
  const value = load<u32>(condition, CONDITION_VALUE);
  if (test == TEST_PATTERN) return testPattern(value, subject, length);
  const valueLength = load<u32>(condition, CONDITION_LENGTH);
  if (test == TEST_EXACT ? valueLength != length : valueLength > length) return NO;
  return equalBytes(subject, table + value, valueLength) ? YES : NO;
}

/** Each line of the header by itself; inverted: no line matches, and a missing header counts as the empty string. */
function testHeader(condition: usize): i32 {
  const hash = load<u32>(condition, CONDITION_NAME_HASH);
  const name = table + load<u32>(condition, CONDITION_NAME_OFFSET);
  const nameLength = load<u32>(condition, CONDITION_NAME_LENGTH);
  const inverted = load<u32>(condition, CONDITION_INVERTED) != 0;
  let row = slab + SLAB_REQUEST_HEADERS;
  const end = row + requestField(REQUEST_HEADER_COUNT) * HEADER_ROW_SIZE;
  let isPresent = false;
  let result = NO;
  for (; row < end && result == NO; row += HEADER_ROW_SIZE) {
    if (load<u32>(row, HEADER_NAME_HASH) != hash || load<u32>(row, HEADER_NAME_LENGTH) != nameLength) continue;
    if (!equalBytes(load<u32>(row, HEADER_NAME_OFFSET), name, nameLength)) continue;
    isPresent = true;
    result = testValue(condition, load<u32>(row, HEADER_VALUE_OFFSET), load<u32>(row, HEADER_VALUE_LENGTH));
  }
  if (!inverted) return result;
  if (!isPresent && load<u32>(condition, CONDITION_TEST) != TEST_PRESENT) {
    result = testValue(condition, slab + SLAB_MATCH, 0);
  }
  return result == ASK ? ASK : YES - result;
}

/** The first parameter of that name, raw: up to `&`, name and value parted by the first `=`. */
function testQuery(condition: usize): i32 {
  const name = table + load<u32>(condition, CONDITION_NAME_OFFSET);
  const nameLength = load<u32>(condition, CONDITION_NAME_LENGTH);
  let start = <usize>requestField(REQUEST_QUERY_OFFSET);
  const end = start + requestField(REQUEST_QUERY_LENGTH);
  if (requestField(REQUEST_HAS_QUERY) == 0) return NO;
  while (start < end) {
    let equals: usize = 0;
    let next = start;
    for (; next < end; next++) {
      const byte = <u32>load<u8>(next);
      if (byte == 38) break; // &
      if (byte == 61 && equals == 0) equals = next; // =
    }
    const nameEnd = equals != 0 ? equals : next;
    if (<u32>(nameEnd - start) == nameLength && equalBytes(start, name, nameLength)) {
      const value = equals != 0 ? equals + 1 : next;
      return testValue(condition, value, <u32>(next - value));
    }
    start = next + 1;
  }
  return NO;
}

/** `:path`: path and query as one string; normalizing may have moved the path away from its query. */
function testTarget(condition: usize): i32 {
  const path = <usize>requestField(REQUEST_PATH_OFFSET);
  const length = requestField(REQUEST_PATH_LENGTH);
  if (requestField(REQUEST_HAS_QUERY) == 0) return testValue(condition, path, length);
  const query = <usize>requestField(REQUEST_QUERY_OFFSET);
  const queryLength = requestField(REQUEST_QUERY_LENGTH);
  const total = length + 1 + queryLength;
  if (query == path + length + 1) return testValue(condition, path, total);
  if (total > <u32>MATCH_TARGET_SIZE) return NO;
  const target = slab + SLAB_MATCH + MATCH_TARGET;
  memory.copy(target, path, length);
  store<u8>(target + length, 63); // ?
  memory.copy(target + length + 1, query, queryLength);
  return testValue(condition, target, total);
}

function testCondition(condition: usize): i32 {
  const subject = load<u32>(condition, CONDITION_SUBJECT);
  if (subject == SUBJECT_HEADER) return testHeader(condition);
  if (subject == SUBJECT_QUERY) return testQuery(condition);
  let result: i32;
  if (subject == SUBJECT_METHOD) {
    result = testValue(condition, requestField(REQUEST_METHOD_OFFSET), requestField(REQUEST_METHOD_LENGTH));
  } else if (subject == SUBJECT_AUTHORITY) {
    result = testValue(condition, requestField(REQUEST_AUTHORITY_OFFSET), requestField(REQUEST_AUTHORITY_LENGTH));
  } else if (subject == SUBJECT_SCHEME) {
    result = testValue(condition, schemeText(), 4 + (requestField(REQUEST_SCHEME) & 1));
  } else {
    result = testTarget(condition);
  }
  return result == ASK || load<u32>(condition, CONDITION_INVERTED) == 0 ? result : YES - result;
}

/** The route's path test by itself. */
function testPath(route: usize): i32 {
  const test = load<u32>(route, ROUTE_PATH_TEST);
  if (test == PATH_ANY) return YES;
  const path = <usize>requestField(REQUEST_PATH_OFFSET);
  const length = requestField(REQUEST_PATH_LENGTH);
  const value = load<u32>(route, ROUTE_PATH_VALUE);
  if (test == PATH_REGEX) return testPattern(value, path, length);
  const valueLength = load<u32>(route, ROUTE_PATH_LENGTH);
  const exact = test == PATH_EXACT || test == PATH_EXACT_FOLDED;
  if (exact ? valueLength != length : valueLength > length) return NO;
  const text = table + value;
  if (test == PATH_EXACT || test == PATH_PREFIX) return equalBytes(path, text, valueLength) ? YES : NO;
  return equalFolded(path, text, valueLength) ? YES : NO;
}

/**
 * The route at this absolute offset from condition `from` (0 = path) on. Unless the result is yes, `stoppedAt` is the
 * number of the condition that failed or asks.
 */
export function testConditions(route: usize, from: u32): i32 {
  let number = from;
  if (number == 0) {
    const result = testPath(route);
    stoppedAt = 0;
    if (result != YES) return result;
    number = 1;
  }
  const conditions = load<u32>(route, ROUTE_CONDITIONS_COUNT);
  let condition = recordOf(TABLE_CONDITIONS, load<u32>(route, ROUTE_CONDITIONS_FIRST) + number - 1, CONDITION_SIZE);
  for (; number <= conditions; number++, condition += CONDITION_SIZE) {
    const result = testCondition(condition);
    stoppedAt = number;
    if (result != YES) return result;
  }
  return YES;
}
