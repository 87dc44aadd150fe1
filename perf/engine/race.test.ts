// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Contender } from './race.js';
import { median, medianOf, race, ratioOf } from './race.js';

function counting(name: string, calls: string[]): Contender {
  return {
    name,
    prepare: () => calls.push(name),
    run: (turns) => turns,
  };
}

describe('race', () => {
  it('times every contender once per round and lets another one begin each round', () => {
    const calls: string[] = [];
    const times = race([counting('a', calls), counting('b', calls)], { rounds: 4, roundMs: 0.01 });
    expect(times.get('a')).toHaveLength(4);
    expect(times.get('b')).toHaveLength(4);
    expect(calls.slice(-8)).toEqual(['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']);
  });

  it('refuses a race that could say nothing', () => {
    expect(() => race([])).toThrow(RangeError);
    expect(() => race([counting('a', [])], { rounds: 2 })).toThrow(RangeError);
  });
});

describe('ratios', () => {
  it('are taken within a round, so that a slow spell of the machine cancels out', () => {
    const times = new Map([
      ['own', [10, 100, 12]],
      ['rival', [20, 200, 24]],
    ]);
    expect(ratioOf(times, 'own', 'rival')).toBe(0.5);
    expect(medianOf(times, 'own')).toBe(12);
  });

  it('of somebody who did not run are an error, not a number', () => {
    expect(() => ratioOf(new Map(), 'own', 'rival')).toThrow('own did not run');
    expect(median([])).toBeNaN();
  });
});
