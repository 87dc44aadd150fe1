// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { countRequests, newFraming } from './framing.js';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789';
const CHUNKED = 'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n';
const EMPTY_CHUNKED = 'POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';

describe('the origin counts requests', () => {
  it.each([
    ['of one chunk', GET, 1],
    ['that are pipelined', GET + GET + GET, 3],
    ['with a body of known length', POST + GET, 2],
    ['with a chunked body', CHUNKED + GET, 2],
    ['with an empty chunked body', EMPTY_CHUNKED + GET, 2],
    ['with the length 0', 'POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\n' + GET, 2],
  ])('%s, cut anywhere', (_, text, expected) => {
    for (let cut = 0; cut <= text.length; cut++) {
      const framing = newFraming();
      const first = countRequests(framing, Buffer.from(text.slice(0, cut)));
      const second = countRequests(framing, Buffer.from(text.slice(cut)));
      expect(first + second, `cut at ${cut}`).toBe(expected);
    }
  });

  it('not before the last byte of a body', () => {
    expect(countRequests(newFraming(), Buffer.from(POST.slice(0, -1)))).toBe(0);
  });
});
