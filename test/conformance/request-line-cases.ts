// SPDX-License-Identifier: Apache-2.0
/** Request lines (RFC 9112 3) and what stands before them. */
import {
  byteName,
  CONTROL_BYTES,
  forward,
  get,
  head,
  HOST,
  must,
  policy,
  refuse,
  should,
  valid,
} from './message-case.js';
import type { RequestCase } from './message-case.js';

const line = (text: string): string => head(text, HOST);
const grammar = must('RFC 9112 3');
const version = must('RFC 9112 2.3');
const leading = policy('RFC 9112 2.2');
const standard = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

export const requestLineCases: readonly RequestCase[] = [
  ...standard.map((method) =>
    forward(valid('RFC 9110 9.1'), `method ${method}`, line(`${method} /a HTTP/1.1`), `${method} /a`),
  ),
  forward(valid('RFC 9110 9.3.2'), 'method HEAD', line('HEAD /a HTTP/1.1'), 'HEAD /a'),
  ...['get', 'Get', 'PROPFIND', 'M-SEARCH', 'GETS', 'GE', 'G', '0', 'X'.repeat(300), "!#$%&'*+-.^_`|~"].map((method) =>
    forward(
      valid('RFC 9110 9.1'),
      `method ${method.slice(0, 20)} of ${method.length}`,
      line(`${method} /a HTTP/1.1`),
      `${method} /a`,
    ),
  ),
  ...[
    '(',
    ')',
    '<',
    '>',
    '@',
    ',',
    ';',
    ':',
    '\\',
    '"',
    '/',
    '[',
    ']',
    '?',
    '=',
    '{',
    '}',
    '\x80',
    '\xe9',
    '\xff',
  ].flatMap((byte) => [
    refuse(grammar, `method that contains ${JSON.stringify(byte)}`, line(`GE${byte}T /a HTTP/1.1`)),
    refuse(grammar, `method that begins with ${JSON.stringify(byte)}`, line(`${byte}GET /a HTTP/1.1`)),
  ]),
  ...[...CONTROL_BYTES, 0x09].flatMap((byte) => {
    const text = String.fromCharCode(byte);
    const name = byteName(byte);
    return [
      refuse(grammar, `${name} before the method`, line(`${text}GET /a HTTP/1.1`)),
      refuse(grammar, `${name} in the method`, line(`GE${text}T /a HTTP/1.1`)),
      refuse(grammar, `${name} instead of the first space`, line(`GET${text}/a HTTP/1.1`)),
      refuse(grammar, `${name} in the target`, line(`GET /a${text}b HTTP/1.1`)),
      refuse(grammar, `${name} in the query`, line(`GET /a?b=${text} HTTP/1.1`)),
      refuse(grammar, `${name} instead of the second space`, line(`GET /a${text}HTTP/1.1`)),
      refuse(grammar, `${name} after the version`, line(`GET /a HTTP/1.1${text}`)),
    ];
  }),
  ...['\r', '\n', '\n\r', '\r\r\n'].flatMap((end) => {
    const name = JSON.stringify(end);
    return [
      refuse(leading, `${name} before the method`, `${end}${get()}`),
      refuse(policy('RFC 9112 2.2'), `${name} ends the request line`, `GET /a HTTP/1.1${end}${HOST}\r\n\r\n`),
      refuse(grammar, `${name} in the target`, line(`GET /a${end}b HTTP/1.1`)),
      refuse(grammar, `${name} in the method`, line(`GE${end}T /a HTTP/1.1`)),
    ];
  }),
  forward(should('RFC 9112 2.2'), 'one empty line before the method', `\r\n${get()}`, 'GET /a'),
  refuse(leading, 'two empty lines before the method', `\r\n\r\n${get()}`),
  forward(should('RFC 9112 2.2'), 'an empty line between requests', `${get()}\r\n${get()}`, 'GET /a', 'GET /a'),
  refuse(grammar, 'a space before the method', line(' GET /a HTTP/1.1')),
  refuse(grammar, 'an empty line with a space before the method', ` \r\n${get()}`),
  refuse(grammar, 'two spaces before the target', line('GET  /a HTTP/1.1')),
  refuse(grammar, 'two spaces before the version', line('GET /a  HTTP/1.1')),
  refuse(grammar, 'a space after the version', line('GET /a HTTP/1.1 ')),
  refuse(grammar, 'a space inside the target', line('GET /a b HTTP/1.1')),
  refuse(grammar, 'a fourth word', line('GET /a HTTP/1.1 HTTP/1.1')),
  refuse(grammar, 'a request hidden in the version', line('GET /a HTTP/1.1 /smuggled HTTP/1.1')),
  refuse(grammar, 'no target', line('GET HTTP/1.1')),
  refuse(grammar, 'an empty target', line('GET  HTTP/1.1')),
  refuse(grammar, 'no method', line('/a HTTP/1.1')),
  refuse(grammar, 'a request line of only white space', head('   ')),
  refuse(grammar, 'a status line', head('HTTP/1.1 200 OK', HOST)),
  refuse(grammar, 'only fields', head(HOST)),
  refuse(version, 'no version (HTTP/0.9)', 'GET /a\r\n'),
  refuse(version, 'no version, with fields', line('GET /a')),
  refuse(version, 'no version, with a space', line('GET /a ')),
  ...[
    '0.9',
    '1.2',
    '1.9',
    '2.0',
    '3.0',
    '2',
    '1',
    '1.',
    '.1',
    '1.11',
    '11.1',
    '01.1',
    '1.01',
    '1,1',
    '1.1a',
    '1.x',
    '-1.1',
    '+1.1',
    '1. 1',
    '1 .1',
    '9.9',
  ].map((text) => refuse(version, `version HTTP/${text}`, line(`GET /a HTTP/${text}`))),
  ...[
    'http/1.1',
    'Http/1.1',
    'HTTp/1.1',
    'HTTP1.1',
    'HTTP\\1.1',
    'HTTP /1.1',
    'HTTP/ 1.1',
    'HTTPS/1.1',
    'XHTTP/1.1',
    'HTCPCP/1.1',
    'ICE/1.0',
    'RTSP/1.0',
    'HTTP//1.1',
    'HTTP/\xb1.1',
  ].map((text) => refuse(version, `protocol ${text}`, line(`GET /a ${text}`))),
  refuse(policy('RFC 9113 3.4'), 'the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  refuse(policy('RFC 9113 11.6'), 'the method of that preface in HTTP/1.1', line('PRI * HTTP/1.1')),
  refuse(policy('RFC 9110 9.3.8'), 'TRACE', line('TRACE /a HTTP/1.1'), 405),
  refuse(
    policy('RFC 9110 15.5.15'),
    'a target beyond the limit of a head',
    line(`GET /${'a'.repeat(70_000)} HTTP/1.1`),
    431,
  ),
  refuse(policy('RFC 9112 3'), 'a method beyond the limit of a head', line(`${'M'.repeat(70_000)} /a HTTP/1.1`), 431),
  forward(
    valid('RFC 9112 3'),
    'a target of 8,000 bytes',
    line(`GET /${'a'.repeat(8000)} HTTP/1.1`),
    `GET /${'a'.repeat(8000)}`,
  ),
  refuse(grammar, 'bytes of a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'),
  refuse(
    grammar,
    'bytes of the PROXY protocol',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET /a HTTP/1.1\r\nHost: web.example\r\n\r\n',
  ),
];
