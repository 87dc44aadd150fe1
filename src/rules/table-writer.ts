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

/** The pool of all text; equal texts are stored once. */
export class TextPool {
  readonly #section = new ByteSection();
  readonly #offsets = new Map<string, number>();

  constructor() {
    // Subject of scheme conditions: the engine takes the first four or five bytes.
    this.offsetOf('https');
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
  readonly text = new TextPool();
  readonly listeners = new RecordSection(layout.LISTENER_SIZE);
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

  /** The blob. Text lies directly behind the header; sections are 8-byte aligned. */
  finish(): Uint8Array {
    const sections: readonly [pair: number, section: Section][] = [
      [layout.TABLE_STRINGS, this.text.section],
      [layout.TABLE_LISTENERS, this.listeners],
      [layout.TABLE_VIRTUAL_HOSTS, this.virtualHosts],
      [layout.TABLE_ROUTES, this.routes],
      [layout.TABLE_WEIGHTED, this.weighted],
      [layout.TABLE_CLUSTERS, this.clusters],
      [layout.TABLE_ENDPOINTS, this.endpoints],
      [layout.TABLE_HEADER_OPS, this.headerOps],
      [layout.TABLE_TEMPLATE_PARTS, this.templateParts],
      [layout.TABLE_HOST_SLOTS, this.hostSlots],
      [layout.TABLE_HOST_NODES, this.hostNodes],
      [layout.TABLE_HOST_KEYS, this.hostKeys],
      [layout.TABLE_PATH_SLOTS, this.pathSlots],
      [layout.TABLE_PATH_NODES, this.pathNodes],
      [layout.TABLE_PATH_KEYS, this.pathKeys],
      [layout.TABLE_CANDIDATES, this.candidates],
      [layout.TABLE_CONDITIONS, this.conditions],
      [layout.TABLE_PATTERNS, this.patterns],
      [layout.TABLE_GROUPS, this.groups],
      [layout.TABLE_GROUP_ACCEPTS, this.groupAccepts],
      [layout.TABLE_AUTOMATA, this.automata],
    ];
    let length = layout.TABLE_HEADER_SIZE;
    const placed = sections.map(([pair, section]) => {
      const offset = length;
      const bytes = section.bytes();
      length = (offset + bytes.length + 7) & ~7;
      return { pair, count: section.count, offset, bytes };
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
}
