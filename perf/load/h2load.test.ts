// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseClosed, parseLog } from './h2load.js';

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

describe('a closed loop of h2load', () => {
  const report = (requests: string): string => `finished in 2.01s, 10.00 req/s, 1.00MB/s\nrequests: ${requests}\n`;

  it('is as many requests as were done, in the time that it took', () => {
    const done = report('20 total, 20 started, 20 done, 20 succeeded, 0 failed, 0 errored, 0 timeout');
    expect(parseClosed(done)).toEqual({ requests: 20, seconds: 2.01 });
    expect(parseClosed(done.replace('2.01s', '500.00ms')).seconds).toBeCloseTo(0.5);
  });

  it.each([
    ['failed', '20 total, 20 started, 20 done, 19 succeeded, 1 failed, 0 errored, 0 timeout'],
    ['succeeded', '20 total, 20 started, 20 done, 19 succeeded, 0 failed, 0 errored, 0 timeout'],
    ['answered', '0 total, 0 started, 0 done, 0 succeeded, 0 failed, 0 errored, 0 timeout'],
  ])('is no measurement unless all %s', (_, requests) => {
    expect(() => parseClosed(report(requests))).toThrow();
  });

  it('is no measurement when nothing was printed', () => {
    expect(() => parseClosed('could not connect')).toThrow('no figures');
  });
});
