// SPDX-License-Identifier: Apache-2.0
/** Field lines (RFC 9112 5, RFC 9110 5): names, values, folding, line ends, and how many of them. */
import {
  byteName,
  CONTROL_BYTES,
  forward,
  get,
  head,
  HOST,
  must,
  policy,
  post,
  refuse,
  SMUGGLED,
  valid,
  wait,
} from './message-case.js';
import type { RequestCase } from './message-case.js';

const name = must('RFC 9110 5.1');
const value = must('RFC 9110 5.5');
const colon = must('RFC 9112 5.1');
const folding = policy('RFC 9112 5.2');
const lineEnd = policy('RFC 9112 2.2');
const carries = (title: string, line: string, field: string, text: string): RequestCase =>
  forward(valid('RFC 9110 5.5'), title, get(line), { line: 'GET /a', fields: { [field]: text } });
const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `X-${index}: ${index}`);

export const fieldCases: readonly RequestCase[] = [
  carries('a plain field', 'X-A: b', 'x-a', 'b'),
  carries('no white space before the value', 'X-A:b', 'x-a', 'b'),
  carries('white space around the value', 'X-A: \t b c \t', 'x-a', 'b c'),
  carries('an empty value', 'X-A:', 'x-a', ''),
  carries('a value of white space', 'X-A: \t ', 'x-a', ''),
  carries('a tab inside the value', 'X-A: b\tc', 'x-a', 'b\tc'),
  carries('colons in the value', 'X-A:: b:c:', 'x-a', ': b:c:'),
  carries('a quoted value', 'X-A: "b\\"c, d"', 'x-a', '"b\\"c, d"'),
  carries('bytes of UTF-8 in the value', 'X-A: caf\xc3\xa9', 'x-a', 'caf\xc3\xa9'),
  carries('bytes beyond ASCII in the value', 'X-A: \x80\xa0\xff', 'x-a', '\x80\xa0\xff'),
  carries('a name of symbols', "!#$%&'*+-.^_`|~: b", "!#$%&'*+-.^_`|~", 'b'),
  carries('a name of digits', '123: b', '123', 'b'),
  carries('a value of 30,000 bytes', `X-A: ${'v'.repeat(30_000)}`, 'x-a', 'v'.repeat(30_000)),
  carries('a name of 1,000 bytes', `${'n'.repeat(1000)}: b`, 'n'.repeat(1000), 'b'),
  forward(valid('RFC 9110 5.3'), '99 fields with Host', get(...many(98)), { line: 'GET /a', fields: { 'x-97': '97' } }),
  refuse(policy('RFC 6585 5'), '101 fields', get(...many(100)), 431),
  refuse(policy('RFC 6585 5'), '1,000 fields', get(...many(999)), 431),
  refuse(policy('RFC 6585 5'), 'a value beyond the limit of a head', get(`X-A: ${'v'.repeat(70_000)}`), 431),
  refuse(policy('RFC 6585 5'), 'a name beyond the limit of a head', get(`${'n'.repeat(70_000)}: v`), 431),
  ...[...CONTROL_BYTES, 0x80, 0x85, 0xa0, 0xad, 0xff].flatMap((byte) => {
    const text = String.fromCharCode(byte);
    return [
      refuse(name, `${byteName(byte)} in a name`, get(`X${text}A: b`)),
      refuse(name, `${byteName(byte)} before a name`, get(`${text}X-A: b`)),
      refuse(colon, `${byteName(byte)} before the colon`, get(`X-A${text}: b`)),
      refuse(colon, `${byteName(byte)} after Content-Length's name`, post([`Content-Length${text}: 5`], 'hello')),
    ];
  }),
  ...CONTROL_BYTES.flatMap((byte) => {
    const text = String.fromCharCode(byte);
    return [
      refuse(value, `${byteName(byte)} in a value`, get(`X-A: b${text}c`)),
      refuse(value, `${byteName(byte)} begins a value`, get(`X-A:${text}b`)),
      refuse(value, `${byteName(byte)} ends a value`, get(`X-A: b${text}`)),
    ];
  }),
  ...['(', ')', '<', '>', '@', ',', ';', '\\', '"', '/', '[', ']', '?', '=', '{', '}', ' ', '\t'].map((byte) =>
    refuse(name, `${JSON.stringify(byte)} in a name`, get(`X${byte}A: b`)),
  ),
  refuse(colon, 'a space before the colon', get('X-A : b')),
  refuse(colon, 'a tab before the colon', get('X-A\t: b')),
  refuse(name, 'an empty name', get(': b')),
  refuse(name, 'only a colon', get(':')),
  refuse(colon, 'no colon', get('X-A')),
  refuse(colon, 'a line of a space', get(' ')),
  refuse(colon, 'a request line among the fields', get('GET /smuggled HTTP/1.1')),
  ...[' ', '\t', '  ', ' \t '].flatMap((space) => {
    const title = JSON.stringify(space);
    return [
      refuse(folding, `a folded line with ${title}`, get('X-A: b', `${space}c`)),
      refuse(folding, `a folded line of only ${title}`, get('X-A: b', space)),
      refuse(folding, `a folded first line with ${title}`, head('GET /a HTTP/1.1', `${space}X-A: b`, HOST)),
      refuse(folding, `a folded last line with ${title}`, get('X-A:', `${space}b`)),
      refuse(folding, `a folded length with ${title}`, post(['Content-Length:', `${space}5`], 'hello')),
      refuse(folding, `a folded coding with ${title}`, post(['Transfer-Encoding:', `${space}chunked`], '0\r\n\r\n')),
      refuse(
        folding,
        `a field hidden in a folded line with ${title}`,
        post(['X: y', `${space}Content-Length: 5`], 'hello'),
      ),
    ];
  }),
  ...['\n', '\r', '\n\r', '\r\r\n', '\r\r', '\n\n'].flatMap((end) => {
    const title = JSON.stringify(end);
    return [
      refuse(lineEnd, `${title} ends a field`, `GET /a HTTP/1.1\r\n${HOST}${end}X-A: b\r\n\r\n`),
      refuse(
        lineEnd,
        `${title} ends a field that hides another`,
        `GET /a HTTP/1.1\r\n${HOST}\r\nX-A: b${end}Transfer-Encoding: chunked\r\n\r\n`,
      ),
      refuse(value, `${title} in a value`, get(`X-A: b${end}c`)),
      refuse(name, `${title} in a name`, get(`X${end}A: b`)),
      refuse(colon, `${title} before the colon`, get(`X-A${end}: b`)),
      refuse(value, `${title} after the colon`, get(`X-A:${end}b`)),
    ];
  }),
  refuse(lineEnd, 'LF after LF ends the head', `GET /a HTTP/1.1\n${HOST}\n\n`),
  refuse(lineEnd, 'LF ends the head', `GET /a HTTP/1.1\r\n${HOST}\r\n\n`),
  refuse(lineEnd, 'CR and something ends the head', `GET /a HTTP/1.1\r\n${HOST}\r\n\rX${SMUGGLED}`),
  refuse(lineEnd, 'CR CR LF ends the head', `GET /a HTTP/1.1\r\n${HOST}\r\n\r\r\n`),
  wait(valid('RFC 9112 2.2'), 'a head that is not complete', `GET /a HTTP/1.1\r\n${HOST}\r\nX-A: `),
];
