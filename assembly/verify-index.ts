// SPDX-License-Identifier: Apache-2.0
/** Checks of filter chains, virtual hosts, hash slots and trie nodes; part of verifyTable. */
import {
  FILTER_CHAIN_ANY_HOST,
  FILTER_CHAIN_HOST_ROOT,
  FILTER_CHAIN_HOST_SLOTS_COUNT,
  FILTER_CHAIN_HOST_SLOTS_FIRST,
  NODE_CHILDREN_COUNT,
  NODE_CHILDREN_FIRST,
  NODE_GROUPS_COUNT,
  NODE_GROUPS_FIRST,
  NODE_LABEL_LENGTH,
  NODE_LABEL_OFFSET,
  NODE_VALUE,
  SLOT_TEXT_LENGTH,
  SLOT_TEXT_OFFSET,
  SLOT_VALUE,
  TABLE_GROUPS,
  TABLE_HOST_NODES,
  TABLE_HOST_SLOTS,
  TABLE_PATH_NODES,
  TABLE_PATH_SLOTS,
  TABLE_ROUTES,
  TABLE_VIRTUAL_HOSTS,
  VIRTUAL_HOST_FOLDED_ROOT,
  VIRTUAL_HOST_FOLDED_SLOTS_COUNT,
  VIRTUAL_HOST_FOLDED_SLOTS_FIRST,
  VIRTUAL_HOST_ROOT,
  VIRTUAL_HOST_ROUTES_COUNT,
  VIRTUAL_HOST_ROUTES_FIRST,
  VIRTUAL_HOST_SLOTS_COUNT,
  VIRTUAL_HOST_SLOTS_FIRST,
} from './layout';
import { hasIndexOrNone, hasRange, hasText } from './verify-bounds';

/** A range of slots whose number is 0 or a power of two, since probing masks with it. */
function hasSlots(record: usize, firstField: u32, countField: u32, pair: u32): bool {
  const slots = load<u32>(record + countField);
  return (slots & (slots - 1)) == 0 && hasRange(record, firstField, countField, pair);
}

export function checkFilterChain(chain: usize): i32 {
  if (!hasSlots(chain, FILTER_CHAIN_HOST_SLOTS_FIRST, FILTER_CHAIN_HOST_SLOTS_COUNT, TABLE_HOST_SLOTS)) return -30;
  if (!hasIndexOrNone(chain, FILTER_CHAIN_HOST_ROOT, TABLE_HOST_NODES)) return -30;
  return hasIndexOrNone(chain, FILTER_CHAIN_ANY_HOST, TABLE_VIRTUAL_HOSTS) ? 0 : -30;
}

export function checkVirtualHost(host: usize): i32 {
  if (!hasRange(host, VIRTUAL_HOST_ROUTES_FIRST, VIRTUAL_HOST_ROUTES_COUNT, TABLE_ROUTES)) return -31;
  if (!hasSlots(host, VIRTUAL_HOST_SLOTS_FIRST, VIRTUAL_HOST_SLOTS_COUNT, TABLE_PATH_SLOTS)) return -32;
  if (!hasSlots(host, VIRTUAL_HOST_FOLDED_SLOTS_FIRST, VIRTUAL_HOST_FOLDED_SLOTS_COUNT, TABLE_PATH_SLOTS)) return -32;
  if (!hasIndexOrNone(host, VIRTUAL_HOST_ROOT, TABLE_PATH_NODES)) return -33;
  return hasIndexOrNone(host, VIRTUAL_HOST_FOLDED_ROOT, TABLE_PATH_NODES) ? 0 : -33;
}

/** `values` is the section that the slot's value is an index of; an empty slot's text is never read. */
export function checkSlot(slot: usize, values: u32): i32 {
  if (load<i32>(slot, SLOT_VALUE) == -1) return 0;
  return hasIndexOrNone(slot, SLOT_VALUE, values) && hasText(slot, SLOT_TEXT_OFFSET, SLOT_TEXT_LENGTH) ? 0 : -34;
}

/** Children stand behind their parent, so that every walk down ends. */
export function checkNode(node: usize, index: u32, nodes: u32, values: u32): i32 {
  if (!hasText(node, NODE_LABEL_OFFSET, NODE_LABEL_LENGTH) || !hasIndexOrNone(node, NODE_VALUE, values)) return -35;
  if (!hasRange(node, NODE_CHILDREN_FIRST, NODE_CHILDREN_COUNT, nodes)) return -35;
  if (load<u32>(node, NODE_CHILDREN_COUNT) != 0 && load<u32>(node, NODE_CHILDREN_FIRST) <= index) return -35;
  if (nodes == TABLE_HOST_NODES) return 0;
  return hasRange(node, NODE_GROUPS_FIRST, NODE_GROUPS_COUNT, TABLE_GROUPS) ? 0 : -35;
}
