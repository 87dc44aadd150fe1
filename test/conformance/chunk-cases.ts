// SPDX-License-Identifier: Apache-2.0
/** Chunked bodies (RFC 9112 7.1): sizes, extensions, line ends, and trailers. */
import {
  byteName,
  chunked,
  CONTROL_BYTES,
  forward,
  get,
  must,
  policy,
  refuse,
  SMUGGLED,
  valid,
  wait,
} from './message-case.js';
import type { RequestCase } from './message-case.js';

const place = must('RFC 9112 7.1');
const extension = must('RFC 9112 7.1.1');
const lineEnd = policy('RFC 9112 7.1');
const trailer = must('RFC 9112 7.1.2');
const hello = { line: 'POST /a', body: 'hello' };
const first = (sizeLine: string): string => chunked(`${sizeLine}\r\nhello\r\n0\r\n\r\n`);
const ending = (rest: string): string => chunked(`5\r\nhello\r\n0\r\n${rest}`);

export const chunkCases: readonly RequestCase[] = [
  forward(valid('RFC 9112 7.1'), 'one chunk', first('5'), hello),
  forward(valid('RFC 9112 7.1'), 'no data', chunked('0\r\n\r\n'), { line: 'POST /a', body: '' }),
  forward(
    valid('RFC 9112 7.1'),
    'a chunk of every byte',
    chunked('1\r\nh\r\n1\r\ne\r\n2\r\nll\r\n1\r\no\r\n0\r\n\r\n'),
    hello,
  ),
  forward(
    valid('RFC 9112 7.1'),
    'hexadecimal digits of both cases',
    chunked(`a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n`),
    { line: 'POST /a', body: '0123456789'.repeat(2) },
  ),
  forward(valid('RFC 9112 7.1'), 'leading zeros', first('0005'), hello),
  forward(valid('RFC 9112 7.1'), '40 leading zeros', first(`${'0'.repeat(40)}5`), hello),
  forward(valid('RFC 9112 7.1'), 'a last chunk of many zeros', chunked('5\r\nhello\r\n0000\r\n\r\n'), hello),
  forward(valid('RFC 9112 7.1'), 'data that looks like the end', chunked('5\r\n0\r\n\r\n\r\n0\r\n\r\n'), {
    line: 'POST /a',
    body: '0\r\n\r\n',
  }),
  forward(
    valid('RFC 9112 7.1'),
    'data that looks like a request',
    chunked(`${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`),
    { line: 'POST /a', body: SMUGGLED },
  ),
  forward(valid('RFC 9112 9.3'), 'a request behind the last chunk', first('5') + get(), hello, 'GET /a'),
  ...[
    '',
    ' ',
    'x',
    'g',
    'G',
    '0x5',
    '0X5',
    '5x',
    'x5',
    '5h',
    '+5',
    '-5',
    '-0',
    '-1',
    ' 5',
    '\t5',
    '5,',
    '5.0',
    '5_',
    "5'",
    '"5"',
    '=5',
    '5=',
    '5:',
    '#5',
    '5 5',
    '5 hello',
    '5\t5',
    '\\x5',
    '%35',
    '\xb5',
    '\xef\xbc\x95',
    '5\xa0',
    '\xa05',
    '5/',
    '5,a=b',
    '5&a',
  ].map((size) => refuse(place, `size ${JSON.stringify(size)}`, first(size))),
  ...[
    '20000000000000',
    '80000000000000',
    'fffffffffffffff',
    'ffffffffffffffff',
    '10000000000000005',
    '100000000000000005',
    'f'.repeat(32),
    'f'.repeat(100),
  ].map((size) => refuse(policy('RFC 9112 7.1'), `size ${size.slice(0, 20)} of ${size.length} digits`, first(size))),
  wait(place, 'a size of 2^32 and 5', first('100000005')),
  wait(place, 'a size of 2^53 - 1', first('1fffffffffffff')),
  refuse(policy('RFC 9112 7.1.1'), 'a size of 5,000 digits', first(`${'0'.repeat(5000)}5`)),
  ...[...CONTROL_BYTES].flatMap((byte) => {
    const text = String.fromCharCode(byte);
    return [
      refuse(place, `${byteName(byte)} before a size`, first(`${text}5`)),
      refuse(place, `${byteName(byte)} after a size`, first(`5${text}`)),
      refuse(extension, `${byteName(byte)} in an extension`, first(`5;a${text}=b`)),
      refuse(extension, `${byteName(byte)} in a quoted extension`, first(`5;a="${text}"`)),
      refuse(place, `${byteName(byte)} after data`, chunked(`5\r\nhello${text}\r\n0\r\n\r\n`)),
    ];
  }),
  ...[
    ';a',
    ';a=b',
    ';a="b"',
    ';a="b;c, d"',
    ';a="b\\"c"',
    '; a = b',
    ' ;a',
    '\t;\ta\t=\tb',
    ';a;b;c',
    ';a=b;c="d"',
  ].map((text) => forward(valid('RFC 9112 7.1.1'), `extension ${JSON.stringify(text)}`, first(`5${text}`), hello)),
  forward(valid('RFC 9112 7.1.1'), 'an extension of the last chunk', chunked('5\r\nhello\r\n0;a=b\r\n\r\n'), hello),
  refuse(policy('RFC 9112 7.1.1'), 'an extension of 5,000 bytes', first(`5;${'a'.repeat(5000)}`)),
  refuse(policy('RFC 9112 7.1.1'), 'white space after a size', first('5 ')),
  refuse(policy('RFC 9112 7.1.1'), 'a tab after a size', first('5\t')),
  ...[
    '\n',
    '\r',
    '\n\r',
    '\r\r\n',
    '\n\n',
    '\r\r',
    '',
    '\t\r\n',
    ' \r\n',
    ';\n',
    ';a\n',
    ';a="\n"\r\n',
    ';a\r',
    ';\r\r\n',
  ].map((end) => refuse(lineEnd, `${JSON.stringify(end)} ends a size`, chunked(`5${end}hello\r\n0\r\n\r\n`))),
  ...['\n', '\r', '\n\r', '\r\r\n', '', 'x', 'x\r\n', ' \r\n', '\r\n\r\n', '\r\n\n', '\n\r\n'].map((end) =>
    refuse(lineEnd, `${JSON.stringify(end)} ends data`, chunked(`5\r\nhello${end}0\r\n\r\n`)),
  ),
  ...['\n', '\r', '\n\r', '\r\r\n', '\n\n'].map((end) =>
    refuse(lineEnd, `${JSON.stringify(end)} ends the last size`, chunked(`5\r\nhello\r\n0${end}\r\n`)),
  ),
  refuse(place, 'more data than the size says', chunked('5\r\nhello, world\r\n0\r\n\r\n')),
  refuse(place, 'less data than the size says', chunked('6\r\nhello\r\n0\r\n\r\n')),
  refuse(
    extension,
    'an extension whose LF hides a request',
    chunked(`2;\nxx\r\n${SMUGGLED.length.toString(16)}\r\n0\r\n\r\n${SMUGGLED}`),
  ),
  refuse(place, 'a size whose CR hides a request', chunked(`5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n${SMUGGLED}`)),
  refuse(place, 'a request instead of a size', chunked(SMUGGLED)),
  wait(place, 'no last chunk', chunked('5\r\nhello\r\n')),
  wait(place, 'data that is not complete', chunked('5\r\nhel')),
  wait(place, 'no bytes at all', chunked('')),
  wait(place, 'no end of the trailers', ending('')),
];

export const trailerCases: readonly RequestCase[] = [
  ...['X-A: b', 'X-A:', 'X-A: \xe9', 'x-a:\tb\t', "!#$%&'*+-.^_`|~: b"].map((line) =>
    forward(valid('RFC 9112 7.1.2'), `trailer ${JSON.stringify(line)}`, ending(`${line}\r\n\r\n`), hello),
  ),
  forward(valid('RFC 9112 7.1.2'), 'several trailers', ending('X-A: b\r\nX-A: c\r\nX-D: e\r\n\r\n'), hello),
  forward(valid('RFC 9112 7.1.2'), 'a request behind trailers', ending('X-A: b\r\n\r\n') + get(), hello, 'GET /a'),
  ...['Content-Length: 5', 'Transfer-Encoding: chunked', 'Host: other.example', 'Connection: close'].map((line) =>
    forward(policy('RFC 9110 6.5.1'), `${line} as trailer is not taken`, ending(`${line}\r\n\r\n`), {
      ...hello,
      host: 'web.example',
      fields: { 'transfer-encoding': 'chunked', 'content-length': null },
    }),
  ),
  ...[
    'X A: b',
    ' X-A: b',
    '\tX-A: b',
    'X-A : b',
    ': b',
    'X-A',
    'X-A: b\r\n c',
    'X-A: b\r\n\tc',
    '(: b',
    '\xe9: b',
    'GET /smuggled HTTP/1.1',
  ].map((line) => refuse(trailer, `trailer ${JSON.stringify(line)}`, ending(`${line}\r\n\r\n`))),
  ...CONTROL_BYTES.flatMap((byte) => {
    const text = String.fromCharCode(byte);
    return [
      refuse(trailer, `${byteName(byte)} in a trailer's name`, ending(`X${text}A: b\r\n\r\n`)),
      refuse(trailer, `${byteName(byte)} in a trailer's value`, ending(`X-A: ${text}\r\n\r\n`)),
      refuse(trailer, `${byteName(byte)} instead of a trailer`, ending(`${text}\r\n\r\n`)),
    ];
  }),
  ...['\n', '\r', '\n\r', '\r\r\n'].flatMap((end) => [
    refuse(lineEnd, `${JSON.stringify(end)} ends a trailer`, ending(`X-A: b${end}X-B: c\r\n\r\n`)),
    refuse(lineEnd, `${JSON.stringify(end)} ends the trailers`, ending(`X-A: b\r\n${end}X\r\n`)),
  ]),
  refuse(lineEnd, 'LF ends the message', ending('\n')),
  refuse(policy('RFC 9112 7.1.2'), 'trailers of 9,000 bytes', ending(`X-A: ${'b'.repeat(9000)}\r\n\r\n`)),
  refuse(trailer, 'a request instead of the empty line', ending(`X${SMUGGLED}`)),
];
