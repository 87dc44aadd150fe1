// SPDX-License-Identifier: Apache-2.0
/** Transfer-Encoding (RFC 9112 6.1, 6.3): exactly one final `chunked`, never beside Content-Length. */
import {
  byteName,
  CONTROL_BYTES,
  forward,
  head,
  HOST,
  must,
  policy,
  post,
  refuse,
  SMUGGLED,
  valid,
} from './message-case.js';
import type { RequestCase } from './message-case.js';

const place = must('RFC 9112 6.1');
const BODY = '5\r\nhello\r\n0\r\n\r\n';
const coded = (coding: string): string => post([`Transfer-Encoding: ${coding}`], BODY);
const taken = { line: 'POST /a', body: 'hello', fields: { 'transfer-encoding': 'chunked', 'content-length': null } };
const clTe = (...fields: readonly string[]): string => post(fields, `0\r\n\r\n${SMUGGLED}`);

export const transferCodingCases: readonly RequestCase[] = [
  ...['chunked', 'CHUNKED', 'Chunked', 'cHuNkEd', '\tchunked', 'chunked \t '].map((coding) =>
    forward(valid('RFC 9112 7'), `coding ${JSON.stringify(coding)}`, coded(coding), taken),
  ),
  forward(valid('RFC 9112 7'), 'a name in other letters', post(['tRANSFER-eNCODING: chunked'], BODY), taken),
  ...[
    ...[
      '',
      ',',
      ' , ',
      ',chunked',
      'chunked,',
      ', chunked',
      'chunked,,',
      'chunked, chunked',
      'chunked,chunked',
      'chunked chunked',
      'chunked\tchunked',
    ],
    ...[
      'gzip',
      'gzip, chunked',
      'gzip,chunked',
      'chunked, gzip',
      'deflate',
      'compress',
      'br, chunked',
      'identity',
      'identity, chunked',
      'chunked, identity',
      'trailers',
      'x, chunked',
      'chunked, x',
    ],
    ...[
      'chunke',
      'chunkedd',
      'xchunked',
      'x-chunked',
      'chunked-x',
      'chunk',
      'chun ked',
      'chunk\ted',
      'c hunked',
      '-chunked',
      'chunked.',
      'chunked:',
      ':chunked',
    ],
    ...[
      'chunked;',
      'chunked; q=1',
      'chunked;q=0',
      'chunked ;x=y',
      ';chunked',
      'chunked="a"',
      '"chunked"',
      "'chunked'",
      '"chunked',
      '(chunked)',
      '[chunked]',
      'chunked\\',
      '%63hunked',
      'chunked#',
    ],
    ...[
      'chunked\xa0',
      '\xa0chunked',
      '\xefchunked',
      'chun\xe2\x84\xaaed',
      'chun\xc4\xb1ked',
      '\x85chunked',
      '\xef\xbb\xbfchunked',
      '0',
      '1',
      'null',
      'true',
    ],
  ].map((coding) => refuse(place, `coding ${JSON.stringify(coding)}`, coded(coding))),
  ...CONTROL_BYTES.flatMap((byte) => {
    const text = String.fromCharCode(byte);
    return [
      refuse(place, `${byteName(byte)} before the coding`, coded(`${text}chunked`)),
      refuse(place, `${byteName(byte)} after the coding`, coded(`chunked${text}`)),
      refuse(place, `${byteName(byte)} in the coding`, coded(`chun${text}ked`)),
    ];
  }),
  ...[
    ['chunked', 'chunked'],
    ['chunked', 'identity'],
    ['identity', 'chunked'],
    ['gzip', 'chunked'],
    ['chunked', 'x'],
    ['x', 'chunked'],
    ['chunked', ''],
    ['', 'chunked'],
  ].map(([first, second]) =>
    refuse(
      place,
      `two lines, ${JSON.stringify(first)} and ${JSON.stringify(second)}`,
      post([`Transfer-Encoding: ${first}`, `Transfer-Encoding: ${second}`], BODY),
    ),
  ),
  refuse(place, 'a length before the coding', clTe('Content-Length: 5', 'Transfer-Encoding: chunked')),
  refuse(place, 'a length after the coding', clTe('Transfer-Encoding: chunked', 'Content-Length: 5')),
  refuse(place, 'a length of 0 beside the coding', clTe('Content-Length: 0', 'Transfer-Encoding: chunked')),
  refuse(place, 'a wrong length beside the coding', clTe('Content-Length: x', 'Transfer-Encoding: chunked')),
  refuse(place, 'an empty length beside the coding', clTe('Content-Length:', 'Transfer-Encoding: chunked')),
  refuse(place, 'a length beside an unknown coding', clTe('Content-Length: 5', 'Transfer-Encoding: xchunked')),
  refuse(place, 'a length beside an empty coding', clTe('Content-Length: 5', 'Transfer-Encoding:')),
  refuse(
    place,
    'a length beside a coding with a vertical tab',
    clTe('Content-Length: 5', 'Transfer-Encoding:\x0bchunked'),
  ),
  refuse(
    place,
    'a length that Connection names beside the coding',
    clTe('Connection: Content-Length', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
  ),
  refuse(
    place,
    'a coding that Connection names beside a length',
    clTe('Connection: Transfer-Encoding', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
  ),
  forward(
    policy('RFC 9110 7.6.1'),
    'a coding that Connection names',
    post(['Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'], BODY),
    taken,
  ),
  refuse(place, 'a space before the colon', post(['Transfer-Encoding : chunked'], BODY)),
  refuse(place, 'a space before the name', post([' Transfer-Encoding: chunked'], BODY)),
  refuse(place, 'no colon', post(['Transfer-Encoding chunked'], BODY)),
  refuse(
    place,
    'no line end before the next field',
    head('POST /a HTTP/1.1', HOST, 'X: y\nTransfer-Encoding: chunked') + BODY,
  ),
  refuse(
    policy('RFC 9112 6.1'),
    'chunks in HTTP/1.0',
    head('POST /a HTTP/1.0', HOST, 'Transfer-Encoding: chunked') + BODY,
  ),
  refuse(
    policy('RFC 9112 6.1'),
    'chunks in HTTP/1.0 that keeps its connection',
    head('POST /a HTTP/1.0', HOST, 'Connection: keep-alive', 'Transfer-Encoding: chunked') + BODY,
  ),
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS'].map((method) =>
    forward(
      valid('RFC 9110 9.3'),
      `chunks of ${method}`,
      head(`${method} /a HTTP/1.1`, HOST, 'Transfer-Encoding: chunked') + BODY,
      { line: `${method} /a`, body: 'hello' },
    ),
  ),
];
