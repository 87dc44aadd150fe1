// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { barChart } from './bar-chart.js';

const CHART = {
  title: 'Cost & <benefit>',
  axis: 'µs',
  series: ['weft', 'other'],
  groups: [
    { label: 'small', values: [10, 20] },
    { label: 'large', values: [undefined, 5] },
  ],
};

/** The lengths of the bars, in order; the squares of the legend have no title inside. */
function barLengths(svg: string): number[] {
  return [...svg.matchAll(/<rect [^>]*width="([\d.]+)"[^>]*><title>/g)].map((match) => Number(match[1]));
}

describe('a bar chart', () => {
  it('has a bar for each value, in proportion', () => {
    const [first = 0, second = 0, third, fourth = 0] = barLengths(barChart(CHART));
    expect(second).toBeGreaterThan(0);
    expect(first / second).toBeCloseTo(0.5);
    expect(third).toBe(0);
    expect(fourth / second).toBeCloseTo(0.25);
  });

  it('says what was not measured', () => {
    expect(barChart(CHART).match(/>not measured</g)).toHaveLength(1);
  });

  it('escapes text, names its colours for dark pages, and has no script', () => {
    const svg = barChart(CHART);
    expect(svg).toContain('Cost &amp; &lt;benefit&gt;');
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg).not.toContain('<script');
  });

  it('can be drawn of zeros', () => {
    const svg = barChart({ ...CHART, groups: [{ label: 'none', values: [0, 0] }] });
    expect(barLengths(svg)).toEqual([0, 0]);
    expect(svg).not.toContain('NaN');
  });
});
