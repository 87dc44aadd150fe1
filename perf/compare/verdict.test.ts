// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { judge } from './verdict.js';
import type { ComparedRound } from './verdict.js';

function round(base: number, head: number, baseAgain = base, headAgain = head): ComparedRound {
  return { base, baseAgain, head, headAgain };
}

function rounds(count: number, ...values: Parameters<typeof round>): ComparedRound[] {
  return Array.from({ length: count }, () => round(...values));
}

describe('the verdict of a comparison', () => {
  it('is worse when every round agrees and the change is beyond the noise', () => {
    const verdict = judge([round(20, 22, 20.2), round(30, 33, 29.8), ...rounds(3, 19, 21, 19.2, 20.8)]);
    expect(verdict).toMatchObject({ worse: true, rounds: 5, roundsWorse: 5, bound: 0.03 });
    expect(verdict.ratio).toBeCloseTo(1.1, 1);
  });

  it('is not worse when one round does not agree', () => {
    expect(judge([...rounds(4, 20, 25), round(20, 19.9)])).toMatchObject({ worse: false, roundsWorse: 4 });
  });

  it('is not worse when processes of one build differ as much as the builds', () => {
    const verdict = judge(rounds(5, 20, 21, 22, 24));
    expect(verdict).toMatchObject({ worse: false, roundsWorse: 5 });
    expect(verdict.bound).toBeGreaterThan(verdict.ratio - 1);
  });

  it('takes the noise of head for noise too', () => {
    expect(judge(rounds(5, 20, 20, 20, 26)).bound).toBeCloseTo(0.15);
  });

  it('is not worse for a change that is too small to tell', () => {
    expect(judge(rounds(5, 20, 20.5))).toMatchObject({ worse: false, roundsWorse: 5 });
  });

  it('is not worse for an improvement', () => {
    expect(judge(rounds(5, 20, 15))).toMatchObject({ worse: false, roundsWorse: 0 });
  });

  it('can not be had from too few rounds or from missing figures', () => {
    expect(() => judge(rounds(2, 20, 25))).toThrow('2 rounds');
    expect(() => judge([round(20, NaN), ...rounds(3, 20, 25)])).toThrow('no figure');
    expect(() => judge([round(0, 20), ...rounds(3, 20, 25)])).toThrow('no figure');
  });
});
