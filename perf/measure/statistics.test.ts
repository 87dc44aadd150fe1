// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { median, pairedRatio, percentile, rotated } from './statistics.js';

describe('median', () => {
  it('is the middle, or the mean of both middles', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('percentile', () => {
  it('is a value that was measured', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index + 1);
    expect(percentile(values, 0.5)).toBe(500);
    expect(percentile(values, 0.999)).toBe(999);
    expect(percentile(values, 1)).toBe(1000);
    expect(percentile([7], 0.001)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

describe('pairedRatio', () => {
  it('takes medians over the rounds that both have, and the range of single rounds', () => {
    expect(pairedRatio([2, undefined, 6, 4], [1, 100, 2, undefined])).toEqual({
      ratio: 4 / 1.5,
      min: 2,
      max: 3,
      rounds: 2,
    });
  });

  it('is nothing without a common round', () => {
    expect(pairedRatio([1, undefined], [undefined, 1])).toBeUndefined();
    expect(pairedRatio([1], [0])).toBeUndefined();
    expect(pairedRatio([NaN], [1])).toBeUndefined();
  });
});

describe('rotated', () => {
  it('puts each one first and last in some round', () => {
    const orders = Array.from({ length: 6 }, (_, round) => rotated(['a', 'b', 'c'], round));
    expect(new Set(orders.map((order) => order[0]))).toEqual(new Set(['a', 'b', 'c']));
    expect(new Set(orders.map((order) => order[2]))).toEqual(new Set(['a', 'b', 'c']));
    expect(orders.every((order) => new Set(order).size === 3)).toBe(true);
  });
});
