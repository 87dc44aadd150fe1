// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { GroupResult } from './judge.js';
import { judge } from './judge.js';
import { printFailures, printFigure, printTable } from './print-verdicts.js';

const results: GroupResult[] = [
  {
    group: 'memory',
    values: { 'resident-demo': 1234.5, 'resident-routes': 80 },
    slowdown: 1,
    failure: 'the process ended with 1',
    tookMs: 5,
  },
];
const verdicts = judge(results);

describe('the table', () => {
  it('has a line for every measure, with its verdict', () => {
    const lines = printTable(verdicts).split('\n');
    expect(lines[0]).toMatch(/^measure +value +bound +goal +verdict$/);
    expect(lines[1]).toMatch(/^resident, demo's rules, 2 threads +1,235 MB +\d+ MB +60\.?0? MB +CROSSED$/);
    expect(lines[2]).toMatch(/ok$/);
    expect(lines[3]).toMatch(/ - .*NOT MEASURED$/);
  });
});

describe('the failures', () => {
  it('name what crossed its bound, what is missing, and why', () => {
    const text = printFailures(verdicts, results);
    expect(text).toContain('resident-demo: ');
    expect(text).toContain('over its bound of');
    expect(text).toContain('engine-reserved: ');
    expect(text).toContain('was not measured');
    expect(text).toContain('memory: the process ended with 1\n');
    expect(text).not.toContain('resident-routes');
  });

  it('are empty when there is none', () => {
    expect(printFailures([], [])).toBe('');
  });
});

describe('a figure', () => {
  it.each([
    [0.0017734, 'x', '0.00177'],
    [23411632, 'B', '23,411,632 B'],
    [12.345, 'ms', '12.3 ms'],
    [NaN, 'ns', '-'],
  ] as const)('%s in %s reads %s', (value, unit, text) => {
    expect(printFigure(value, unit)).toBe(text);
  });
});
