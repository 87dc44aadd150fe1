// SPDX-License-Identifier: Apache-2.0
/**
 * Nodes of a parsed YAML document -> where each field stands, as integers. The nodes take some ten times the memory of the
 * text, and later stages ask for a line only; an entry here takes 10 or 20 bytes, so positions can be kept with the resource for
 * as long as it is in force and nothing is ever parsed twice.
 */
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { LineCounter, Node, Pair } from 'yaml';
import type { PathStep } from './json-path.js';

/** A place in a text, counted from 1. */
export interface LinePlace {
  readonly line: number;
  readonly column: number;
}

// An entry per node, children behind their parent, in this order:
/** Index into the keys; items of a list are found by counting, and the root has none. */
const KEY = 0;
/** Offset of the key (of an item: of the item), in UTF-16 units. */
const KEY_OFFSET = 1;
/** Offset of the value. */
const VALUE_OFFSET = 2;
/** The first entry behind this node's own ones. */
const END = 3;
/** One of the kinds below; of an alias, the entry that it stands for. */
const KIND = 4;
const ENTRY_SIZE = 5;

const SCALAR = -1;
const LIST = -2;
const MAP = -3;

const MERGE_KEY = '<<';

/** Items before it are found as fast by counting; the lists inside an item then don't displace the cursor. */
const CURSOR_FROM = 16;

type Integers = Int16Array | Int32Array;

/** Nearly every document is short enough for the half. */
function packIntegers(values: readonly number[]): Integers {
  return values.every((value) => value <= MAX_INT16) ? Int16Array.from(values) : Int32Array.from(values);
}

const MAX_INT16 = 0x7fff;

export class PositionIndex {
  readonly #entries: Integers;
  readonly #keys: readonly string[];
  /** Offset of the start of each line. */
  readonly #lineStarts: Integers;
  /** The item of a long list that was found last. */
  #cursorList = -1;
  #cursorIndex = 0;
  #cursorEntry = 0;

  /** `root` is what the document contains; `lines` are those of the whole text, and may be shared by its documents. */
  constructor(root: Node, lines: LineCounter) {
    const writer = new EntryWriter();
    writer.add(root, undefined);
    this.#entries = packIntegers(writer.entries);
    this.#keys = [...writer.keys.keys()];
    this.#lineStarts = packIntegers(lines.lineStarts);
  }

  /**
   * Where a field's value starts, or its key; the nearest parent's place when the field is not there. The steps begin at
   * the node `from`; 0 is the root, and `listItems` gives others.
   */
  locate(from: number, steps: readonly PathStep[], part: 'key' | 'value'): LinePlace {
    let entry: number | undefined = from;
    let offset = this.#field(entry, VALUE_OFFSET);
    for (const [index, step] of steps.entries()) {
      entry = this.#childOf(entry, step);
      if (entry === undefined) break;
      const isLast = index === steps.length - 1;
      offset = this.#field(entry, isLast && part === 'key' ? KEY_OFFSET : VALUE_OFFSET);
    }
    return placeOf(offset, this.#lineStarts);
  }

  /** The items of the list that stands under a key of the node `from`; none when that is no list. */
  listItems(from: number, key: string): readonly number[] {
    const entry = this.#childOf(from, key);
    if (entry === undefined) return [];
    const list = this.#targetOf(entry);
    return this.#field(list, KIND) === LIST ? [...this.#childrenOf(list)] : [];
  }

  #childOf(entry: number, step: PathStep): number | undefined {
    const parent = this.#targetOf(entry);
    const kind = this.#field(parent, KIND);
    if (kind === LIST) return this.#itemOf(parent, Number(step));
    return kind === MAP ? this.#memberOf(parent, String(step)) : undefined;
  }

  /** Stages ask for the items of a long list one after the other, so the search goes on where the last one ended. */
  #itemOf(list: number, index: number): number | undefined {
    const isOnTheWay = this.#cursorList === list && index >= this.#cursorIndex;
    let seen = isOnTheWay ? this.#cursorIndex : 0;
    let entry = isOnTheWay ? this.#cursorEntry : list + 1;
    const end = this.#field(list, END);
    while (seen < index && entry < end) {
      entry = this.#field(entry, END);
      seen += 1;
    }
    if (entry >= end) return undefined;
    if (index >= CURSOR_FROM) {
      this.#cursorList = list;
      this.#cursorIndex = index;
      this.#cursorEntry = entry;
    }
    return entry;
  }

  /** A map's own member, else that of the maps merged into it. */
  #memberOf(map: number, name: string): number | undefined {
    const key = this.#keys.indexOf(name);
    if (key < 0) return undefined;
    for (const entry of this.#childrenOf(map)) if (this.#field(entry, KEY) === key) return entry;
    const mergeKey = this.#keys.indexOf(MERGE_KEY);
    if (mergeKey < 0) return undefined;
    for (const entry of this.#childrenOf(map)) {
      if (this.#field(entry, KEY) !== mergeKey) continue;
      const isList = this.#field(entry, KIND) === LIST;
      for (const source of isList ? this.#childrenOf(entry) : [entry]) {
        const found = this.#childOf(source, name);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  *#childrenOf(parent: number): Generator<number> {
    const end = this.#field(parent, END);
    for (let entry = parent + 1; entry < end; entry = this.#field(entry, END)) yield entry;
  }

  #targetOf(entry: number): number {
    const kind = this.#field(entry, KIND);
    return kind >= 0 ? kind : entry;
  }

  #field(entry: number, field: number): number {
    return this.#entries[entry * ENTRY_SIZE + field] ?? 0;
  }
}

class EntryWriter {
  readonly entries: number[] = [];
  readonly keys = new Map<string, number>();
  /** An alias means the last node before it that has the anchor. */
  readonly #anchors = new Map<string, number>();

  /** `pair` is the one whose value this is; without a value its key stands for it. */
  add(node: Node, pair: Pair<Node, Node | null> | undefined): void {
    const entry = this.entries.length / ENTRY_SIZE;
    const offset = node.range?.[0] ?? 0;
    const keyOffset = pair?.key.range?.[0] ?? offset;
    if (!isAlias(node) && node.anchor !== undefined) this.#anchors.set(node.anchor, entry);
    this.entries.push(pair === undefined ? -1 : this.#keyOf(pair.key), keyOffset, offset, 0, this.#kindOf(node));
    if (isSeq(node)) for (const item of node.items as Node[]) this.add(item, undefined);
    if (isMap(node)) {
      for (const child of node.items as Pair<Node, Node | null>[]) this.add(child.value ?? child.key, child);
    }
    this.entries[entry * ENTRY_SIZE + END] = this.entries.length / ENTRY_SIZE;
  }

  #kindOf(node: Node): number {
    if (isSeq(node)) return LIST;
    if (isMap(node)) return MAP;
    return isAlias(node) ? (this.#anchors.get(node.source) ?? SCALAR) : SCALAR;
  }

  /** A key that is no scalar can't be named by a path. */
  #keyOf(key: Node): number {
    if (!isScalar(key)) return -1;
    const name = key.source === MERGE_KEY ? MERGE_KEY : String(key.value);
    const known = this.keys.get(name);
    if (known !== undefined) return known;
    this.keys.set(name, this.keys.size);
    return this.keys.size - 1;
  }
}

/** The line whose start is the last one at or before the offset. */
export function placeOf(offset: number, lineStarts: ArrayLike<number>): LinePlace {
  let low = 0;
  let high = lineStarts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const start = lineStarts[low - 1] ?? 0;
  return { line: Math.max(1, low), column: offset - start + 1 };
}
