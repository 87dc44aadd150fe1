// SPDX-License-Identifier: Apache-2.0
/**
 * Sections of a rule table that grow while records are appended -> one blob behind the header of assembly/layout.ts. Text
 * comes first in the blob, so that the offset of a text is final at the moment it is interned.
 */
import * as layout from '../../assembly/layout.js';

/** Records of a fixed size made of u32 fields. Record numbers count from 0. */
export class RecordSection {
  readonly #fieldsPerRecord: number;
  #words: Uint32Array;
  #count = 0;

  /** `recordSize` in bytes, a multiple of four. */
  constructor(recordSize: number) {
    this.#fieldsPerRecord = recordSize / 4;
    this.#words = new Uint32Array(this.#fieldsPerRecord * 64);
  }

  get count(): number {
    return this.#count;
  }

  /** Appends `records` zeroed records; returns the number of the first. */
  reserve(records: number): number {
    const first = this.#count;
    const needed = (first + records) * this.#fieldsPerRecord;
    if (needed > this.#words.length) {
      const grown = new Uint32Array(Math.max(needed, this.#words.length * 2));
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#count += records;
    return first;
  }

  /** Appends one record with its first fields given; returns its number. */
  append(...fields: readonly number[]): number {
    const record = this.reserve(1);
    let position = record * this.#fieldsPerRecord;
    for (const field of fields) this.#words[position++] = field;
    return record;
  }

  /** `field` is the byte offset in the record; -1 is stored as 0xffffffff. */
  set(record: number, field: number, value: number): void {
    this.#words[record * this.#fieldsPerRecord + field / 4] = value;
  }

  get(record: number, field: number): number {
    return this.#words[record * this.#fieldsPerRecord + field / 4] ?? 0;
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, this.#count * this.#fieldsPerRecord * 4);
  }
}

/** Single bytes; 'count' is their number. */
export class ByteSection {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get count(): number {
    return this.#length;
  }

  /** Appends the bytes; returns where they begin. */
  append(bytes: Uint8Array): number {
    const first = this.reserve(bytes.length);
    this.#bytes.set(bytes, first);
    return first;
  }

  /** Appends a byte string (characters 0..255); returns where it begins. */
  appendText(text: string): number {
    const first = this.reserve(text.length);
    for (let index = 0; index < text.length; index++) this.#bytes[first + index] = text.charCodeAt(index);
    return first;
  }

  reserve(length: number): number {
    const first = this.#length;
    if (first + length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(first + length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length += length;
    return first;
  }

  set(position: number, value: number): void {
    this.#bytes[position] = value;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** The pool of all text; equal texts are stored once, but for those on the two sides of a `separate`. */
export class TextPool {
  readonly #section = new ByteSection();
  readonly #offsets = new Map<string, number>();

  /** A new pool of a table. */
  static forTable(): TextPool {
    const pool = new TextPool();
    // Subject of scheme conditions: the engine takes the first four or five bytes.
    pool.offsetOf('https');
    return pool;
  }

  /** A pool that begins with the bytes of another, as after its `separate`. */
  static after(bytes: Uint8Array): TextPool {
    const pool = new TextPool();
    pool.#section.append(bytes);
    return pool;
  }

  /** What comes now is stored behind what is there and shares nothing with it, so that it can be replaced as a whole. */
  separate(): void {
    this.#offsets.clear();
  }

  /** Offset of a byte string, from the start of the blob. */
  offsetOf(bytes: string): number {
    const known = this.#offsets.get(bytes);
    if (known !== undefined) return known;
    const offset = layout.TABLE_HEADER_SIZE + this.#section.appendText(bytes);
    this.#offsets.set(bytes, offset);
    return offset;
  }

  get section(): ByteSection {
    return this.#section;
  }
}

type Section = RecordSection | ByteSection;

/** Every section of a table being written. */
export class TableWriter {
  readonly text = TextPool.forTable();
  readonly filterChains = new RecordSection(layout.FILTER_CHAIN_SIZE);
  readonly virtualHosts = new RecordSection(layout.VIRTUAL_HOST_SIZE);
  readonly routes = new RecordSection(layout.ROUTE_SIZE);
  readonly weighted = new RecordSection(layout.WEIGHTED_SIZE);
  readonly clusters = new RecordSection(layout.CLUSTER_SIZE);
  readonly endpoints = new RecordSection(layout.ENDPOINT_SIZE);
  readonly headerOps = new RecordSection(layout.HEADER_OP_SIZE);
  readonly templateParts = new RecordSection(layout.TEMPLATE_PART_SIZE);
  readonly hostSlots = new RecordSection(layout.SLOT_SIZE);
  readonly hostNodes = new RecordSection(layout.NODE_SIZE);
  readonly hostKeys = new ByteSection();
  readonly pathSlots = new RecordSection(layout.SLOT_SIZE);
  readonly pathNodes = new RecordSection(layout.NODE_SIZE);
  readonly pathKeys = new ByteSection();
  readonly candidates = new RecordSection(4);
  readonly conditions = new RecordSection(layout.CONDITION_SIZE);
  readonly patterns = new RecordSection(layout.PATTERN_SIZE);
  readonly groups = new RecordSection(layout.GROUP_SIZE);
  readonly groupAccepts = new RecordSection(4);
  readonly automata = new ByteSection();

  finish(): Uint8Array {
    return assembleTable(
      SECTIONS.map(([pair, , sectionOf]) => {
        const section = sectionOf(this);
        return { pair, count: section.count, bytes: section.bytes() };
      }),
    );
  }
}

/** In the order of the blob: place in the header, bytes per record, and what is written there. */
const SECTIONS: readonly (readonly [pair: number, recordSize: number, of: (writer: TableWriter) => Section])[] = [
  [layout.TABLE_STRINGS, 1, (writer) => writer.text.section],
  [layout.TABLE_FILTER_CHAINS, layout.FILTER_CHAIN_SIZE, (writer) => writer.filterChains],
  [layout.TABLE_VIRTUAL_HOSTS, layout.VIRTUAL_HOST_SIZE, (writer) => writer.virtualHosts],
  [layout.TABLE_ROUTES, layout.ROUTE_SIZE, (writer) => writer.routes],
  [layout.TABLE_WEIGHTED, layout.WEIGHTED_SIZE, (writer) => writer.weighted],
  [layout.TABLE_CLUSTERS, layout.CLUSTER_SIZE, (writer) => writer.clusters],
  [layout.TABLE_ENDPOINTS, layout.ENDPOINT_SIZE, (writer) => writer.endpoints],
  [layout.TABLE_HEADER_OPS, layout.HEADER_OP_SIZE, (writer) => writer.headerOps],
  [layout.TABLE_TEMPLATE_PARTS, layout.TEMPLATE_PART_SIZE, (writer) => writer.templateParts],
  [layout.TABLE_HOST_SLOTS, layout.SLOT_SIZE, (writer) => writer.hostSlots],
  [layout.TABLE_HOST_NODES, layout.NODE_SIZE, (writer) => writer.hostNodes],
  [layout.TABLE_HOST_KEYS, 1, (writer) => writer.hostKeys],
  [layout.TABLE_PATH_SLOTS, layout.SLOT_SIZE, (writer) => writer.pathSlots],
  [layout.TABLE_PATH_NODES, layout.NODE_SIZE, (writer) => writer.pathNodes],
  [layout.TABLE_PATH_KEYS, 1, (writer) => writer.pathKeys],
  [layout.TABLE_CANDIDATES, 4, (writer) => writer.candidates],
  [layout.TABLE_CONDITIONS, layout.CONDITION_SIZE, (writer) => writer.conditions],
  [layout.TABLE_PATTERNS, layout.PATTERN_SIZE, (writer) => writer.patterns],
  [layout.TABLE_GROUPS, layout.GROUP_SIZE, (writer) => writer.groups],
  [layout.TABLE_GROUP_ACCEPTS, 4, (writer) => writer.groupAccepts],
  [layout.TABLE_AUTOMATA, 1, (writer) => writer.automata],
];

/** A section as it lies in a table. `pair` is the byte offset of its count and offset in the header; `count` are records. */
export interface TableSection {
  readonly pair: number;
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** The blob. Sections lie in the given order, text directly behind the header; they are 8-byte aligned. */
export function assembleTable(sections: readonly TableSection[]): Uint8Array {
  let length = layout.TABLE_HEADER_SIZE;
  const placed = sections.map((section) => {
    const offset = length;
    length = (offset + section.bytes.length + 7) & ~7;
    return { ...section, offset };
  });
  const blob = new Uint8Array(length);
  const header = new DataView(blob.buffer);
  header.setUint32(layout.TABLE_HEADER_MAGIC, layout.TABLE_MAGIC, true);
  header.setUint32(layout.TABLE_HEADER_VERSION, layout.LAYOUT_VERSION, true);
  header.setUint32(layout.TABLE_HEADER_LENGTH, length, true);
  for (const { pair, count, offset, bytes } of placed) {
    header.setUint32(pair, count, true);
    header.setUint32(pair + 4, offset, true);
    blob.set(bytes, offset);
  }
  return blob;
}

/** The sections of a blob that was assembled here, in their order. */
export function sectionsOf(tables: Uint8Array): TableSection[] {
  const header = new DataView(tables.buffer, tables.byteOffset, tables.byteLength);
  return SECTIONS.map(([pair, recordSize]) => {
    const count = header.getUint32(pair, true);
    const offset = header.getUint32(pair + 4, true);
    return { pair, count, bytes: tables.subarray(offset, offset + count * recordSize) };
  });
}
