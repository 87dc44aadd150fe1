// SPDX-License-Identifier: Apache-2.0
/**
 * Set of code points -> the byte strings that encode its members in UTF-8, as a graph whose edges are byte ranges.
 * Only well-formed UTF-8 (RFC 3629 section 4) is produced: no overlong forms and no surrogates. Equal tails are one node,
 * which leaves 300 nodes for the 684 ranges of `\pL`.
 */
import type { CodePointSet } from './code-point-set.js';

/** `target` is the position of a node before this one in the graph, or `END_OF_CHARACTER`. */
export interface ByteEdge {
  readonly lo: number;
  readonly hi: number;
  readonly target: number;
}

export const END_OF_CHARACTER = -1;

/** Nodes as lists of their edges, ascending and disjoint. Every edge leads to an earlier node; the last node is the root. */
export type Utf8Graph = readonly (readonly ByteEdge[])[];

/** A trie under construction: the sequences arrive in ascending order, so only the last child can be shared. */
interface TrieNode {
  readonly edges: { readonly lo: number; readonly hi: number; readonly child: TrieNode | undefined }[];
}

type ByteRange = readonly [lo: number, hi: number];

/** Code point ranges whose encodings have one length; the gap in the third row is the surrogates. */
const LENGTH_RANGES: readonly ByteRange[] = [
  [0x00, 0x7f],
  [0x80, 0x7ff],
  [0x800, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x10ffff],
];

export function utf8Graph(set: CodePointSet): Utf8Graph {
  const root: TrieNode = { edges: [] };
  for (let i = 0; i + 1 < set.length; i += 2) {
    for (const [first, last] of LENGTH_RANGES) {
      const lo = Math.max(set[i] as number, first);
      const hi = Math.min(set[i + 1] as number, last);
      if (lo <= hi) splitRange(lo, hi, (sequence) => insert(root, sequence));
    }
  }
  const nodes: ByteEdge[][] = [];
  shareTails(root, nodes, new Map());
  return nodes;
}

/**
 * Cuts a range of code points with encodings of one length into pieces that are one byte range per position. A piece whose
 * bounds differ above the last n continuation bytes must span all values of these.
 */
function splitRange(lo: number, hi: number, emit: (sequence: readonly ByteRange[]) => void): void {
  const low = encode(lo);
  const high = encode(hi);
  for (let tail = 1; tail < low.length; tail++) {
    const mask = (1 << (6 * tail)) - 1;
    if ((lo & ~mask) === (hi & ~mask)) break;
    if ((lo & mask) !== 0) {
      splitRange(lo, lo | mask, emit);
      splitRange((lo | mask) + 1, hi, emit);
      return;
    }
    if ((hi & mask) !== mask) {
      splitRange(lo, (hi & ~mask) - 1, emit);
      splitRange(hi & ~mask, hi, emit);
      return;
    }
  }
  emit(low.map((byte, position): ByteRange => [byte, high[position] as number]));
}

function encode(codePoint: number): number[] {
  if (codePoint < 0x80) return [codePoint];
  const tail = (shift: number): number => 0x80 | ((codePoint >> shift) & 0x3f);
  if (codePoint < 0x800) return [0xc0 | (codePoint >> 6), tail(0)];
  if (codePoint < 0x10000) return [0xe0 | (codePoint >> 12), tail(6), tail(0)];
  return [0xf0 | (codePoint >> 18), tail(12), tail(6), tail(0)];
}

function insert(root: TrieNode, sequence: readonly ByteRange[]): void {
  let node = root;
  for (const [position, [lo, hi]] of sequence.entries()) {
    const last = node.edges.at(-1);
    if (last?.child !== undefined && last.lo === lo && last.hi === hi) {
      node = last.child;
      continue;
    }
    const child: TrieNode | undefined = position === sequence.length - 1 ? undefined : { edges: [] };
    node.edges.push({ lo, hi, child });
    if (child === undefined) return;
    node = child;
  }
}

/** Appends the node to the graph after its children, unless an equal one is there; returns its position. */
function shareTails(node: TrieNode, nodes: ByteEdge[][], positions: Map<string, number>): number {
  const edges: { lo: number; hi: number; target: number }[] = [];
  for (const { lo, hi, child } of node.edges) {
    const target = child === undefined ? END_OF_CHARACTER : shareTails(child, nodes, positions);
    const last = edges.at(-1);
    if (last !== undefined && last.target === target && last.hi + 1 === lo) last.hi = hi;
    else edges.push({ lo, hi, target });
  }
  const key = edges.map(({ lo, hi, target }) => `${lo},${hi},${target}`).join(' ');
  const known = positions.get(key);
  if (known !== undefined) return known;
  positions.set(key, nodes.length);
  nodes.push(edges);
  return nodes.length - 1;
}
