// SPDX-License-Identifier: Apache-2.0
/**
 * The compiled engine with nothing around it: one memory, one slab, raw access to the records. For tests of the engine's
 * own calls; the running proxy has its own loader.
 */
import { readFileSync } from 'node:fs';
import * as layout from '../../assembly/layout.js';

/** The calls that these tests use; see docs/ENGINE.md. */
interface EngineExports {
  attachThread(index: number, seed0: number, seed1: number, seed2: number, seed3: number): void;
  slabSize(clusters: number, exchanges: number, connections: number, series: number): number;
  parseRequestHead(offset: number, length: number): number;
  parseResponseHead(offset: number, length: number, method: number): number;
  decodeChunked(connection: number, offset: number, length: number): number;
  normalizePath(mode: number): number;
  writeRequestHead(exchange: number, out: number, capacity: number, flags: number): number;
  writeResponseHead(exchange: number, out: number, capacity: number, style: number): number;
}

export interface HeaderRow {
  readonly name: string;
  readonly value: string;
  readonly hash: number;
  readonly id: number;
  readonly flags: number;
}

const CLUSTER_CAPACITY = 4;
const ENDPOINT_CAPACITY = 4;
const EXCHANGE_CAPACITY = 4;
const CONNECTION_CAPACITY = 4;
const SERIES_CAPACITY = 4;
const ARENA_SIZE = 65536;
const PAGE = 65536;

export const builds = ['engine.debug.wasm', 'engine.wasm'] as const;
export type Build = (typeof builds)[number];

export class BareEngine {
  readonly calls: EngineExports;
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Absolute offset of the slab. */
  readonly slab: number;
  /** Absolute offset of the arena: the tables of a test lie here, in generation slot 0. */
  readonly arena: number;

  constructor(build: Build) {
    const module = new WebAssembly.Module(readFileSync(new URL(`../../dist/${build}`, import.meta.url)));
    const minimumPages = 512;
    const memory = new WebAssembly.Memory({ initial: minimumPages, maximum: minimumPages, shared: true });
    const instance = new WebAssembly.Instance(module, { env: { memory } });
    this.calls = instance.exports as unknown as EngineExports;
    const shared = memory.buffer as SharedArrayBuffer;
    this.bytes = Buffer.from(shared);
    this.view = new DataView(shared);
    const slabs = layout.CONTROL_BASE + layout.CONTROL_SIZE + (CLUSTER_CAPACITY + ENDPOINT_CAPACITY) * 256;
    const slabSize = this.calls.slabSize(CLUSTER_CAPACITY, EXCHANGE_CAPACITY, CONNECTION_CAPACITY, SERIES_CAPACITY);
    this.slab = slabs;
    this.arena = Math.ceil((slabs + slabSize) / PAGE) * PAGE;
    this.#writeControlBlock(slabSize);
    this.calls.attachThread(0, 1, 2, 3, 4);
    this.setExchange(0, layout.EXCHANGE_GENERATION, -1);
    this.setExchange(0, layout.EXCHANGE_ROUTE, -1);
    this.setExchange(0, layout.EXCHANGE_WEIGHTED, -1);
    this.setExchange(0, layout.EXCHANGE_ATTEMPT, 1);
  }

  #writeControlBlock(slabSize: number): void {
    const fields: readonly (readonly [number, number])[] = [
      [layout.CONTROL_MAGIC, layout.TABLE_MAGIC],
      [layout.CONTROL_VERSION, layout.LAYOUT_VERSION],
      [layout.CONTROL_CLUSTER_CAPACITY, CLUSTER_CAPACITY],
      [layout.CONTROL_ENDPOINT_CAPACITY, ENDPOINT_CAPACITY],
      [layout.CONTROL_THREAD_CAPACITY, 1],
      [layout.CONTROL_SLABS, this.slab],
      [layout.CONTROL_SLAB_SIZE, slabSize],
      [layout.CONTROL_ARENA, this.arena],
      [layout.CONTROL_ARENA_END, this.arena + ARENA_SIZE],
      [layout.CONTROL_EXCHANGE_CAPACITY, EXCHANGE_CAPACITY],
      [layout.CONTROL_CONNECTION_CAPACITY, CONNECTION_CAPACITY],
      [layout.CONTROL_SERIES_CAPACITY, SERIES_CAPACITY],
      [layout.CONTROL_MAX_HEAD_BYTES, layout.MAX_HEAD_BYTES],
      [layout.CONTROL_MAX_REQUEST_HEADERS, layout.DEFAULT_MAX_HEADERS],
    ];
    for (const [offset, value] of fields) this.view.setUint32(layout.CONTROL_BASE + offset, value, true);
    const generation = layout.CONTROL_BASE + layout.CONTROL_GENERATIONS;
    this.view.setUint32(generation + layout.GENERATION_BASE, this.arena, true);
    this.view.setUint32(generation + layout.GENERATION_LENGTH, ARENA_SIZE, true);
  }

  get exchanges(): number {
    return this.slab + layout.SLAB_CLUSTER_COUNTERS + CLUSTER_CAPACITY * layout.CLUSTER_COUNTERS_SIZE;
  }

  setExchange(index: number, field: number, value: number): void {
    this.view.setInt32(this.exchanges + index * layout.EXCHANGE_SIZE + field, value, true);
  }

  get connections(): number {
    return this.exchanges + EXCHANGE_CAPACITY * layout.EXCHANGE_SIZE;
  }

  resetConnection(index: number): void {
    const start = this.connections + index * layout.CONNECTION_SIZE;
    this.bytes.fill(0, start, start + layout.CONNECTION_SIZE);
  }

  /** Absolute offset of a slab region. */
  at(region: number): number {
    return this.slab + region;
  }

  text(offset: number, length: number): string {
    return this.bytes.toString('latin1', offset, offset + length);
  }

  /** Writes latin1 text into the input region and returns its offset. */
  write(text: string | Uint8Array, offset = this.at(layout.SLAB_INPUT)): number {
    if (typeof text === 'string') this.bytes.write(text, offset, 'latin1');
    else this.bytes.set(text, offset);
    return offset;
  }

  parseRequest(head: string): number {
    return this.calls.parseRequestHead(this.write(head), head.length);
  }

  parseResponse(head: string, method: number = layout.METHOD_GET): number {
    const offset = this.write(head, this.at(layout.SLAB_READ));
    return this.calls.parseResponseHead(offset, head.length, method);
  }

  request(field: number): number {
    return this.view.getUint32(this.at(layout.SLAB_REQUEST) + field, true);
  }

  response(field: number): number {
    return this.view.getUint32(this.at(layout.SLAB_RESPONSE) + field, true);
  }

  result(field: number): number {
    return this.view.getUint32(this.at(layout.SLAB_RESULT) + field, true);
  }

  requestText(offsetField: number, lengthField: number): string {
    return this.text(this.request(offsetField), this.request(lengthField));
  }

  get path(): string {
    return this.requestText(layout.REQUEST_PATH_OFFSET, layout.REQUEST_PATH_LENGTH);
  }

  requestRows(): HeaderRow[] {
    return this.#rows(layout.SLAB_REQUEST_HEADERS, this.request(layout.REQUEST_HEADER_COUNT));
  }

  responseRows(): HeaderRow[] {
    return this.#rows(layout.SLAB_RESPONSE_HEADERS, this.response(layout.RESPONSE_HEADER_COUNT));
  }

  #rows(table: number, count: number): HeaderRow[] {
    const rows: HeaderRow[] = [];
    for (let index = 0; index < count; index++) {
      const row = this.at(table) + index * layout.HEADER_ROW_SIZE;
      const field = (offset: number): number => this.view.getUint32(row + offset, true);
      rows.push({
        name: this.text(field(layout.HEADER_NAME_OFFSET), field(layout.HEADER_NAME_LENGTH)),
        value: this.text(field(layout.HEADER_VALUE_OFFSET), field(layout.HEADER_VALUE_LENGTH)),
        hash: field(layout.HEADER_NAME_HASH),
        id: field(layout.HEADER_NAME_ID),
        flags: field(layout.HEADER_FLAGS),
      });
    }
    return rows;
  }

  /** Puts a fact's text into memory and points the facts record at it; an empty text clears it. */
  setFact(field: number, text: string): void {
    const place = this.at(layout.SLAB_INPUT) + layout.INPUT_SIZE - 8192 + field * 32;
    this.write(text, place);
    this.view.setUint32(this.at(layout.SLAB_FACTS) + field, place, true);
    this.view.setUint32(this.at(layout.SLAB_FACTS) + field + 4, text.length, true);
  }

  setFactNumber(field: number, value: number): void {
    this.view.setUint32(this.at(layout.SLAB_FACTS) + field, value, true);
  }

  /** The head written for exchange 0, or the failure number. */
  writeRequest(flags = 0, capacity: number = layout.OUTPUT_SIZE): string | number {
    const out = this.at(layout.SLAB_OUTPUT);
    const length = this.calls.writeRequestHead(0, out, capacity, flags);
    return length < 0 ? length : this.text(out, length);
  }

  writeResponse(style: number, capacity: number = layout.OUTPUT_SIZE): string | number {
    const out = this.at(layout.SLAB_OUTPUT);
    const length = this.calls.writeResponseHead(0, out, capacity, style);
    return length < 0 ? length : this.text(out, length);
  }
}
