// SPDX-License-Identifier: Apache-2.0
/**
 * Path of the request -> the routes of the virtual host that it may take, in rule order. The exact path (by hash) and every
 * prefix met on the way through a trie bring a list of routes that ascends; a heap merges the lists, so that the caller
 * can stop at the first route whose conditions hold. Cost follows the path's length and the routes that really compete.
 */
import {
  CANDIDATE_LAST,
  CANDIDATE_ROUTE,
  GROUP_SIZE,
  MAX_STREAMS,
  NODE_CHILDREN_COUNT,
  NODE_CHILDREN_FIRST,
  NODE_GROUPS_COUNT,
  NODE_GROUPS_FIRST,
  NODE_LABEL_LENGTH,
  NODE_LABEL_OFFSET,
  NODE_SIZE,
  NODE_VALUE,
  REQUEST_PATH_LENGTH,
  REQUEST_PATH_OFFSET,
  SLAB_MATCH,
  SLAB_REQUEST,
  SLOT_SIZE,
  TABLE_CANDIDATES,
  TABLE_GROUPS,
  TABLE_PATH_KEYS,
  TABLE_PATH_NODES,
  TABLE_PATH_SLOTS,
  VIRTUAL_HOST_FOLDED_ROOT,
  VIRTUAL_HOST_FOLDED_SLOTS_COUNT,
  VIRTUAL_HOST_FOLDED_SLOTS_FIRST,
  VIRTUAL_HOST_ROOT,
  VIRTUAL_HOST_SLOTS_COUNT,
  VIRTUAL_HOST_SLOTS_FIRST,
} from './layout';
import { equalBytes, equalFolded, foldByte } from './keys';
import { runGroup } from './dfa';
import { findChild, findSlot } from './hosts';
import { recordOf, section, table } from './table';
import { slab } from './thread';

/** What nextCandidate returns when all lists are used up. */
export const NO_CANDIDATE: u32 = 0xffffffff;

let streamCount: u32 = 0;

// @ts-ignore: decorator
@inline
function streamAt(position: u32): usize {
  return slab + SLAB_MATCH + (position << 3);
}

/** A stream's entry: the route in the upper half orders the heap, the lower half points to the candidate. */
// @ts-ignore: decorator
@inline
function streamOf(candidate: usize): u64 {
  return (<u64>(load<u32>(candidate) & CANDIDATE_ROUTE) << 32) | <u64>candidate;
}

/** Adds a list to the heap. The encoder keeps within MAX_STREAMS, so nothing is lost with a sound table. */
function addStream(list: i32): void {
  if (list < 0 || streamCount >= <u32>MAX_STREAMS) return;
  const entry = streamOf(section(TABLE_CANDIDATES) + (<u32>list << 2));
  let position = streamCount++;
  while (position > 0) {
    const parent = (position - 1) >> 1;
    const other = load<u64>(streamAt(parent));
    if (other <= entry) break;
    store<u64>(streamAt(position), other);
    position = parent;
  }
  store<u64>(streamAt(position), entry);
}

function siftDown(entry: u64): void {
  let position: u32 = 0;
  for (;;) {
    let child = (position << 1) + 1;
    if (child >= streamCount) break;
    let least = load<u64>(streamAt(child));
    if (child + 1 < streamCount) {
      const right = load<u64>(streamAt(child + 1));
      if (right < least) {
        least = right;
        child++;
      }
    }
    if (entry <= least) break;
    store<u64>(streamAt(position), least);
    position = child;
  }
  store<u64>(streamAt(position), entry);
}

/** Takes the candidate with the lowest route off the lists, or NO_CANDIDATE. */
export function nextCandidate(): u32 {
  if (streamCount == 0) return NO_CANDIDATE;
  const pointer = <usize>(<u32>load<u64>(streamAt(0)));
  const candidate = load<u32>(pointer);
  if ((candidate & CANDIDATE_LAST) == 0) {
    siftDown(streamOf(pointer + 4));
  } else {
    streamCount--;
    if (streamCount > 0) siftDown(load<u64>(streamAt(streamCount)));
  }
  return candidate;
}

/** Adds the lists of every node that is a prefix of the path; labels of a folded trie are in lower case. */
function walkTrie(root: i32, path: usize, length: u32, fold: bool): void {
  const nodes = section(TABLE_PATH_NODES);
  const keys = section(TABLE_PATH_KEYS);
  let index = root;
  let position: u32 = 0;
  while (index >= 0) {
    const node = nodes + <u32>index * NODE_SIZE;
    const labelLength = load<u32>(node, NODE_LABEL_LENGTH);
    if (labelLength > length - position) return;
    const label = table + load<u32>(node, NODE_LABEL_OFFSET);
    if (!(fold ? equalFolded(path + position, label, labelLength) : equalBytes(path + position, label, labelLength))) return;
    position += labelLength;
    addStream(load<i32>(node, NODE_VALUE));
    let groups = load<u32>(node, NODE_GROUPS_COUNT);
    if (groups != 0) {
      let group = recordOf(TABLE_GROUPS, load<u32>(node, NODE_GROUPS_FIRST), GROUP_SIZE);
      for (; groups > 0; groups--, group += GROUP_SIZE) addStream(runGroup(group, path, length));
    }
    if (position == length) return;
    const byte = <u32>load<u8>(path + position);
    const first = load<u32>(node, NODE_CHILDREN_FIRST);
    index = findChild(keys, first, load<u32>(node, NODE_CHILDREN_COUNT), fold ? foldByte(byte) : byte);
  }
}

// @ts-ignore: decorator
@inline
function addExact(first: u32, slotCount: u32, path: usize, length: u32, fold: bool): void {
  if (slotCount != 0) addStream(findSlot(recordOf(TABLE_PATH_SLOTS, first, SLOT_SIZE), slotCount, path, length, fold));
}

/** Begins the candidates of a virtual host (its record's absolute offset) for the parsed request. */
export function startCandidates(host: usize): void {
  const path = <usize>load<u32>(slab + SLAB_REQUEST, REQUEST_PATH_OFFSET);
  const length = load<u32>(slab + SLAB_REQUEST, REQUEST_PATH_LENGTH);
  streamCount = 0;
  addExact(load<u32>(host, VIRTUAL_HOST_SLOTS_FIRST), load<u32>(host, VIRTUAL_HOST_SLOTS_COUNT), path, length, false);
  const foldedFirst = load<u32>(host, VIRTUAL_HOST_FOLDED_SLOTS_FIRST);
  addExact(foldedFirst, load<u32>(host, VIRTUAL_HOST_FOLDED_SLOTS_COUNT), path, length, true);
  walkTrie(load<i32>(host, VIRTUAL_HOST_ROOT), path, length, false);
  walkTrie(load<i32>(host, VIRTUAL_HOST_FOLDED_ROOT), path, length, true);
}
