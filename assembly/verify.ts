// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a table can be used without harm: every section inside the blob, every index and text inside its section, every
 * walk bounded. A damaged table that passes may decide wrongly, but no call on it leaves the blob, traps or runs on. Each
 * record is looked at once, and ranges that are scanned may not overlap, so the time is linear in the table.
 *
 * A failed check returns its number, below zero: -1..-9 header and sections, -10.. the records in the order of the file.
 */
import {
  CANDIDATE_LAST,
  CANDIDATE_ROUTE,
  CLUSTER_ENDPOINTS_COUNT,
  CLUSTER_ENDPOINTS_FIRST,
  CLUSTER_HEALTHY_COUNT,
  CLUSTER_LOAD_BALANCER,
  CLUSTER_SIZE,
  CLUSTER_STRIDE,
  CLUSTER_WEIGHT_TOTAL,
  CONDITION_LENGTH,
  CONDITION_NAME_LENGTH,
  CONDITION_NAME_OFFSET,
  CONDITION_SIZE,
  CONDITION_SUBJECT,
  CONDITION_TEST,
  CONDITION_VALUE,
  ENDPOINT_ADDRESS_LENGTH,
  ENDPOINT_ADDRESS_OFFSET,
  ENDPOINT_CUMULATIVE_WEIGHT,
  ENDPOINT_SIZE,
  ENDPOINT_WEIGHT,
  GROUP_SIZE,
  HEADER_OP_NAME_LENGTH,
  HEADER_OP_NAME_OFFSET,
  HEADER_OP_OP,
  HEADER_OP_PARTS_COUNT,
  HEADER_OP_PARTS_FIRST,
  HEADER_OP_SIZE,
  LAYOUT_VERSION,
  LB_RANDOM,
  FILTER_CHAIN_SIZE,
  NODE_SIZE,
  OP_ADD,
  PART_ALTERNATIVE_LENGTH,
  PART_ALTERNATIVE_OFFSET,
  PART_KIND,
  PART_CORS_LITERAL,
  PART_TEXT_LENGTH,
  PART_TEXT_OFFSET,
  PATTERN_SIZE,
  ROUTE_SIZE,
  SLOT_SIZE,
  SUBJECT_QUERY,
  TABLE_AUTOMATA,
  TABLE_CANDIDATES,
  TABLE_CLUSTERS,
  TABLE_CONDITIONS,
  TABLE_ENDPOINTS,
  TABLE_GROUPS,
  TABLE_GROUP_ACCEPTS,
  TABLE_HEADER_LENGTH,
  TABLE_HEADER_MAGIC,
  TABLE_HEADER_OPS,
  TABLE_HEADER_SIZE,
  TABLE_HEADER_VERSION,
  TABLE_HOST_KEYS,
  TABLE_HOST_NODES,
  TABLE_HOST_SLOTS,
  TABLE_FILTER_CHAINS,
  TABLE_MAGIC,
  TABLE_PATH_KEYS,
  TABLE_PATH_NODES,
  TABLE_PATH_SLOTS,
  TABLE_PATTERNS,
  TABLE_ROUTES,
  TABLE_STRINGS,
  TABLE_TEMPLATE_PARTS,
  TABLE_VIRTUAL_HOSTS,
  TABLE_WEIGHTED,
  TEMPLATE_PART_SIZE,
  TEST_PATTERN,
  TEST_PRESENT,
  VIRTUAL_HOST_SIZE,
  WEIGHTED_SIZE,
} from './layout';
import { count, openBlob, recordOf, section, table } from './table';
import { checkAutomaton, checkGroup, startAutomata } from './verify-automata';
import { fits, hasIndexOrNone, hasRange, hasText } from './verify-bounds';
import { checkFilterChain, checkNode, checkSlot, checkVirtualHost } from './verify-index';
import { checkRoute, checkWeighted, startRoutes } from './verify-routes';

function checkActionSections(): i32 {
  if (!fits(TABLE_STRINGS, 1) || count(TABLE_STRINGS) < 5) return -4;
  if (load<u32>(section(TABLE_STRINGS)) != 0x70747468 || load<u8>(section(TABLE_STRINGS) + 4) != 0x73) return -4;
  if (!fits(TABLE_FILTER_CHAINS, FILTER_CHAIN_SIZE) || !fits(TABLE_VIRTUAL_HOSTS, VIRTUAL_HOST_SIZE)) return -5;
  if (!fits(TABLE_ROUTES, ROUTE_SIZE) || count(TABLE_ROUTES) > <u32>CANDIDATE_ROUTE) return -6;
  if (!fits(TABLE_WEIGHTED, WEIGHTED_SIZE) || !fits(TABLE_CLUSTERS, CLUSTER_SIZE)) return -6;
  if (!fits(TABLE_ENDPOINTS, ENDPOINT_SIZE) || !fits(TABLE_HEADER_OPS, HEADER_OP_SIZE)) return -6;
  return fits(TABLE_TEMPLATE_PARTS, TEMPLATE_PART_SIZE) ? 0 : -6;
}

function checkMatchSections(): i32 {
  if (!fits(TABLE_HOST_SLOTS, SLOT_SIZE) || !fits(TABLE_PATH_SLOTS, SLOT_SIZE)) return -7;
  if (!fits(TABLE_HOST_NODES, NODE_SIZE) || !fits(TABLE_HOST_KEYS, 1)) return -7;
  if (!fits(TABLE_PATH_NODES, NODE_SIZE) || !fits(TABLE_PATH_KEYS, 1)) return -7;
  if (count(TABLE_HOST_KEYS) != count(TABLE_HOST_NODES) || count(TABLE_PATH_KEYS) != count(TABLE_PATH_NODES)) return -7;
  if (!fits(TABLE_CANDIDATES, 4) || !fits(TABLE_CONDITIONS, CONDITION_SIZE)) return -8;
  if (!fits(TABLE_PATTERNS, PATTERN_SIZE) || !fits(TABLE_GROUPS, GROUP_SIZE)) return -9;
  return fits(TABLE_GROUP_ACCEPTS, 4) && fits(TABLE_AUTOMATA, 1) ? 0 : -9;
}

/** Lists ascend, and the last entry of all ends a list: so every list ends, and merging them goes forward only. */
function checkCandidates(): i32 {
  const routes = count(TABLE_ROUTES);
  let previous: u32 = 0;
  let ended = true;
  for (let index: u32 = 0; index < count(TABLE_CANDIDATES); index++) {
    const candidate = load<u32>(recordOf(TABLE_CANDIDATES, index, 4));
    const route = candidate & CANDIDATE_ROUTE;
    if (route >= routes || (!ended && route <= previous)) return -20;
    previous = route;
    ended = (candidate & CANDIDATE_LAST) != 0;
  }
  return ended ? 0 : -20;
}

function checkCondition(condition: usize): i32 {
  const test = load<u32>(condition, CONDITION_TEST);
  if (load<u32>(condition, CONDITION_SUBJECT) > <u32>SUBJECT_QUERY || test > <u32>TEST_PRESENT) return -21;
  if (!hasText(condition, CONDITION_NAME_OFFSET, CONDITION_NAME_LENGTH)) return -22;
  if (test == TEST_PATTERN) return load<u32>(condition, CONDITION_VALUE) < count(TABLE_PATTERNS) ? 0 : -23;
  return hasText(condition, CONDITION_VALUE, CONDITION_LENGTH) ? 0 : -23;
}

function checkHeaderOp(op: usize): i32 {
  const kind = load<u32>(op, HEADER_OP_OP);
  if (kind < 1 || kind > <u32>OP_ADD || !hasText(op, HEADER_OP_NAME_OFFSET, HEADER_OP_NAME_LENGTH)) return -24;
  return hasRange(op, HEADER_OP_PARTS_FIRST, HEADER_OP_PARTS_COUNT, TABLE_TEMPLATE_PARTS) ? 0 : -24;
}

function checkPart(part: usize): i32 {
  if (load<u32>(part, PART_KIND) > <u32>PART_CORS_LITERAL || !hasText(part, PART_TEXT_OFFSET, PART_TEXT_LENGTH)) return -25;
  return hasText(part, PART_ALTERNATIVE_OFFSET, PART_ALTERNATIVE_LENGTH) ? 0 : -25;
}

/** Endpoints are taken in the clusters' order without overlap, healthy ones with ascending cumulative weights. */
function checkClusters(): i32 {
  let next: u64 = 0;
  for (let index: u32 = 0; index < count(TABLE_CLUSTERS); index++) {
    const cluster = recordOf(TABLE_CLUSTERS, index, CLUSTER_SIZE);
    const first = load<u32>(cluster, CLUSTER_ENDPOINTS_FIRST);
    const healthy = load<u32>(cluster, CLUSTER_HEALTHY_COUNT);
    if (!hasRange(cluster, CLUSTER_ENDPOINTS_FIRST, CLUSTER_ENDPOINTS_COUNT, TABLE_ENDPOINTS) || first < next) return -26;
    next = <u64>first + <u64>load<u32>(cluster, CLUSTER_ENDPOINTS_COUNT);
    if (healthy > load<u32>(cluster, CLUSTER_ENDPOINTS_COUNT)) return -26;
    if (load<u32>(cluster, CLUSTER_LOAD_BALANCER) > <u32>LB_RANDOM) return -27;
    let sum: u32 = 0;
    for (let position: u32 = 0; position < healthy; position++) {
      const weight = load<u32>(recordOf(TABLE_ENDPOINTS, first + position, ENDPOINT_SIZE), ENDPOINT_CUMULATIVE_WEIGHT);
      if (weight <= sum) return -28;
      sum = weight;
    }
    if (load<u32>(cluster, CLUSTER_WEIGHT_TOTAL) != sum || load<u32>(cluster, CLUSTER_STRIDE) > sum) return -28;
  }
  return 0;
}

function checkEndpoint(endpoint: usize): i32 {
  if (load<u32>(endpoint, ENDPOINT_WEIGHT) == 0) return -29;
  return hasText(endpoint, ENDPOINT_ADDRESS_OFFSET, ENDPOINT_ADDRESS_LENGTH) ? 0 : -29;
}

function checkHeader(length: u32): i32 {
  if (length < <u32>TABLE_HEADER_SIZE || load<u32>(table + TABLE_HEADER_MAGIC) != TABLE_MAGIC) return -1;
  if (load<u32>(table + TABLE_HEADER_VERSION) != LAYOUT_VERSION) return -2;
  return load<u32>(table + TABLE_HEADER_LENGTH) == length ? 0 : -3;
}

/** One record of a section, by the section's own check. */
function checkRecord(pair: u32, record: usize, index: u32): i32 {
  switch (pair) {
    case TABLE_FILTER_CHAINS:
      return checkFilterChain(record);
    case TABLE_VIRTUAL_HOSTS:
      return checkVirtualHost(record);
    case TABLE_ROUTES:
      return checkRoute(record);
    case TABLE_WEIGHTED:
      return checkWeighted(record);
    case TABLE_ENDPOINTS:
      return checkEndpoint(record);
    case TABLE_HEADER_OPS:
      return checkHeaderOp(record);
    case TABLE_TEMPLATE_PARTS:
      return checkPart(record);
    case TABLE_HOST_SLOTS:
      return checkSlot(record, TABLE_VIRTUAL_HOSTS);
    case TABLE_PATH_SLOTS:
      return checkSlot(record, TABLE_CANDIDATES);
    case TABLE_HOST_NODES:
      return checkNode(record, index, TABLE_HOST_NODES, TABLE_VIRTUAL_HOSTS);
    case TABLE_PATH_NODES:
      return checkNode(record, index, TABLE_PATH_NODES, TABLE_CANDIDATES);
    case TABLE_CONDITIONS:
      return checkCondition(record);
    case TABLE_PATTERNS:
      return checkAutomaton(record);
    case TABLE_GROUPS:
      return checkGroup(record);
    default:
      return hasIndexOrNone(record, 0, TABLE_CANDIDATES) ? 0 : -38;
  }
}

function checkRecords(pair: u32, size: u32): i32 {
  const records = count(pair);
  for (let index: u32 = 0; index < records; index++) {
    const failed = checkRecord(pair, recordOf(pair, index, size), index);
    if (failed != 0) return failed;
  }
  return 0;
}

function checkActions(): i32 {
  startRoutes();
  let failed = checkRecords(TABLE_ROUTES, ROUTE_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_WEIGHTED, WEIGHTED_SIZE);
  if (failed == 0) failed = checkClusters();
  if (failed == 0) failed = checkRecords(TABLE_ENDPOINTS, ENDPOINT_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_HEADER_OPS, HEADER_OP_SIZE);
  return failed == 0 ? checkRecords(TABLE_TEMPLATE_PARTS, TEMPLATE_PART_SIZE) : failed;
}

function checkIndexes(): i32 {
  startAutomata();
  let failed = checkRecords(TABLE_FILTER_CHAINS, FILTER_CHAIN_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_VIRTUAL_HOSTS, VIRTUAL_HOST_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_HOST_SLOTS, SLOT_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_PATH_SLOTS, SLOT_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_HOST_NODES, NODE_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_PATH_NODES, NODE_SIZE);
  if (failed == 0) failed = checkCandidates();
  if (failed == 0) failed = checkRecords(TABLE_CONDITIONS, CONDITION_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_PATTERNS, PATTERN_SIZE);
  if (failed == 0) failed = checkRecords(TABLE_GROUPS, GROUP_SIZE);
  return failed == 0 ? checkRecords(TABLE_GROUP_ACCEPTS, 4) : failed;
}

/**
 * Checks the blob of `length` bytes at the absolute offset `base`, before it is published. Returns 0, or the number of the
 * check that failed, below zero.
 */
export function verifyTable(base: usize, length: u32): i32 {
  openBlob(base);
  let failed = checkHeader(length);
  if (failed == 0) failed = checkActionSections();
  if (failed == 0) failed = checkMatchSections();
  if (failed == 0) failed = checkActions();
  return failed == 0 ? checkIndexes() : failed;
}
