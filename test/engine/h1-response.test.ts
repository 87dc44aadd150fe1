// SPDX-License-Identifier: Apache-2.0
/** parseResponseHead against tables of heads: RFC 9112 4, 6.3, 9.3. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { BareEngine, builds } from '../support/bare-engine.js';

const { BODY_CHUNKED, BODY_LENGTH, BODY_NONE, BODY_TUNNEL, BODY_UNTIL_CLOSE, METHOD_CONNECT, METHOD_GET, METHOD_HEAD } =
  layout;
const response = (status: string, ...lines: string[]): string => [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
const ok = (...lines: string[]): string => response('200 OK', ...lines);
const switching = (...lines: string[]): string => response('101 Switching Protocols', ...lines);
const BOTH = ['Connection: upgrade', 'Upgrade: websocket'];

const refused: Record<string, string> = {
  'HTTP/0.9': '<html>hello</html>',
  'HTTP/2.0': 'HTTP/2.0 200 OK\r\n\r\n',
  'HTTP/1.2': 'HTTP/1.2 200 OK\r\n\r\n',
  'another protocol': 'ICY 200 OK\r\n\r\n',
  'leading empty line': `\r\n${ok()}`,
  'two digits': response('20 OK'),
  'four digits': response('2000 OK'),
  'a sign': response('+20 OK'),
  'below 100': response('099 OK'),
  'NUL in reason': response('200 O\0K'),
  'LF only': 'HTTP/1.1 200 OK\nContent-Length: 5\n\n',
  'white space before the first field': ok(' X-First: 1'),
  'space before colon': ok('Content-Length : 5'),
  'space in name': ok('X Bad: 1'),
  'empty name': ok(': v'),
  'NUL in value': ok('X-Test: a\0b'),
  'obs-fold': ok('X-A: b', ' c'),
  'two lengths': ok('Content-Length: 5', 'Content-Length: 6'),
  'two equal lengths': ok('Content-Length: 5', 'Content-Length: 5'),
  'list of lengths': ok('Content-Length: 5, 5'),
  'no length in Content-Length': ok('Content-Length: '),
  'length with sign': ok('Content-Length: +5'),
  'both framings': ok('Content-Length: 5', 'Transfer-Encoding: chunked'),
  gzip: ok('Transfer-Encoding: gzip'),
  'chunked twice': ok('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  '100 of HTTP/1.0': 'HTTP/1.0 100 Continue\r\n\r\n',
  '101 of HTTP/1.0': 'HTTP/1.0 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
  'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
};

describe.each(builds)('parseResponseHead in %s', (build) => {
  const engine = new BareEngine(build);
  const contentLength = (): number =>
    engine.view.getFloat64(engine.at(layout.SLAB_RESPONSE) + layout.RESPONSE_CONTENT_LENGTH, true);

  it.each(Object.entries(refused))('refuses: %s', (_name, head) => {
    expect(engine.parseResponse(head)).toBe(layout.FAILURE_UPSTREAM_PROTOCOL);
  });

  it.each([
    ['200 OK', 200, 'OK'],
    ['404 Not Found', 404, 'Not Found'],
    ['200 ', 200, ''],
    ['200', 200, ''],
    ['999 Nope', 999, 'Nope'],
    ['200 \xe9t\xe9', 200, '\xe9t\xe9'],
  ])('reads the status line of %j', (text, status, reason) => {
    const head = response(text, 'Content-Length: 5');
    expect(engine.parseResponse(`${head}hello`)).toBe(head.length);
    expect(engine.response(layout.RESPONSE_STATUS)).toBe(status);
    const offset = engine.response(layout.RESPONSE_REASON_OFFSET);
    expect(engine.text(offset, engine.response(layout.RESPONSE_REASON_LENGTH))).toBe(reason);
    expect(engine.response(layout.RESPONSE_HEAD_LENGTH)).toBe(head.length);
  });

  it.each([
    ['length', ok('Content-Length: 5'), METHOD_GET, BODY_LENGTH, 5, 1],
    ['empty', ok('Content-Length: 0'), METHOD_GET, BODY_LENGTH, 0, 1],
    ['chunked', ok('Transfer-Encoding: Chunked'), METHOD_GET, BODY_CHUNKED, -1, 1],
    ['until close', ok(), METHOD_GET, BODY_UNTIL_CLOSE, -1, 0],
    ['HEAD with length', ok('Content-Length: 9'), METHOD_HEAD, BODY_NONE, 9, 1],
    ['HEAD chunked', ok('Transfer-Encoding: chunked'), METHOD_HEAD, BODY_NONE, -1, 1],
    ['304 with length', response('304 Not Modified', 'Content-Length: 9'), METHOD_GET, BODY_NONE, 9, 1],
    ['204', response('204 No Content'), METHOD_GET, BODY_NONE, -1, 1],
    ['204 of length 0', response('204 No Content', 'Content-Length: 0'), METHOD_GET, BODY_NONE, -1, 1],
    ['204 with length', response('204 No Content', 'Content-Length: 5'), METHOD_GET, BODY_NONE, -1, 0],
    ['204 chunked', response('204 No Content', 'Transfer-Encoding: chunked'), METHOD_GET, BODY_NONE, -1, 0],
    ['100', response('100 Continue'), METHOD_GET, BODY_NONE, -1, 1],
    ['101', switching('Connection: x, Upgrade', 'Upgrade: WebSocket'), METHOD_GET, BODY_TUNNEL, -1, 1],
    ['101 to another', switching('Connection: upgrade', 'Upgrade: other'), METHOD_GET, BODY_NONE, -1, 1],
    ['101 to two', switching('Connection: upgrade', 'Upgrade: websocket, x'), METHOD_GET, BODY_NONE, -1, 1],
    ['101 to one and another', switching(...BOTH, 'Upgrade: x'), METHOD_GET, BODY_NONE, -1, 1],
    ['101 to nothing', switching('Connection: upgrade'), METHOD_GET, BODY_NONE, -1, 1],
    ['101 without Connection', switching('Upgrade: websocket'), METHOD_GET, BODY_NONE, -1, 1],
    ['102 that offers', response('102 Processing', ...BOTH), METHOD_GET, BODY_NONE, -1, 1],
    ['CONNECT', ok(), METHOD_CONNECT, BODY_NONE, -1, 1],
    ['refused CONNECT', response('403 No', 'Content-Length: 2'), METHOD_CONNECT, BODY_LENGTH, 2, 1],
  ])('decides body and reuse: %s', (_name, head, method, kind, length, keepAlive) => {
    expect(engine.parseResponse(head, method)).toBe(head.length);
    expect(engine.response(layout.RESPONSE_BODY_KIND)).toBe(kind);
    expect(contentLength()).toBe(length);
    expect(engine.response(layout.RESPONSE_KEEP_ALIVE)).toBe(keepAlive);
  });

  it.each([
    ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n', 0],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', 0],
    ['HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n', 1],
  ])('decides reuse of %j', (head, keepAlive) => {
    expect(engine.parseResponse(head)).toBe(head.length);
    expect(engine.response(layout.RESPONSE_KEEP_ALIVE)).toBe(keepAlive);
  });

  it.each([
    ['timeout=5, max=100', 5],
    ['max=3, Timeout=61', 61],
    ['timeout=99999999999', 86400],
    ['timeout=', 0],
    ['max=3', 0],
  ])('reads Keep-Alive: %s', (value, seconds) => {
    engine.parseResponse(ok('Content-Length: 0', `Keep-Alive: ${value}`));
    expect(engine.response(layout.RESPONSE_KEEP_ALIVE_TIMEOUT)).toBe(seconds);
  });

  it.each([
    ['Connection: keep-alive', 0],
    ['Connection: close, x-a', 1],
  ])('tells whether fields belong to the connection: %s', (line, named) => {
    engine.parseResponse(ok('Content-Length: 0', line));
    expect(engine.response(layout.RESPONSE_NAMED_OPTIONS)).toBe(named);
  });

  it('keeps lines of one name apart', () => {
    engine.parseResponse(ok('Content-Length: 0', 'Set-Cookie: a=1, b', 'Set-Cookie: c=2'));
    const cookies = engine.responseRows().filter((row) => row.name === 'set-cookie');
    expect(cookies.map((row) => row.value)).toEqual(['a=1, b', 'c=2']);
  });

  it('is incomplete at every byte before the last, and too large above the limit', () => {
    const head = ok('Content-Length: 5', 'Keep-Alive: timeout=4');
    for (let length = 0; length < head.length; length++) expect(engine.parseResponse(head.slice(0, length))).toBe(0);
    const long = ok(`X: ${'v'.repeat(layout.MAX_HEAD_BYTES)}`);
    expect(engine.parseResponse(long)).toBe(layout.FAILURE_UPSTREAM_PROTOCOL);
  });
});
