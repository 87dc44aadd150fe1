// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseExposition } from './exposition.js';

const counter = (...samples: string[]) => ['# HELP a_total A.', '# TYPE a_total counter', ...samples, ''].join('\n');
const histogram = (...samples: string[]) => ['# HELP h H.', '# TYPE h histogram', ...samples, ''].join('\n');

describe('the strict exposition parser', () => {
  it('reads labels back as they were', () => {
    const family = parseExposition(counter('a_total{x="q\\"b\\\\n\\n"} 1.5e+3')).get('a_total');
    expect(family?.samples).toEqual([{ name: 'a_total', labels: { x: 'q"b\\n\n' }, value: 1500 }]);
  });

  it('refuses what a scraper could stumble over', () => {
    const bad: [text: string, reason: RegExp][] = [
      [counter('a_total 1', 'a_total 2'), /twice/],
      [counter('a_total{x="1",y="2"} 1', 'a_total{y="2",x="1"} 1'), /twice/],
      [counter('a_total{x="un"escaped"} 1'), /comma|label/],
      [counter('a_total{x="1" y="2"} 1'), /comma/],
      [counter('b_total 1'), /in family/],
      [counter('a_total NaNny'), /no number/],
      ['# TYPE a_total counter\na_total 1\n', /HELP/],
      [counter('a_total 1') + counter('a_total 2'), /twice/],
      ['a_total 1\n', /before any TYPE/],
      [counter('a_total 1').trimEnd(), /line end/],
      [histogram('h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 1', 'h_sum 1', 'h_count 1'), /cumulative/],
      [histogram('h_bucket{le="1"} 1', 'h_sum 1', 'h_count 1'), /\+Inf/],
      [histogram('h_bucket{le="+Inf"} 1', 'h_sum 1', 'h_count 2'), /count/],
      [histogram('h_bucket{le="+Inf"} 1', 'h_count 1'), /without sum/],
    ];
    for (const [text, reason] of bad) expect(() => parseExposition(text), text).toThrow(reason);
  });

  it('wants OpenMetrics to end with EOF and its counters with _total', () => {
    expect(() => parseExposition(counter('a_total 1'), 'openmetrics')).toThrow(/EOF/);
    expect(() => parseExposition(counter('a_total 1') + '# EOF\n', 'openmetrics')).toThrow(/in family/);
  });
});
