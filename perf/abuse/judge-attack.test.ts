// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ATTACKS } from './attacks.js';
import { HEADINGS, judgeAttack, rowOf } from './judge-attack.js';
import type { AttackFigures, AttackRound } from './measure-attack.js';

const MIB = 1024 * 1024;
const attack = { ...(ATTACKS[0] as (typeof ATTACKS)[number]), connectionCount: 1024, bytesPerConnection: 16 * 1024 };

const phase = (p99Ms: number, failedCount = 0): AttackRound['alone'] => ({ p99Ms, requestCount: 10, failedCount });

/** A round by its p99 without and with the attack. */
function roundOf(alone: number, during: number, facts: Partial<AttackRound> = {}): AttackRound {
  const report = { openedCount: 1024, closedCount: 0 };
  return { alone: phase(alone), during: phase(during), report, foreignShare: 0.01, ...facts };
}

function figuresOf(facts: Partial<AttackFigures> = {}): AttackFigures {
  return {
    attack,
    rounds: [roundOf(4, 5), roundOf(5, 6), roundOf(6, 7)],
    isDisturbed: false,
    memoryBefore: 100 * MIB,
    memoryPeak: 110 * MIB,
    memoryAfter: 105 * MIB,
    ...facts,
  };
}

describe('judgeAttack', () => {
  it('allows three times the p99 that clients have alone, and the floor, by the medians of the rounds', () => {
    const rounds = [roundOf(10, 900), roundOf(9, 35), roundOf(400, 20)];
    expect(judgeAttack(figuresOf({ rounds })).failure).toBe('');
    expect(judgeAttack(figuresOf({ rounds: [roundOf(10, 900), roundOf(9, 35.1), roundOf(400, 36)] })).failure).toBe(
      'p99',
    );
  });

  it('says of a failure among other programs how much of the machine they had, and fails all the same', () => {
    const rounds = [roundOf(10, 90, { foreignShare: 0.4 })];
    expect(judgeAttack(figuresOf({ rounds, isDisturbed: true })).failure).toBe(
      'p99, while other programs had 40% of the machine',
    );
  });

  it('allows each connection its memory, and the slack once', () => {
    expect(judgeAttack(figuresOf({ memoryPeak: 180 * MIB })).failure).toBe('');
    expect(judgeAttack(figuresOf({ memoryPeak: 181 * MIB })).failure).toBe('memory');
  });

  it('does not pass what was not measured', () => {
    expect(judgeAttack(figuresOf({ rounds: [roundOf(4, Infinity)] })).failure).toBe('p99');
    expect(judgeAttack(figuresOf({ memoryPeak: NaN })).failure).toBe('memory');
    expect(
      judgeAttack(figuresOf({ rounds: [roundOf(4, 5, { report: { openedCount: 0, closedCount: 9 } })] })).failure,
    ).toBe('no attack');
  });

  it('does not pass requests that were not answered', () => {
    const rounds = [roundOf(4, 5), roundOf(4, 5, { during: phase(5, 2) })];
    expect(judgeAttack(figuresOf({ rounds })).failure).toBe('2 requests failed');
  });

  it('fills every column', () => {
    const figures = figuresOf();
    expect(rowOf(figures, judgeAttack(figures))).toHaveLength(HEADINGS.length);
  });
});
