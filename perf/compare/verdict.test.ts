// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { judge } from './verdict.js';
import type { ComparedRound } from './verdict.js';

function round(base: number, head: number, baseAgain = base): ComparedRound {
  return { base, head, baseAgain };
}

describe('the verdict of a comparison', () => {
  it('is worse when every round agrees and the change is beyond the noise', () => {
    const verdict = judge([
      round(20, 22, 20.2),
      round(30, 33, 29.8),
      round(19, 21, 19),
      round(20, 22.4, 20.5),
      round(21, 23, 21),
    ]);
    expect(verdict).toMatchObject({ worse: true, rounds: 5, roundsWorse: 5 });
    expect(verdict.ratio).toBeCloseTo(1.1, 1);
  });

  it('is not worse when one round does not agree', () => {
    expect(judge([round(20, 25), round(20, 25), round(20, 25), round(20, 19.9), round(20, 25)]).worse).toBe(false);
  });

  it('is not worse when head lies between two instances of base', () => {
    expect(judge([round(20, 25), round(20, 25), round(20, 25), round(20, 25), round(20, 25, 26)]).worse).toBe(false);
  });

  it('is not worse when all rounds agree on less than twice the noise', () => {
    const verdict = judge(Array.from({ length: 5 }, () => round(20, 22, 21)));
    expect(verdict).toMatchObject({ worse: false, roundsWorse: 5 });
    expect(verdict.bound).toBeCloseTo(0.1);
  });

  it('is not worse for a change that is too small to tell', () => {
    expect(judge(Array.from({ length: 5 }, () => round(20, 20.5))).worse).toBe(false);
  });

  it('is not worse for an improvement', () => {
    expect(judge(Array.from({ length: 5 }, () => round(20, 15)))).toMatchObject({ worse: false, roundsWorse: 0 });
  });

  it('can not be had from too few rounds or from missing figures', () => {
    expect(() => judge([round(20, 25), round(20, 25)])).toThrow('2 rounds');
    expect(() => judge([round(20, NaN), round(20, 25), round(20, 25), round(20, 25)])).toThrow('no figure');
    expect(() => judge([round(0, 20), round(20, 25), round(20, 25), round(20, 25)])).toThrow('no figure');
  });
});
