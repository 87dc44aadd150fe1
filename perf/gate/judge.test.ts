// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { MeasureName } from './bounds.js';
import { GROUPS, MEASURES } from './bounds.js';
import type { GroupResult } from './judge.js';
import { hasPassed, judge } from './judge.js';

const memory = { 'resident-demo': 100, 'resident-routes': 200, 'engine-reserved': 300 };

function result(values: GroupResult['values'], slowdown = 1): GroupResult {
  return { group: 'memory', values, slowdown, tookMs: 1 };
}

function outcomeOf(name: MeasureName, results: readonly GroupResult[]): string | undefined {
  return judge(results).find((verdict) => verdict.name === name)?.outcome;
}

describe('judge', () => {
  it('passes figures up to their bound', () => {
    const verdicts = judge([result({ ...memory, 'resident-demo': MEASURES['resident-demo'].bound })]);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(['ok', 'ok', 'ok']);
    expect(hasPassed(verdicts)).toBe(true);
  });

  it('fails a figure over its bound', () => {
    const verdicts = judge([result({ ...memory, 'resident-demo': MEASURES['resident-demo'].bound + 0.1 })]);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(['crossed', 'ok', 'ok']);
    expect(hasPassed(verdicts)).toBe(false);
  });

  it.each([NaN, 0, -1, Infinity, undefined])('does not take %s for a measurement', (value) => {
    const { 'resident-demo': _left, ...others } = memory;
    const results = [result(value === undefined ? others : { ...others, 'resident-demo': value })];
    expect(outcomeOf('resident-demo', results)).toBe('not measured');
    expect(hasPassed(judge(results))).toBe(false);
  });

  it('fails a figure without a bound that was not measured', () => {
    expect(outcomeOf('node-start', [{ group: 'start', values: {}, slowdown: 1, tookMs: 1 }])).toBe('not measured');
  });

  it('raises bounds in milliseconds on a slow machine, and no others', () => {
    const slow = 3;
    const bound = MEASURES['reload-all'].bound;
    const reload: GroupResult = { group: 'reload', values: { 'reload-all': bound * 2 }, slowdown: slow, tookMs: 1 };
    expect(outcomeOf('reload-all', [reload])).toBe('ok');
    expect(outcomeOf('reload-all', [{ ...reload, slowdown: 1 }])).toBe('crossed');
    expect(outcomeOf('resident-demo', [result({ ...memory, 'resident-demo': 1000 }, slow)])).toBe('crossed');
  });

  it('does not pass when the slowdown was not measured', () => {
    expect(hasPassed(judge([result(memory, NaN)]))).toBe(false);
  });

  it('does not pass a run of nothing', () => {
    expect(hasPassed(judge([]))).toBe(false);
  });
});

describe('the table of bounds', () => {
  it('has a bound in every group, and goals below bounds', () => {
    const measures = Object.values(MEASURES);
    for (const group of GROUPS) {
      expect(measures.some((measure) => measure.group === group && 'bound' in measure)).toBe(true);
    }
    for (const measure of measures) {
      if ('goal' in measure) expect(measure.goal).toBeLessThan(measure.bound);
    }
  });
});
