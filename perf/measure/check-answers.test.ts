// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Answer } from '../load/ask.js';
import { differenceOf } from './check-answers.js';

const DIRECT: Answer = {
  status: 200,
  headers: { 'content-length': '2', etag: '"1"', date: 'today', connection: 'keep-alive', 'x-upstream': '0' },
  body: 'ok',
};

function changed(headers: Record<string, string>, rest: Partial<Answer> = {}): Answer {
  return { ...DIRECT, ...rest, headers: { ...DIRECT.headers, ...headers } };
}

describe('an answer through a proxy', () => {
  it('may have its own date, server and connection headers', () => {
    expect(
      differenceOf(DIRECT, changed({ date: 'now', server: 'x', connection: 'close', via: '1.1 x' })),
    ).toBeUndefined();
  });

  it.each([
    ['another status', changed({}, { status: 502 }), 'status 502'],
    ['another body', changed({}, { body: 'no' }), 'bytes of body'],
    ['another header value', changed({ etag: '"2"' }), 'etag'],
    ['an added header', changed({ 'x-cache': 'hit' }), 'x-cache'],
    ['another upstream', changed({ 'x-upstream': '1' }), 'x-upstream'],
  ])('must not have %s', (_, proxied, words) => {
    expect(differenceOf(DIRECT, proxied)).toContain(words);
  });

  it('must have all end-to-end headers and a date', () => {
    const { etag: _etag, ...withoutEtag } = DIRECT.headers;
    const { date: _date, ...withoutDate } = DIRECT.headers;
    expect(differenceOf(DIRECT, { ...DIRECT, headers: withoutEtag })).toContain('etag');
    expect(differenceOf(DIRECT, { ...DIRECT, headers: withoutDate })).toBe('no date');
  });

  it('may come from any upstream where weights choose', () => {
    expect(differenceOf(DIRECT, changed({ 'x-upstream': '1' }), true)).toBeUndefined();
  });
});
