// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseLog } from './h2load.js';

/** 1,000 requests, one each millisecond, that take 1..1,000 µs. */
const LINES = Array.from({ length: 1000 }, (_, index) => `${1_700_000_000_000_000 + index * 1000}\t200\t${index + 1}`);

describe('a log of requests', () => {
  it('gives percentiles and the rate of sending', () => {
    const figures = parseLog(`${LINES.join('\n')}\n`);
    expect(figures).toMatchObject({ requests: 1000, p50Us: 500, p90Us: 900, p99Us: 990, p999Us: 999 });
    expect(figures.ratePerSecond).toBeCloseTo(1000);
  });

  it('is no measurement with a failed request, or without any', () => {
    expect(() => parseLog([...LINES, '1700000000000000\t503\t9'].join('\n'))).toThrow('status 503');
    expect(() => parseLog([...LINES, '1700000000000000\t-1\t9'].join('\n'))).toThrow('status -1');
    expect(() => parseLog('')).toThrow('no request was answered');
    expect(() => parseLog('1700000000000000\t200\n')).toThrow('not a line');
  });
});
