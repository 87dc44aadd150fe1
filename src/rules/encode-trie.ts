// SPDX-License-Identifier: Apache-2.0
/**
 * Keys with values -> a compressed radix trie. The keys are sorted once and every node takes a run of them, level by level:
 * so children lie side by side and behind their parent (which is how the engine can check that a walk ends), and the time
 * follows the bytes of the keys.
 */
import * as layout from '../../assembly/layout.js';
import type { ByteSection, RecordSection, TextPool } from './table-writer.js';

export interface TrieSections {
  readonly nodes: RecordSection;
  readonly keys: ByteSection;
  readonly text: TextPool;
}

/** What stands at the end of a key. */
export interface TrieValue {
  readonly value: number;
  readonly groupsFirst: number;
  readonly groupsCount: number;
}

export interface Trie {
  /** Node number, -1 for a trie without keys. */
  readonly root: number;
  /** The largest number of streams (values and groups) on one way down. */
  readonly streams: number;
}

interface Run {
  readonly node: number;
  readonly low: number;
  readonly high: number;
  readonly depth: number;
  readonly streams: number;
}

function sharedPrefixEnd(left: string, right: string, from: number): number {
  const end = Math.min(left.length, right.length);
  let index = from;
  while (index < end && left.charCodeAt(index) === right.charCodeAt(index)) index++;
  return index;
}

function reserveNodes(sections: TrieSections, count: number): number {
  sections.keys.reserve(count);
  return sections.nodes.reserve(count);
}

/** Where the runs of equal bytes at `at` begin among keys[low..high). */
function splitByByte(keys: readonly string[], low: number, high: number, at: number): number[] {
  const starts: number[] = [];
  let previous = -1;
  for (let index = low; index < high; index++) {
    const byte = keys[index]?.charCodeAt(at) ?? 0;
    if (byte !== previous) starts.push(index);
    previous = byte;
  }
  return starts;
}

/** Appends the trie of the keys (byte strings). */
export function encodeTrie(values: ReadonlyMap<string, TrieValue>, sections: TrieSections): Trie {
  if (values.size === 0) return { root: -1, streams: 0 };
  const keys = [...values.keys()].sort();
  const { nodes } = sections;
  const root = reserveNodes(sections, 1);
  const queue: Run[] = [{ node: root, low: 0, high: keys.length, depth: 0, streams: 0 }];
  let streams = 0;
  for (let turn = 0; turn < queue.length; turn++) {
    const { node, low, high, depth, streams: above } = queue[turn] as Run;
    const first = keys[low] as string;
    const end = sharedPrefixEnd(first, keys[high - 1] as string, depth);
    nodes.set(node, layout.NODE_LABEL_OFFSET, sections.text.offsetOf(first.slice(depth, end)));
    nodes.set(node, layout.NODE_LABEL_LENGTH, end - depth);
    sections.keys.set(node, end > depth ? first.charCodeAt(depth) : 0);
    const own = first.length === end ? values.get(first) : undefined;
    nodes.set(node, layout.NODE_VALUE, own?.value ?? -1);
    nodes.set(node, layout.NODE_GROUPS_FIRST, own?.groupsFirst ?? 0);
    nodes.set(node, layout.NODE_GROUPS_COUNT, own?.groupsCount ?? 0);
    const here = above + (own ? 1 + own.groupsCount : 0);
    streams = Math.max(streams, here);
    const starts = splitByByte(keys, own ? low + 1 : low, high, end);
    if (starts.length === 0) continue;
    const children = reserveNodes(sections, starts.length);
    nodes.set(node, layout.NODE_CHILDREN_FIRST, children);
    nodes.set(node, layout.NODE_CHILDREN_COUNT, starts.length);
    starts.forEach((start, index) => {
      queue.push({ node: children + index, low: start, high: starts[index + 1] ?? high, depth: end, streams: here });
    });
  }
  return { root, streams };
}
