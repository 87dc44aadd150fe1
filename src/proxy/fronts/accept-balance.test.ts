// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, it } from 'vitest';
import { SMALL } from '../../../test/support/shared-engine.js';
import { compileEngine, Engine } from '../../engine/engine.js';
import { createEngineMemory } from '../../engine/memory-plan.js';
import { AcceptBalance } from './accept-balance.js';

const module = compileEngine(new URL('../../../dist/engine.wasm', import.meta.url));
let memory: WebAssembly.Memory;

beforeEach(() => {
  memory = createEngineMemory(SMALL);
});

function threadOf(slab: number, connectionCount: number): AcceptBalance {
  const engine = new Engine(module, memory);
  engine.attach(slab);
  const balance = new AcceptBalance(engine);
  balance.setAccepting(true);
  for (let count = 0; count < connectionCount; count++) balance.opened();
  return balance;
}

describe('a thread', () => {
  it('with clearly more connections than the average is ahead, and one below is not', () => {
    const [many, few] = [threadOf(0, 40), threadOf(3, 10)];
    expect([many.isAhead, few.isAhead]).toEqual([true, false]);
  });

  it('with about as many as the others is not ahead', () => {
    const threads = [threadOf(0, 36), threadOf(1, 30), threadOf(2, 28)];
    expect(threads.map((thread) => thread.isAhead)).toEqual([false, false, false]);
  });

  it('that accepts alone is never ahead', () => {
    expect(threadOf(2, 1000).isAhead).toBe(false);
  });

  it('is not ahead of those that have stopped accepting', () => {
    const [busy, leaving] = [threadOf(0, 20), threadOf(1, 0)];
    expect(busy.isAhead).toBe(true);
    leaving.setAccepting(false);
    expect(busy.isAhead).toBe(false);
  });

  it('stops being ahead when its connections close', () => {
    const [many] = [threadOf(0, 20), threadOf(1, 10)];
    expect(many?.isAhead).toBe(true);
    for (let count = 0; count < 8; count++) many?.closed();
    expect(many?.isAhead).toBe(false);
  });
});
