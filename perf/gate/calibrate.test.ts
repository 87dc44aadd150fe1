// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { slowdownOf, timeCalibrationWork } from './calibrate.js';

describe('the slowdown', () => {
  it('is in proportion to the time of the same work', () => {
    expect(slowdownOf([300, 300, 300]) / slowdownOf([150, 150, 150])).toBeCloseTo(2);
  });

  it('is never below 1, so that a fast machine is not held to tighter bounds', () => {
    expect(slowdownOf([0.1])).toBe(1);
  });

  it('is limited, so that a machine that hangs does not pass everything', () => {
    expect(slowdownOf([1e9])).toBe(10);
  });

  it('does not come from nothing', () => {
    expect(() => slowdownOf([])).toThrow(RangeError);
    expect(() => slowdownOf([0])).toThrow(RangeError);
  });

  it('is measured on work that takes time', () => {
    expect(timeCalibrationWork()).toBeGreaterThan(0);
  });
});
