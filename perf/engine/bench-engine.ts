// SPDX-License-Identifier: Apache-2.0
/**
 * Models -> an engine with their tables in memory, driven as the data path drives it, without sockets. Tables are published
 * by the same store as in the proxy; several stay loaded at once, so that rivals can alternate within milliseconds.
 */
import * as layout from '../../assembly/layout.js';
import type { EngineExports } from '../../src/engine/engine.js';
import { compileEngine, Engine } from '../../src/engine/engine.js';
import { createEngineMemory } from '../../src/engine/memory-plan.js';
import { TableStore } from '../../src/engine/table-store.js';
import type { RoutingModel } from '../../src/model/model.js';
import { encodeTables } from '../../src/rules/encode.js';
import { hashHeaderName } from '../../src/rules/key-hash.js';

/** A request as a codec leaves it behind: already parsed, its texts in memory. */
export interface ParsedRequest {
  readonly authority: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** Tables in memory; `exchange` is bound to them. */
export interface LoadedTables {
  readonly exchange: number;
  readonly tableBytes: number;
  readonly encodeMs: number;
}

const EXCHANGES = 64;
/** Address space only; 100,000 routes take 23 MB. */
const ARENA_BYTES = 256 * 1024 * 1024;

export class BenchEngine {
  readonly engine: Engine;
  readonly exports: EngineExports;
  readonly #store: TableStore;
  #loaded = 0;

  constructor() {
    const memory = createEngineMemory({
      clusters: 16,
      endpoints: 16,
      threads: 1,
      exchanges: EXCHANGES,
      connections: 4,
      series: 64,
      arenaBytes: ARENA_BYTES,
    });
    this.engine = new Engine(compileEngine(), memory);
    this.engine.attach(0);
    this.exports = this.engine.exports;
    this.#store = new TableStore(this.engine);
  }

  /** Throws when the tables are refused. */
  load(model: RoutingModel): LoadedTables {
    const startedMs = performance.now();
    const encoded = encodeTables(model);
    const encodeMs = performance.now() - startedMs;
    const prepared = this.#store.prepare(encoded);
    if (!prepared.ok) throw new Error(prepared.reason);
    this.#store.activate(prepared.generation);
    const exchange = this.#loaded++;
    // Holds the generation, so that it stays when the next one is loaded.
    if (this.exports.beginExchange(exchange) !== prepared.generation.slot)
      throw new Error('the exchange got other tables');
    return { exchange, tableBytes: encoded.tables.length, encodeMs };
  }

  /** Index of the route that the engine takes for the request that was written last; throws when it takes none. */
  routeOf(exchange: number): number {
    const decision = this.exports.routeRequest(exchange, 0);
    if (decision !== layout.DECISION_FORWARD) throw new Error(`decision ${decision} where a route was wanted`);
    return this.engine.ints[(this.engine.slab + layout.SLAB_RESULT + layout.RESULT_ROUTE) >> 2] ?? -1;
  }

  /** Writes the request record and the header table. */
  writeRequest({ authority, path, headers = [] }: ParsedRequest): void {
    const { words, slab } = this.engine;
    const record = slab + layout.SLAB_REQUEST;
    let cursor = slab + layout.SLAB_INPUT;
    const put = (at: number, text: string): void => {
      words[at >> 2] = cursor;
      words[(at >> 2) + 1] = this.engine.buffer.write(text, cursor, 'latin1');
      cursor += text.length;
    };
    put(record + layout.REQUEST_METHOD_OFFSET, 'GET');
    put(record + layout.REQUEST_PATH_OFFSET, path);
    put(record + layout.REQUEST_AUTHORITY_OFFSET, authority);
    put(record + layout.REQUEST_HOST_OFFSET, authority);
    words[(record + layout.REQUEST_HEADER_COUNT) >> 2] = headers.length;
    for (const [index, [name, value]] of headers.entries()) {
      const row = slab + layout.SLAB_REQUEST_HEADERS + index * layout.HEADER_ROW_SIZE;
      put(row + layout.HEADER_NAME_OFFSET, name);
      words[(row + layout.HEADER_NAME_HASH) >> 2] = hashHeaderName(name);
      put(row + layout.HEADER_VALUE_OFFSET, value);
    }
  }

  /** Writes texts one after the other behind the request's own; returns [offset, length] for each, in one array. */
  writeTexts(texts: readonly string[]): Uint32Array {
    const places = new Uint32Array(texts.length * 2);
    let cursor = this.engine.slab + layout.SLAB_INPUT + layout.INPUT_REQUEST;
    for (const [index, text] of texts.entries()) {
      places[index * 2] = cursor;
      places[index * 2 + 1] = this.engine.buffer.write(text, cursor, 'latin1');
      cursor += text.length;
    }
    const end = this.engine.slab + layout.SLAB_INPUT + layout.INPUT_SIZE;
    if (cursor > end) throw new RangeError('the texts are longer than the input region');
    return places;
  }
}
