// SPDX-License-Identifier: Apache-2.0
/**
 * Host of the request -> virtual host of the filterChain, in Envoy's order (VirtualHost.domains): the exact domain by hash,
 * else the longest suffix wildcard by a trie read from the end of the host, else `*`. Cost follows the host's length,
 * never the number of hosts.
 */
import {
  FILTER_CHAIN_ANY_HOST,
  FILTER_CHAIN_HOST_ROOT,
  FILTER_CHAIN_HOST_SLOTS_COUNT,
  FILTER_CHAIN_HOST_SLOTS_FIRST,
  FILTER_CHAIN_SIZE,
  NODE_CHILDREN_COUNT,
  NODE_CHILDREN_FIRST,
  NODE_LABEL_LENGTH,
  NODE_LABEL_OFFSET,
  NODE_SIZE,
  NODE_VALUE,
  REQUEST_HOST_LENGTH,
  REQUEST_HOST_OFFSET,
  SLAB_REQUEST,
  SLOT_HASH,
  SLOT_SIZE,
  SLOT_TEXT_LENGTH,
  SLOT_TEXT_OFFSET,
  SLOT_VALUE,
  TABLE_HOST_KEYS,
  TABLE_HOST_NODES,
  TABLE_HOST_SLOTS,
  TABLE_FILTER_CHAINS,
} from './layout';
import { equalBytes, equalFolded, hashKey } from './keys';
import { count, openTable, recordOf, section, table } from './table';
import { slab } from './thread';

/** Value of the slot whose key is the subject (in lower case when `fold`), -1 when there is none. */
export function findSlot(slots: usize, slotCount: u32, subject: usize, length: u32, fold: bool): i32 {
  const mask = slotCount - 1;
  const hash = hashKey(subject, length, fold);
  let position = hash & mask;
  for (let probes = slotCount; probes > 0; probes--) {
    const slot = slots + position * SLOT_SIZE;
    const value = load<i32>(slot, SLOT_VALUE);
    if (value < 0) return -1;
    if (load<u32>(slot, SLOT_HASH) == hash && load<u32>(slot, SLOT_TEXT_LENGTH) == length) {
      const text = table + load<u32>(slot, SLOT_TEXT_OFFSET);
      if (fold ? equalFolded(subject, text, length) : equalBytes(subject, text, length)) return value;
    }
    position = (position + 1) & mask;
  }
  return -1;
}

/** Child of a trie node whose label begins with the byte, -1 when there is none. Siblings ascend by that byte. */
export function findChild(keys: usize, first: u32, children: u32, byte: u32): i32 {
  let low = first;
  let high = first + children;
  while (low < high) {
    const middle = (low + high) >> 1;
    const key = <u32>load<u8>(keys + middle);
    if (key == byte) return middle;
    if (key < byte) low = middle + 1;
    else high = middle;
  }
  return -1;
}

/** Whether the label, whose bytes run towards the front of the host, stands before `end`. */
// @ts-ignore: decorator
@inline
function equalBackwards(end: usize, label: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(end - 1 - i) != load<u8>(label + i)) return false;
  }
  return true;
}

/** Virtual host of the longest suffix that leaves at least one byte for the `*`, -1 when there is none. */
function findSuffix(root: i32, host: usize, length: u32): i32 {
  const nodes = section(TABLE_HOST_NODES);
  const keys = section(TABLE_HOST_KEYS);
  let best: i32 = -1;
  let index = root;
  let left = length;
  while (index >= 0) {
    const node = nodes + <u32>index * NODE_SIZE;
    const labelLength = load<u32>(node, NODE_LABEL_LENGTH);
    if (labelLength >= left) break;
    if (!equalBackwards(host + left, table + load<u32>(node, NODE_LABEL_OFFSET), labelLength)) break;
    left -= labelLength;
    const value = load<i32>(node, NODE_VALUE);
    if (value >= 0) best = value;
    const children = load<u32>(node, NODE_CHILDREN_COUNT);
    index = findChild(keys, load<u32>(node, NODE_CHILDREN_FIRST), children, <u32>load<u8>(host + left - 1));
  }
  return best;
}

/** Virtual host of the open table for the request of this thread. */
export function findHost(filterChain: u32): i32 {
  if (filterChain >= count(TABLE_FILTER_CHAINS)) return -1;
  const record = recordOf(TABLE_FILTER_CHAINS, filterChain, FILTER_CHAIN_SIZE);
  const request = slab + SLAB_REQUEST;
  const host = <usize>load<u32>(request, REQUEST_HOST_OFFSET);
  const length = load<u32>(request, REQUEST_HOST_LENGTH);
  const slotCount = load<u32>(record, FILTER_CHAIN_HOST_SLOTS_COUNT);
  if (slotCount != 0) {
    const slots = recordOf(TABLE_HOST_SLOTS, load<u32>(record, FILTER_CHAIN_HOST_SLOTS_FIRST), SLOT_SIZE);
    const exact = findSlot(slots, slotCount, host, length, false);
    if (exact >= 0) return exact;
  }
  const suffix = findSuffix(load<i32>(record, FILTER_CHAIN_HOST_ROOT), host, length);
  return suffix >= 0 ? suffix : load<i32>(record, FILTER_CHAIN_ANY_HOST);
}

/** Index of the virtual host that serves the parsed request, -1 when none does; `explain` asks for it by itself. */
export function findVirtualHost(exchange: u32, filterChain: u32): i32 {
  openTable(exchange);
  return findHost(filterChain);
}
