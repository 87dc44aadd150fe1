// SPDX-License-Identifier: Apache-2.0
/**
 * An engine with one thread and one table, driven the way the data path drives it: the request record is written, the
 * engine decides, and patterns that it asks for are run here. Heads are not parsed: matching is tested by itself.
 */
import * as layout from '../../assembly/layout.js';
import { compileEngine, Engine } from '../../src/engine/engine.js';
import { createEngineMemory } from '../../src/engine/memory-plan.js';
import type { EncodedTables } from '../../src/rules/encoded-tables.js';
import { hashHeaderName } from '../../src/rules/key-hash.js';
import type { HostMatcher } from '../../src/rules/regex/host-regex.js';
import { compileMatcher } from '../../src/rules/regex/host-regex.js';
import type { TestRequest } from './request.js';
import { hostOf } from './request.js';

/** Both builds: as released, and with assertions. */
export const ENGINE_FILES = ['engine.wasm', 'engine.debug.wasm'] as const;
export type EngineFile = (typeof ENGINE_FILES)[number];

export interface Decision {
  /** DECISION_* or FAILURE_NO_ROUTE. */
  readonly decision: number;
  readonly virtualHost: number;
  readonly route: number;
  readonly weighted: number;
  readonly cluster: number;
  readonly delayMs: number;
  readonly abortStatus: number;
  /** How often the host ran a pattern. */
  readonly asked: number;
}

export class MatcherEngine {
  readonly engine: Engine;
  /** Absolute offset of the table. */
  base: number;
  #patterns: HostMatcher[] = [];
  #length = 0;

  constructor(file: EngineFile, arenaBytes = 8 * 1024 * 1024) {
    const module = compileEngine(new URL(`../../dist/${file}`, import.meta.url));
    const memory = createEngineMemory({
      clusters: 16,
      endpoints: 16,
      threads: 1,
      exchanges: 4,
      connections: 4,
      series: 16,
      arenaBytes,
    });
    this.engine = new Engine(module, memory);
    this.engine.attach(0);
    this.base = this.engine.control(layout.CONTROL_ARENA);
    const slot = (layout.CONTROL_BASE + layout.CONTROL_GENERATIONS) / 4;
    this.engine.words[slot + layout.GENERATION_BASE / 4] = this.base;
    this.engine.words[(this.engine.exchanges + layout.EXCHANGE_GENERATION) / 4] = 0;
  }

  /** Seeds the draws, so that a test of their distribution is exact. */
  seed(first: number, second: number): void {
    this.engine.exports.attachThread(0, first, second, first ^ 0x5bd1e995, second ^ 0x27d4eb2f);
  }

  /** Moves the table to the last bytes of memory, so that reading behind it traps; returns its new base. */
  placeAtEnd(length: number): number {
    this.base = this.engine.bytes.length - length;
    const slot = (layout.CONTROL_BASE + layout.CONTROL_GENERATIONS) / 4;
    this.engine.words[slot + layout.GENERATION_BASE / 4] = this.base;
    return this.base;
  }

  /** Puts tables where generation slot 0 points; returns what verifyTable says of them. */
  load(encoded: EncodedTables): number {
    this.#patterns = encoded.host.patterns.map((pattern) => compileMatcher(pattern));
    return this.loadBytes(encoded.tables);
  }

  loadBytes(tables: Uint8Array): number {
    this.engine.bytes.set(tables, this.base);
    this.#length = tables.length;
    return this.verify();
  }

  verify(length = this.#length): number {
    return this.engine.exports.verifyTable(this.base, length);
  }

  /** Writes the request record and the header table. */
  writeRequest(request: TestRequest): void {
    const { engine } = this;
    const record = engine.slab + layout.SLAB_REQUEST;
    let cursor = engine.slab + layout.SLAB_INPUT;
    const put = (field: number, text: string): void => {
      engine.words[(record + field) / 4] = cursor;
      const written = engine.buffer.write(text, cursor, 'utf8');
      engine.words[(record + field) / 4 + 1] = written;
      cursor += written;
    };
    put(layout.REQUEST_METHOD_OFFSET, request.method);
    put(layout.REQUEST_PATH_OFFSET, request.path);
    engine.words[(record + layout.REQUEST_HAS_QUERY) / 4] = request.query === undefined ? 0 : 1;
    // A path of even length stands apart from its query, as one does that normalizing has moved.
    if (request.path.length % 2 === 1) cursor += engine.buffer.write('?', cursor);
    put(layout.REQUEST_QUERY_OFFSET, request.query ?? '');
    put(layout.REQUEST_AUTHORITY_OFFSET, request.authority);
    put(layout.REQUEST_HOST_OFFSET, hostOf(request));
    engine.words[(record + layout.REQUEST_SCHEME) / 4] = request.scheme === 'https' ? 1 : 0;
    engine.words[(record + layout.REQUEST_HEADER_COUNT) / 4] = request.headers.length;
    request.headers.forEach(([name, value], index) => {
      const row = (engine.slab + layout.SLAB_REQUEST_HEADERS + index * layout.HEADER_ROW_SIZE) / 4;
      const nameLength = engine.buffer.write(name, cursor, 'utf8');
      engine.words[row + layout.HEADER_NAME_OFFSET / 4] = cursor;
      engine.words[row + layout.HEADER_NAME_LENGTH / 4] = nameLength;
      engine.words[row + layout.HEADER_NAME_HASH / 4] = hashHeaderName(name);
      cursor += nameLength;
      const valueLength = engine.buffer.write(value, cursor, 'utf8');
      engine.words[row + layout.HEADER_VALUE_OFFSET / 4] = cursor;
      engine.words[row + layout.HEADER_VALUE_LENGTH / 4] = valueLength;
      cursor += valueLength;
    });
  }

  result(field: number): number {
    return this.engine.ints[(this.engine.slab + layout.SLAB_RESULT + field) / 4] ?? 0;
  }

  /** Routes the request that was written last. */
  route(listener: number): Decision {
    const { exports } = this.engine;
    let asked = 0;
    let decision = exports.routeRequest(0, listener);
    while (decision === layout.DECISION_ASK_HOST) {
      asked++;
      this.#answer();
      decision = exports.routeRequest(0, listener);
    }
    return {
      decision,
      virtualHost: this.result(layout.RESULT_VIRTUAL_HOST),
      route: this.result(layout.RESULT_ROUTE),
      weighted: this.result(layout.RESULT_WEIGHTED),
      cluster: this.result(layout.RESULT_CLUSTER),
      delayMs: this.result(layout.RESULT_DELAY_MS),
      abortStatus: this.result(layout.RESULT_ABORT_STATUS),
      asked,
    };
  }

  /** First failing condition of a route for the request that was written last; -1 when it matches. */
  testRoute(route: number): number {
    let result = this.engine.exports.testRoute(0, route);
    while (result === layout.TEST_ROUTE_ASK_HOST) {
      this.#answer();
      result = this.engine.exports.testRoute(0, route);
    }
    return result;
  }

  #answer(): void {
    const from = this.result(layout.RESULT_SUBJECT_OFFSET) >>> 0;
    const subject = this.engine.bytes.slice(from, from + this.result(layout.RESULT_SUBJECT_LENGTH));
    const matched = this.#patterns[this.result(layout.RESULT_PATTERN)]?.matches(subject) ?? false;
    this.engine.exports.answerPattern(matched ? 1 : 0);
  }
}
