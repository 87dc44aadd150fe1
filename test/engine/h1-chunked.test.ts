// SPDX-License-Identifier: Apache-2.0
/** decodeChunked against RFC 9112 7.1, and fed in pieces. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { BareEngine, builds } from '../support/bare-engine.js';

const CONNECTION = 1;

const refused: Record<string, string> = {
  'hex prefix': '0x5\r\nhello\r\n0\r\n\r\n',
  plus: '+5\r\nhello\r\n0\r\n\r\n',
  minus: '-5\r\nhello\r\n0\r\n\r\n',
  'leading tab': '\t5\r\nhello\r\n0\r\n\r\n',
  'junk after the size': '5these\r\nhello\r\n0\r\n\r\n',
  'empty size': '\r\nhello\r\n0\r\n\r\n',
  'no hex': 'xyz\r\nhello\r\n0\r\n\r\n',
  dot: '5.0\r\nhello\r\n0\r\n\r\n',
  'space after the size': '5 \r\nhello\r\n0\r\n\r\n',
  'no CRLF after data': '5\r\nhello0\r\n\r\n',
  'more data than said': '5\r\nhello!!\r\n0\r\n\r\n',
  'lone LF after the size': '5\nhello\r\n0\r\n\r\n',
  'lone LF after data': '5\r\nhello\n0\r\n\r\n',
  'lone LF after the last size': '5\r\nhello\r\n0\n\r\n',
  'lone LF after the trailers': '5\r\nhello\r\n0\r\n\n',
  'bare CR after the size': '5\rhello\r\n0\r\n\r\n',
  'LF in extension': '2;\nxx\r\n32\r\n0\r\n\r\n',
  'CR in extension': '5;a\rb\r\nhello\r\n0\r\n\r\n',
  'NUL in extension': '5;a\0b\r\nhello\r\n0\r\n\r\n',
  'CR CR after the size': '5\r\r;ABCD\r\n34\r\n',
  'size above 2^53': '20000000000000\r\n',
  'size above 2^64': '10000000000000005\r\nhello\r\n0\r\n\r\n',
  'extension without end': `5;${'a'.repeat(5000)}`,
  'zeros without end': '0'.repeat(5000),
  'NUL in trailer': '0\r\nX-A: b\0c\r\n\r\n',
  'trailer without colon': '0\r\nX-A\r\n\r\n',
  'trailer with obs-fold': '0\r\nX-A: b\r\n c\r\n\r\n',
  'trailer with space before colon': '0\r\nX-A : b\r\n\r\n',
  'trailers without end': `0\r\n${'X-A: b\r\n'.repeat(2000)}`,
};

interface Decoded {
  readonly payload: string;
  readonly consumed: number;
  readonly done: boolean;
}

describe.each(builds)('decodeChunked in %s', (build) => {
  const engine = new BareEngine(build);

  const decode = (input: string): Decoded | number => {
    const offset = engine.write(input, engine.at(layout.SLAB_READ));
    const length = engine.calls.decodeChunked(CONNECTION, offset, input.length);
    if (length < 0) return length;
    const done = engine.result(layout.RESULT_DONE) === 1;
    return { payload: engine.text(offset, length), consumed: engine.result(layout.RESULT_CONSUMED), done };
  };
  const decodeFirst = (input: string): Decoded | number => {
    engine.resetConnection(CONNECTION);
    return decode(input);
  };

  it.each(Object.entries(refused))('refuses, and stays refusing: %s', (_name, input) => {
    expect(decodeFirst(input)).toBe(layout.FAILURE_UPSTREAM_PROTOCOL);
    expect(decode('5\r\nhello\r\n')).toBe(layout.FAILURE_UPSTREAM_PROTOCOL);
  });

  it.each([
    ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['0\r\n\r\n', ''],
    ['000A\r\n0123456789\r\na\r\n0123456789\r\n00\r\n\r\n', '01234567890123456789'],
    ['5;a="x; y\\"z";b\r\nhello\r\n0;c\r\n\r\n', 'hello'],
    ['5 ; a = b\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['5\r\nhello\r\n0\r\nX-Checksum: 1\r\nTransfer-Encoding: gzip\r\n\r\n', 'hello'],
    ['5\r\n\r\n0\r\n\r\n0\r\n\r\n', '\r\n0\r\n'],
  ])('decodes %j', (input, payload) => {
    expect(decodeFirst(input)).toEqual({ payload, consumed: input.length, done: true });
  });

  it.each([1, 2, 3, 5, 100])('tells where the trailers lie in pieces of %d bytes', (size) => {
    const input = '5\r\nhello\r\n0 ; a = "b\\";c: d" ;e\r\nX-A: 1\r\nx-b: 2\r\n\r\n';
    engine.resetConnection(CONNECTION);
    let trailers = '';
    for (let start = 0; start < input.length; start += size) {
      decode(input.slice(start, start + size));
      const length = engine.result(layout.RESULT_TRAILERS_LENGTH);
      if (length > 0) trailers += engine.text(engine.result(layout.RESULT_TRAILERS_OFFSET), length);
    }
    expect(trailers).toBe('X-A: 1\r\nx-b: 2\r\n\r\n');
    decode('1\r\na\r\n');
    expect(engine.result(layout.RESULT_TRAILERS_LENGTH)).toBe(0);
  });

  it('stops at the end of the message and is ready for the next', () => {
    const first = '3\r\nabc\r\n0\r\n\r\n';
    expect(decodeFirst(`${first}GET / HTTP/1.1`)).toEqual({ payload: 'abc', consumed: first.length, done: true });
    expect(decode('2\r\nde\r\n0\r\n\r\n')).toMatchObject({ payload: 'de', done: true });
  });

  it('does not take 2^32 + 5 for 5', () => {
    expect(decodeFirst('100000005\r\nhello\r\n0\r\n\r\n')).toMatchObject({
      payload: 'hello\r\n0\r\n\r\n',
      done: false,
    });
  });

  const chunk = fc.record({
    data: fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }),
    extension: fc.constantFrom('', ';a', ' ;a=b', ';q="x\\"y"'),
    upper: fc.boolean(),
  });

  it('gives the same payload however the input is cut', () => {
    const bodies = fc.tuple(fc.array(chunk, { maxLength: 6 }), fc.constantFrom('', 'X-T: 1\r\n'), fc.string());
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 12 }), ([chunks, trailers, rest], cuts) => {
        const size = (text: string, upper: boolean): string => {
          const digits = text.length.toString(16);
          return upper ? digits.toUpperCase() : digits;
        };
        const lines = chunks.map((part) => `${size(part.data, part.upper)}${part.extension}\r\n${part.data}\r\n`);
        const message = `${lines.join('')}0\r\n${trailers}\r\n`;
        const next = Buffer.from(rest, 'utf8').toString('latin1');
        const input = message + next;
        const places = [...cuts.map((cut) => cut % (input.length + 1)), input.length].sort((a, b) => a - b);
        engine.resetConnection(CONNECTION);
        let payload = '';
        let consumed = 0;
        let done = false;
        for (const place of places) {
          if (done || place <= consumed) continue;
          const piece = decode(input.slice(consumed, place));
          if (typeof piece === 'number') throw new Error(`refused with ${piece}`);
          payload += piece.payload;
          consumed += piece.consumed;
          done = piece.done;
        }
        expect(payload).toBe(chunks.map((part) => part.data).join(''));
        expect(done).toBe(true);
        expect(consumed).toBe(message.length);
      }),
      { numRuns: 300 },
    );
  });
});
