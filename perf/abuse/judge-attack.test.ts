// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ATTACKS } from './attacks.js';
import { HEADINGS, judgeAttack, rowOf } from './judge-attack.js';
import type { AttackFigures } from './measure-attack.js';

const MIB = 1024 * 1024;
const attack = { ...(ATTACKS[0] as (typeof ATTACKS)[number]), connectionCount: 1024, bytesPerConnection: 16 * 1024 };

function figuresOf(facts: Partial<AttackFigures> & { p99?: [number, number, number] } = {}): AttackFigures {
  const [before, during, after] = (facts.p99 ?? [4, 5, 6]).map((p99Ms) => ({ p99Ms, requestCount: 1, failedCount: 0 }));
  return {
    attack,
    before: before as AttackFigures['before'],
    during: during as AttackFigures['during'],
    after: after as AttackFigures['after'],
    report: { openedCount: 1024, closedCount: 0 },
    memoryBefore: 100 * MIB,
    memoryPeak: 110 * MIB,
    memoryAfter: 105 * MIB,
    ...facts,
  };
}

describe('judgeAttack', () => {
  it('allows three times the p99 that clients have alone, and the floor', () => {
    expect(judgeAttack(figuresOf({ p99: [10, 35, 90] })).failure).toBe('');
    expect(judgeAttack(figuresOf({ p99: [90, 35, 10] })).failure).toBe('');
    expect(judgeAttack(figuresOf({ p99: [10, 35.1, 90] })).failure).toBe('p99');
  });

  it('allows each connection its memory, and the slack once', () => {
    expect(judgeAttack(figuresOf({ memoryPeak: 180 * MIB })).failure).toBe('');
    expect(judgeAttack(figuresOf({ memoryPeak: 181 * MIB })).failure).toBe('memory');
  });

  it('does not pass what was not measured', () => {
    expect(judgeAttack(figuresOf({ p99: [4, Infinity, 4] })).failure).toBe('p99');
    expect(judgeAttack(figuresOf({ memoryPeak: NaN })).failure).toBe('memory');
    expect(judgeAttack(figuresOf({ report: { openedCount: 0, closedCount: 9 } })).failure).toBe('no attack');
  });

  it('does not pass requests that were not answered', () => {
    const during = { p99Ms: 5, requestCount: 10, failedCount: 2 };
    expect(judgeAttack(figuresOf({ during })).failure).toBe('2 requests failed');
  });

  it('fills every column', () => {
    const figures = figuresOf();
    expect(rowOf(figures, judgeAttack(figures))).toHaveLength(HEADINGS.length);
  });
});
