// SPDX-License-Identifier: Apache-2.0
/** Limits that the engine keeps for clients: connections of a listener over all threads, bytes and fields of a head. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { DEFAULT_CLIENT_LIMITS } from '../../src/engine/client-limits.js';
import type { ClientLimits } from '../../src/engine/client-limits.js';
import { compileEngine, Engine } from '../../src/engine/engine.js';
import { readListeners } from '../../src/engine/listener-statistics.js';
import { createEngineMemory } from '../../src/engine/memory-plan.js';
import { SMALL } from '../support/shared-engine.js';

const builds = ['engine.debug.wasm', 'engine.wasm'];

describe.each(builds)('%s', (build) => {
  const module = compileEngine(new URL(`../../dist/${build}`, import.meta.url));

  /** Engines of two threads over one memory. */
  function twoThreads(limits: Partial<ClientLimits>): [Engine, Engine] {
    const memory = createEngineMemory(SMALL, { ...DEFAULT_CLIENT_LIMITS, ...limits });
    const engines = [new Engine(module, memory), new Engine(module, memory)] as const;
    engines.forEach((engine, thread) => engine.attach(thread));
    return [engines[0], engines[1]];
  }

  function activeOf(engine: Engine, slot: number): number {
    return readListeners(engine, new Map([['listener', slot]]))[0]?.activeConnections ?? NaN;
  }

  it('counts the connections of a listener over all threads', () => {
    const [first, second] = twoThreads({ maxConnections: 3 });
    expect([first.exports.openClient(0, 7), second.exports.openClient(0, 7), second.exports.openClient(1, 7)]).toEqual([
      0, 0, 0,
    ]);
    expect(first.exports.openClient(1, 7)).toBe(layout.LISTENER_FULL);
    expect(first.exports.openClient(1, 8)).toBe(0);
    second.exports.closeClient(0);
    expect(first.exports.openClient(2, 7)).toBe(0);
    expect([activeOf(first, 7), activeOf(first, 8)]).toEqual([3, 1]);
  });

  it('uncounts a connection once only, and none that was refused', () => {
    const [engine] = twoThreads({ maxConnections: 1 });
    engine.exports.openClient(0, 0);
    engine.exports.openClient(1, 0);
    engine.exports.closeClient(1);
    expect(activeOf(engine, 0)).toBe(1);
    engine.exports.closeClient(0);
    engine.exports.closeClient(0);
    expect(activeOf(engine, 0)).toBe(0);
  });

  it('uncounts what a dead thread has left', () => {
    const [engine, other] = twoThreads({});
    for (let record = 0; record < 5; record++) engine.exports.openClient(record, 2);
    other.exports.openClient(0, 2);
    engine.exports.releaseThread();
    expect(activeOf(other, 2)).toBe(1);
  });

  it('keeps to the limits for heads that the memory was made with', () => {
    const [engine] = twoThreads({ maxHeadBytes: 200, maxRequestHeaders: 5 });
    const parse = (head: string): number => {
      const offset = engine.slab + layout.SLAB_READ;
      engine.buffer.write(head, offset, 'latin1');
      return engine.exports.parseRequestHead(offset, head.length);
    };
    const start = 'GET / HTTP/1.1\r\nhost: a\r\n';
    const filled = `${start}x: ${'v'.repeat(200 - start.length - 7)}\r\n\r\n`;
    expect(parse(filled)).toBe(200);
    expect(parse(filled.replace('x:', 'xx:'))).toBe(layout.FAILURE_HEAD_TOO_LARGE);
    expect(parse('A'.repeat(199))).toBe(0);
    expect(parse(`${start}${'x: 1\r\n'.repeat(4)}\r\n`)).toBeGreaterThan(0);
    expect(parse(`${start}${'x: 1\r\n'.repeat(5)}\r\n`)).toBe(layout.FAILURE_HEAD_TOO_LARGE);
  });

  it('takes as many fields as the table has rows, when that is the limit', () => {
    const [engine] = twoThreads({ maxRequestHeaders: layout.MAX_HEADERS });
    const head = `GET / HTTP/1.1\r\nhost: a\r\n${'x: 1\r\n'.repeat(layout.MAX_HEADERS - 1)}\r\n`;
    const offset = engine.slab + layout.SLAB_READ;
    engine.buffer.write(head, offset, 'latin1');
    expect(engine.exports.parseRequestHead(offset, head.length)).toBe(head.length);
    const out = engine.slab + layout.SLAB_OUTPUT;
    const response = engine.slab + layout.SLAB_RESPONSE_HEADERS;
    const untouched = engine.words[response >> 2];
    engine.ints[(engine.exchanges + layout.EXCHANGE_GENERATION) >> 2] = -1;
    engine.ints[(engine.exchanges + layout.EXCHANGE_WEIGHTED) >> 2] = -1;
    engine.ints[(engine.exchanges + layout.EXCHANGE_ROUTE) >> 2] = -1;
    expect(engine.exports.writeRequestHead(0, out, layout.OUTPUT_SIZE, 0)).toBeGreaterThan(head.length);
    expect(engine.words[response >> 2]).toBe(untouched);
  });
});
