// SPDX-License-Identifier: Apache-2.0
/** Responses of upstreams that are hostile, broken or merely unusual (RFC 9112 4, 6.3, 7, 8). */
import { byteName, CONTROL_BYTES } from './message-case.js';
import { badGateway, breakOff, chunks, deliver, hello, respond } from './response-case.js';
import type { ResponseCase } from './response-case.js';

const OK = 'HTTP/1.1 200 OK';
const SECOND = respond(['Content-Length: 8'], 'smuggled');
const sized = (length: string): string => respond([`Content-Length: ${length}`], 'hello');
const coded = (coding: string): string => respond([`Transfer-Encoding: ${coding}`], '5\r\nhello\r\n0\r\n\r\n');
const unreadable = (section: string, name: string, bytes: string): ResponseCase =>
  badGateway(section, name, bytes, { closes: true });

const statusLines: readonly ResponseCase[] = [
  deliver('RFC 9112 4', 'a plain answer', hello(OK)),
  deliver('RFC 9112 4', 'no reason', hello('HTTP/1.1 200 ')),
  deliver('RFC 9112 4', 'no reason and no space', hello('HTTP/1.1 200'), { level: 'policy' }),
  deliver('RFC 9112 4', 'a reason of bytes beyond ASCII', hello('HTTP/1.1 200 \xe9t\xe9')),
  deliver('RFC 9112 4', 'a reason of several words', hello('HTTP/1.1 200 All is  well:\t1/2')),
  deliver('RFC 9112 2.3', 'HTTP/1.0', hello('HTTP/1.0 200 OK')),
  ...['100 Continue', '101 Switching Protocols', '103 Early Hints'].map((status) =>
    unreadable('RFC 9110 15.2', `${status} of HTTP/1.0`, `HTTP/1.0 ${status}\r\n\r\n${hello(OK)}`),
  ),
  deliver('RFC 9110 15', 'an unknown status', hello('HTTP/1.1 299 X'), { status: 299 }),
  deliver('RFC 9110 15', 'a status beyond the classes', hello('HTTP/1.1 799 X'), { status: 799, level: 'policy' }),
  ...['099', '000', '20', '2', '2000', '20x', 'x00', '-20', '+20', '2.0', ' 200', '\xb200', '0200', '', 'OK'].map(
    (status) => unreadable('RFC 9112 4', `status ${JSON.stringify(status)}`, hello(`HTTP/1.1 ${status} OK`)),
  ),
  ...[
    'HTTP/2.0',
    'HTTP/1.2',
    'HTTP/0.9',
    'HTTP/1',
    'HTTP/1.',
    'HTTP/11',
    'HTTP/1.11',
    'HTTP/01.1',
    'http/1.1',
    'HTTP 1.1',
    'HTTPS/1.1',
    'ICY',
    'RTSP/1.0',
    ' HTTP/1.1',
    '\tHTTP/1.1',
    '',
  ].map((version) => unreadable('RFC 9112 2.3', `version ${JSON.stringify(version)}`, hello(`${version} 200 OK`))),
  ...['  ', '\t', '\x0b', ''].flatMap((space) => [
    unreadable('RFC 9112 4', `${JSON.stringify(space)} before the status`, hello(`HTTP/1.1${space}200 OK`)),
    unreadable(
      'RFC 9112 4',
      `${JSON.stringify(space)} and letters after the status`,
      hello(`HTTP/1.1 200${space === '  ' ? 'x' : space}OK`),
    ),
  ]),
  ...CONTROL_BYTES.flatMap((byte) => [
    unreadable('RFC 9112 4', `${byteName(byte)} in the reason`, hello(`HTTP/1.1 200 O${String.fromCharCode(byte)}K`)),
    unreadable(
      'RFC 9112 4',
      `${byteName(byte)} before the version`,
      hello(`${String.fromCharCode(byte)}HTTP/1.1 200 OK`),
    ),
  ]),
  unreadable('RFC 9112 2', 'a page without a head (HTTP/0.9)', '<html>hello</html>'),
  unreadable('RFC 9112 2.2', 'an empty line before the status line', `\r\n${hello(OK)}`),
  unreadable('RFC 9112 2', 'a request', 'GET / HTTP/1.1\r\nHost: web.example\r\n\r\n'),
];

const fields: readonly ResponseCase[] = [
  deliver('RFC 9110 5.5', 'values with bytes beyond ASCII', hello(OK, 'X-A: \xe9\xff'), {
    fields: { 'x-a': '\xe9\xff' },
  }),
  deliver('RFC 9110 5.5', 'an empty value', hello(OK, 'X-A:'), { fields: { 'x-a': '' } }),
  deliver('RFC 9110 5.5', 'white space around a value', hello(OK, 'X-A: \t b \t'), { fields: { 'x-a': 'b' } }),
  deliver('RFC 9110 7.6.1', 'fields that Connection names', hello(OK, 'Connection: X-A', 'X-A: b'), {
    fields: { 'x-a': null, connection: null },
  }),
  deliver('RFC 9110 7.6.1', 'fields of the hop', hello(OK, 'Keep-Alive: timeout=5', 'Proxy-Connection: close'), {
    fields: { 'keep-alive': null, 'proxy-connection': null },
  }),
  ...[
    'X A: b',
    'X-A : b',
    ' X-A: b',
    '\tX-A: b',
    ': b',
    'X-A',
    '(: b',
    'X\xe9: b',
    'Content-Length : 5',
    ' Content-Length: 5',
  ].map((line) => unreadable('RFC 9112 5.1', `field ${JSON.stringify(line)}`, hello(OK, line))),
  ...[' ', '\t'].flatMap((space) => [
    unreadable('RFC 9112 5.2', `a folded line with ${JSON.stringify(space)}`, hello(OK, 'X-A: b', `${space}c`)),
    unreadable(
      'RFC 9112 5.2',
      `a folded length with ${JSON.stringify(space)}`,
      respond(['Content-Length:', `${space}5`], 'hello'),
    ),
  ]),
  ...CONTROL_BYTES.flatMap((byte) => [
    unreadable('RFC 9110 5.5', `${byteName(byte)} in a value`, hello(OK, `X-A: b${String.fromCharCode(byte)}c`)),
    unreadable('RFC 9110 5.1', `${byteName(byte)} in a name`, hello(OK, `X${String.fromCharCode(byte)}A: b`)),
  ]),
  ...['\n', '\r', '\n\r', '\r\r\n'].flatMap((end) => [
    unreadable(
      'RFC 9112 2.2',
      `${JSON.stringify(end)} ends the status line`,
      `${OK}${end}Content-Length: 5\r\n\r\nhello`,
    ),
    unreadable(
      'RFC 9112 2.2',
      `${JSON.stringify(end)} ends a field`,
      `${OK}\r\nX-A: b${end}Content-Length: 5\r\n\r\nhello`,
    ),
    unreadable('RFC 9112 2.2', `${JSON.stringify(end)} ends the head`, `${OK}\r\nContent-Length: 5\r\n${end}hello`),
  ]),
  unreadable('RFC 9112 2.2', 'LF everywhere', `${OK}\nContent-Length: 5\n\nhello`),
  unreadable('RFC 6585 5', '200 fields', hello(OK, ...Array.from({ length: 200 }, (_, index) => `X-${index}: y`))),
  unreadable('RFC 6585 5', 'a head without an end', `${OK}\r\nX-A: ${'v'.repeat(100_000)}`),
];

const framing: readonly ResponseCase[] = [
  deliver('RFC 9112 6.3', 'a body that ends with the connection', respond(['X-A: b'], 'hello'), { closes: true }),
  deliver('RFC 9112 6.3', 'an empty body', respond(['Content-Length: 0'], ''), { body: '' }),
  deliver('RFC 9112 6.3', 'a length with leading zeros', sized('005'), {
    fields: { 'content-length': '5' },
    level: 'policy',
  }),
  ...[
    '',
    'x',
    '+5',
    '-5',
    '0x5',
    '5 5',
    '5,5',
    '5, 5',
    '5,6',
    '5;',
    '5.0',
    '"5"',
    '5Z',
    '\xb2',
    ',5',
    '5,',
    '9007199254740992',
    '18446744073709551621',
    '9'.repeat(40),
  ].map((length) => unreadable('RFC 9112 6.3', `Content-Length ${JSON.stringify(length)}`, sized(length))),
  ...[
    ['5', '6'],
    ['5', '5'],
    ['0', '5'],
    ['5', ''],
    ['x', '5'],
  ].map(([first, second]) =>
    unreadable(
      'RFC 9112 6.3',
      `two lengths, ${JSON.stringify(first)} and ${JSON.stringify(second)}`,
      respond([`Content-Length: ${first}`, `Content-Length: ${second}`], 'hello'),
    ),
  ),
  ...[
    'Content-Length: 5|Transfer-Encoding: chunked',
    'Transfer-Encoding: chunked|Content-Length: 5',
    'Content-Length: 0|Transfer-Encoding: chunked',
    'Content-Length: 2|Transfer-Encoding: gzip',
  ].map((pair) => unreadable('RFC 9112 6.3', pair, respond(pair.split('|'), '5\r\nhello\r\n0\r\n\r\n'))),
  ...[
    'gzip',
    'gzip, chunked',
    'chunked, gzip',
    'identity',
    'xchunked',
    'chunked, chunked',
    'chunked;a',
    '"chunked"',
    '',
    ',chunked',
    'chunked,',
    '\x0bchunked',
    'chunk',
    'chun\xe2\x84\xaaed',
  ].map((coding) => unreadable('RFC 9112 6.1', `Transfer-Encoding ${JSON.stringify(coding)}`, coded(coding))),
  unreadable(
    'RFC 9112 6.1',
    'two codings',
    respond(['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], '0\r\n\r\n'),
  ),
  unreadable(
    'RFC 9112 6.1',
    'chunks in HTTP/1.0',
    respond(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n', 'HTTP/1.0 200 OK'),
  ),
  deliver('RFC 9112 6.3', 'a second answer behind the first', sized('5') + SECOND),
  deliver('RFC 9112 6.3', 'an answer of 1xx behind the answer', `${sized('5')}HTTP/1.1 100 Continue\r\n\r\n${SECOND}`),
  deliver('RFC 9110 15.3.6', '205 with a body', hello('HTTP/1.1 205 Reset Content'), { status: 205, level: 'policy' }),
  deliver(
    'RFC 9112 6.3',
    'a length that Connection names',
    respond(['Connection: content-length', 'Content-Length: 5'], `hello${SECOND}`),
  ),
  deliver(
    'RFC 9112 6.3',
    'a coding that Connection names',
    respond(['Connection: transfer-encoding', 'Transfer-Encoding: chunked'], `5\r\nhello\r\n0\r\n\r\n${SECOND}`),
  ),
  unreadable('RFC 9112 2.2', 'an empty line before the answer', `\r\n${hello(OK)}`),
  unreadable('RFC 9112 4', 'a body without a head', 'hello'),
  unreadable('RFC 9112 4', 'a request instead of an answer', 'GET /smuggled HTTP/1.1\r\nHost: web.example\r\n\r\n'),
  unreadable('RFC 9113 3.4', 'settings of HTTP/2', '\x00\x00\x00\x04\x00\x00\x00\x00\x00'),
  unreadable('RFC 8446 5.1', 'an alert of TLS', '\x15\x03\x01\x00\x02\x02\x46'),
  deliver('RFC 9112 6.3', 'bytes behind the answer', `${sized('5')}x`),
  deliver('RFC 9112 6.3', 'a second answer behind the last chunk', coded('chunked') + SECOND),
  ...['204 No Content', '304 Not Modified'].flatMap((status) => {
    const details = { status: Number(status.slice(0, 3)), body: '' };
    return [
      deliver('RFC 9112 6.3', `${status}`, respond(['X-A: b'], '', `HTTP/1.1 ${status}`), details),
      deliver('RFC 9112 6.3', `${status} with a body`, hello(`HTTP/1.1 ${status}`), details),
      deliver(
        'RFC 9112 6.3',
        `${status} with chunks`,
        respond(['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n\r\n', `HTTP/1.1 ${status}`),
        details,
      ),
      deliver(
        'RFC 9112 6.3',
        `${status} with another answer`,
        respond(['X-A: b'], SECOND, `HTTP/1.1 ${status}`),
        details,
      ),
    ];
  }),
  deliver('RFC 9110 9.3.2', 'HEAD with a length', respond(['Content-Length: 1000'], ''), {
    method: 'HEAD',
    body: '',
    fields: { 'content-length': '1000' },
  }),
  deliver('RFC 9110 9.3.2', 'HEAD with chunks announced', respond(['Transfer-Encoding: chunked'], ''), {
    method: 'HEAD',
    body: '',
  }),
  deliver('RFC 9110 9.3.2', 'HEAD with a body', SECOND, { method: 'HEAD', body: '' }),
  deliver('RFC 9110 9.3.2', 'HEAD with a chunked body', coded('chunked'), { method: 'HEAD', body: '' }),
  breakOff('RFC 9112 8', 'a body that is shorter than its length', sized('10'), { closes: true }),
  badGateway('RFC 9112 8', 'a head that is not complete', `${OK}\r\nContent-Length: 5\r\nX-A: `, {
    closes: true,
    status: 503,
  }),
];

const chunked: readonly ResponseCase[] = [
  deliver('RFC 9112 7.1', 'chunks', coded('chunked')),
  deliver('RFC 9112 7.1', 'an extension', chunks('5;a="b;\\"c"\r\nhello\r\n0;d\r\n\r\n')),
  deliver('RFC 9112 7.1.2', 'trailers', chunks('5\r\nhello\r\n0\r\nX-A: b\r\nContent-Length: 7\r\n\r\n')),
  ...[
    '5\nhello\r\n0\r\n\r\n',
    '5\r\nhello\n0\r\n\r\n',
    '5\r\nhello0\r\n\r\n',
    '5\r\nhello\r\n0\n\r\n',
    '5\r\nhello\r\n0\r\n\n',
    '5 \r\nhello\r\n0\r\n\r\n',
    '0x5\r\nhello\r\n0\r\n\r\n',
  ].map((body) => breakOff('RFC 9112 7.1', `chunks ${JSON.stringify(body)}`, chunks(body), { level: 'policy' })),
  ...[
    'g\r\n',
    '-5\r\nhello\r\n',
    '\r\n',
    '5\r\nhelloX\r\n',
    '6\r\nhello\r\n0\r\n\r\n',
    'fffffffffffffffff\r\nhello',
    '5;\x00\r\nhello\r\n',
    '5\r\nhello\r\n0\r\nX A: b\r\n\r\n',
    '5\r\nhello\r\n0\r\nX-A: \x00\r\n\r\n',
    `5\r\nhello\r\nHTTP/1.1 200 OK\r\n`,
  ].map((body) => breakOff('RFC 9112 7.1', `chunks ${JSON.stringify(body)}`, chunks(body))),
  breakOff('RFC 9112 8', 'no last chunk', chunks('5\r\nhello\r\n'), { closes: true }),
  breakOff('RFC 9112 8', 'a chunk that is not complete', chunks('5\r\nhel'), { closes: true }),
  breakOff('RFC 9112 8', 'no end of the trailers', chunks('5\r\nhello\r\n0\r\n'), { closes: true }),
];

const interim: readonly ResponseCase[] = [
  deliver('RFC 9110 15.2', 'a hint before the answer', `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${hello(OK)}`, {
    interim: [103],
  }),
  deliver('RFC 9110 15.2', 'two of them', `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 X\r\n\r\n${hello(OK)}`, {
    interim: [102, 103],
  }),
  deliver('RFC 9110 15.2.1', '100 that was not asked for', `HTTP/1.1 100 Continue\r\n\r\n${hello(OK)}`),
  deliver('RFC 9110 15.2', 'a length of an interim answer', `HTTP/1.1 103 X\r\nContent-Length: 5\r\n\r\n${hello(OK)}`, {
    interim: [103],
  }),
  deliver(
    'RFC 9110 15.2',
    'chunks announced by an interim answer',
    `HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n${hello(OK)}`,
    {
      interim: [103],
    },
  ),
  badGateway(
    'RFC 9110 15.2',
    'chunks of an interim answer',
    `HTTP/1.1 103 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hello(OK)}`,
    { closes: true, interim: [103] },
  ),
  badGateway(
    'RFC 9110 15.2',
    'a body of an interim answer',
    `HTTP/1.1 103 X\r\nContent-Length: 5\r\n\r\nhello${hello(OK)}`,
    { closes: true, interim: [103] },
  ),
  unreadable(
    'RFC 9110 15.2',
    'two lengths of an interim answer',
    `HTTP/1.1 103 X\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n${hello(OK)}`,
  ),
  badGateway('RFC 9112 2.2', 'an empty line behind an interim answer', `HTTP/1.1 103 X\r\n\r\n\r\n${hello(OK)}`, {
    closes: true,
    interim: [103],
  }),
  badGateway(
    'RFC 9110 15.2.2',
    'a switch behind a hint',
    `HTTP/1.1 103 X\r\n\r\nHTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${hello(OK)}`,
    { closes: true, interim: [103] },
  ),
  deliver('RFC 9110 15.2', '50 of them', `HTTP/1.1 199 X\r\n\r\n`.repeat(50) + hello(OK), {
    interim: Array.from({ length: 50 }, () => 199),
  }),
  unreadable(
    'RFC 9110 15.2.2',
    'a switch of protocols that was not asked for',
    respond(['Connection: Upgrade', 'Upgrade: websocket'], 'raw', 'HTTP/1.1 101 Switching Protocols'),
  ),
  unreadable('RFC 9112 4', 'a malformed interim answer', `HTTP/1.1 100 Continue\nX: y\r\n\r\n${hello(OK)}`),
];

export const responseCorpus = [
  { title: 'status line', cases: statusLines },
  { title: 'fields', cases: fields },
  { title: 'framing', cases: framing },
  { title: 'chunks', cases: chunked },
  { title: 'interim answers', cases: interim },
];
