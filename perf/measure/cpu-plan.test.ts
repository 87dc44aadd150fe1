// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { planCpus } from './cpu-plan.js';

describe('who runs on which core', () => {
  it('keeps load and proxy apart', () => {
    const plan = planCpus(false, 2);
    expect([plan.load, plan.proxy(1), plan.proxy(2)]).toEqual(['0', '1', undefined]);
    const large = planCpus(false, 4);
    expect([large.load, large.proxy(1), large.proxy(2)]).toEqual(['0-1', '2', '2-3']);
  });

  it('refuses one core unless it is told not to pin', () => {
    expect(() => planCpus(false, 1)).toThrow('--unpinned');
    expect(planCpus(true, 1).load).toBeUndefined();
  });
});
