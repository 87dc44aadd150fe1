// SPDX-License-Identifier: Apache-2.0
/**
 * Random choices -> messages in pieces that mean something to a parser (method, space, name, colon, size, ...), so that a
 * mutation can remove, double or exchange such a piece. Half of the messages stay valid: only behind a message that is
 * accepted can a parser lose the boundary of the next.
 */
import type { RandomSource } from '../support/random.js';

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'HEAD',
  'OPTIONS',
  'DELETE',
  'PATCH',
  'TRACE',
  'CONNECT',
  'get',
  'X',
];
const TARGETS = [
  '/',
  '/a',
  '/a?b',
  '/%2e',
  '*',
  'http://web.example/a',
  'web.example:80',
  '//a',
  '/a#b',
  '/\x80',
  'HTTP://WEB.EXAMPLE',
];
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.2',
  'http/1.1',
];
const HOSTS = ['web.example', 'web.example', 'web.example', 'WEB.example:80', '[::1]:80', '', 'a,b', 'a b', 'u@a'];
const FIELDS: readonly (readonly [string, string])[] = [
  ['X-A', 'b'],
  ['Connection', 'close'],
  ['Connection', 'keep-alive'],
  ['Connection', 'X-A, Content-Length'],
  ['Connection', 'Transfer-Encoding'],
  ['Expect', '100-continue'],
  ['Upgrade', 'h2c'],
  ['TE', 'trailers'],
  ['Trailer', 'X-T'],
  ['Host', 'other.example'],
  ['Content_Length', '9'],
  ['X', 'a\tb\xff'],
  ['Cookie', 'a=b; c=d'],
  ['Max-Forwards', '0'],
];
const LENGTHS = [
  '0',
  '5',
  '05',
  '+5',
  '-1',
  '5,5',
  '5, 6',
  '0x5',
  ' 5 ',
  '5 5',
  '',
  '4294967296',
  '18446744073709551621',
  '5\v',
];
const CODINGS = [
  'chunked',
  'Chunked',
  'chunked, chunked',
  'gzip, chunked',
  'identity',
  'xchunked',
  'chunked;q=1',
  '',
  '\vchunked',
  'chunked,',
];
const EXTENSIONS = ['', '', '', ';a', ';a=b', ';a="b;c"', ' ;a', ' ', '\t', ';\xff'];
const TRAILERS = ['X-T: u', 'Content-Length: 5', 'Transfer-Encoding: chunked', 'X T: u'];
const BODIES = [
  '',
  'hello',
  '0\r\n\r\n',
  '\r\n',
  'GET /smuggled HTTP/1.1\r\nHost: web.example\r\n\r\n',
  'x'.repeat(300),
];
const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 200 OK',
  'HTTP/1.1 404 Not Found',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 304 X',
  'HTTP/1.0 200 OK',
  'HTTP/1.1 200',
  'HTTP/1.1 100 Continue',
  'HTTP/1.1 103 X',
  'HTTP/1.1 101 X',
  'HTTP/1.1 099 X',
  'HTTP/1.1 999 X',
  'ICY 200 OK',
];
/** Bytes and words that parsers stumble over. */
const TROUBLE = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  ';',
  ',',
  '"',
  '\x7f',
  '\x80',
  '\xa0',
  '\v',
  '0',
  '5',
  'f',
  '-',
  '+',
  '0x',
  '\r\n ',
  '\r\n\t',
  '\n\n',
  'chunked',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  '0\r\n\r\n',
  'GET /x HTTP/1.1\r\nHost: web.example\r\n\r\n',
];

type Pieces = string[];

function field(name: string, value: string): Pieces {
  return [name, ':', ' ', value, '\r\n'];
}

function chunksOf(random: RandomSource, body: string): Pieces {
  const pieces: Pieces = [];
  for (let start = 0; start < body.length;) {
    const size = 1 + random.below(Math.min(40, body.length - start));
    const digits = random.chance(0.2) ? size.toString(16).toUpperCase().padStart(4, '0') : size.toString(16);
    pieces.push(
      digits,
      random.chance(0.1) ? random.pick(EXTENSIONS) : '',
      '\r\n',
      body.slice(start, start + size),
      '\r\n',
    );
    start += size;
  }
  pieces.push('0', random.chance(0.1) ? random.pick(EXTENSIONS) : '', '\r\n');
  if (random.chance(0.15)) pieces.push(random.pick(TRAILERS), '\r\n');
  return [...pieces, '\r\n'];
}

/** Field lines of the framing and, behind the empty line, the body they announce. */
function framed(random: RandomSource, fields: Pieces, isOdd: boolean): Pieces {
  const body = random.pick(BODIES);
  const kind = random.below(3);
  if (kind === 0) return [...fields, '\r\n'];
  if (isOdd && random.chance(0.3)) {
    const odd = random.chance(0.5)
      ? field('Content-Length', random.pick(LENGTHS))
      : field('Transfer-Encoding', random.pick(CODINGS));
    fields.splice(5 * random.below(fields.length / 5 + 1), 0, ...odd);
  }
  if (kind === 1) return [...fields, ...field('Content-Length', String(body.length)), '\r\n', body];
  return [...fields, ...field('Transfer-Encoding', 'chunked'), '\r\n', ...chunksOf(random, body)];
}

function oneRequest(random: RandomSource): Pieces {
  const isOdd = random.chance(0.4);
  const method = isOdd ? random.pick(METHODS) : random.pick(['GET', 'POST', 'PUT', 'HEAD']);
  const line = [
    method,
    ' ',
    isOdd ? random.pick(TARGETS) : '/a',
    ' ',
    isOdd ? random.pick(VERSIONS) : 'HTTP/1.1',
    '\r\n',
  ];
  const fields = field('Host', isOdd ? random.pick(HOSTS) : 'web.example');
  for (let count = random.below(3); count > 0; count--) {
    const [name, value] = isOdd ? random.pick(FIELDS) : (['X-A', 'b'] as const);
    fields.push(...field(name, value));
  }
  return [...line, ...framed(random, fields, isOdd)];
}

function mutate(random: RandomSource, pieces: Pieces, donor: Pieces): void {
  const at = random.below(pieces.length);
  const piece = pieces[at] ?? '';
  const inside = random.below(piece.length + 1);
  switch (random.below(8)) {
    case 0:
      pieces.splice(at, 1 + random.below(3));
      return;
    case 1:
      pieces.splice(at, 0, ...pieces.slice(at, at + 1 + random.below(6)));
      return;
    case 2:
      pieces.splice(
        random.below(pieces.length),
        0,
        ...donor.slice(random.below(donor.length)).slice(0, 1 + random.below(12)),
      );
      return;
    case 3:
      pieces.splice(at, 0, random.pick(TROUBLE));
      return;
    case 4:
      pieces[at] = piece.slice(0, inside) + random.pick(TROUBLE) + piece.slice(inside);
      return;
    case 5:
      pieces[at] = piece.slice(0, inside) + String.fromCharCode(random.below(256)) + piece.slice(inside + 1);
      return;
    case 6: {
      const other = random.below(pieces.length);
      pieces[at] = pieces[other] ?? '';
      pieces[other] = piece;
      return;
    }
    default:
      pieces[at] = piece.slice(0, inside) + piece.slice(inside + 1);
  }
}

function damage(random: RandomSource, pieces: Pieces, donor: Pieces): string {
  if (random.chance(0.75))
    for (let blows = 1 + random.below(3); blows > 0 && pieces.length > 0; blows--) mutate(random, pieces, donor);
  return pieces.join('');
}

/** A stream of one to four requests, latin-1 text. */
export function generateRequests(random: RandomSource): string {
  const pieces: Pieces = [];
  for (let count = 1 + random.below(4); count > 0; count--) pieces.push(...oneRequest(random));
  return damage(random, pieces, oneRequest(random));
}

function oneResponse(random: RandomSource): Pieces {
  const isOdd = random.chance(0.5);
  const line = isOdd ? random.pick(STATUS_LINES) : 'HTTP/1.1 200 OK';
  const fields: Pieces = [];
  for (let count = random.below(3); count > 0; count--) fields.push(...field('X-A', 'b'));
  if (isOdd && random.chance(0.3)) fields.push(...field('Connection', random.pick(['close', 'keep-alive', 'X-A'])));
  return [...line.split(/( )/), '\r\n', ...framed(random, fields, isOdd)];
}

/** What an upstream answers to one request: a response, sometimes interim ones before it or more bytes behind it. */
export function generateResponse(random: RandomSource): string {
  const pieces = oneResponse(random);
  if (random.chance(0.1)) pieces.unshift('HTTP/1.1 103 X', '\r\n', '\r\n');
  if (random.chance(0.1)) pieces.push(...oneResponse(random));
  return damage(random, pieces, oneResponse(random));
}
