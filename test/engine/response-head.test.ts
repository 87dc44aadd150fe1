// SPDX-License-Identifier: Apache-2.0
/** writeResponseHead: what the client gets for a response, its route and the front's style. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { BareEngine, builds } from '../support/bare-engine.js';
import { add, bindRoute, literal, remove, set } from '../support/bare-table.js';
import type { BareOp } from '../support/bare-table.js';

const {
  METHOD_GET,
  METHOD_HEAD,
  STYLE_CLOSE,
  STYLE_COMPLETE,
  STYLE_HTTP_10,
  STYLE_REQUEST_PRESENT,
  STYLE_SERVICE_TIME,
} = layout;
const response = (status: string, ...lines: string[]): string => [`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n');
const ok = (...lines: string[]): string => response('200 OK', ...lines);

describe.each(builds)('writeResponseHead in %s', (build) => {
  let engine = new BareEngine(build);
  beforeEach(() => {
    engine = new BareEngine(build);
  });

  const write = (head: string, style: number = STYLE_COMPLETE, method: number = METHOD_GET): string => {
    expect(engine.parseResponse(head, method)).toBe(head.length);
    const written = engine.writeResponse(style);
    if (typeof written === 'number') throw new Error(`failed with ${written}`);
    return written;
  };
  const linesOf = (text: string): string[] => text.split('\r\n').slice(0, -2);

  it('writes a complete head', () => {
    const head = ok('Content-Type: a/b', 'Content-Length: 005', 'Date: now', 'Server: nginx', 'Set-Cookie: a', 'X: y');
    expect(write(head)).toBe(
      'HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ndate: now\r\nset-cookie: a\r\nx: y\r\nserver: weft\r\ncontent-length: 5\r\n\r\n',
    );
  });

  it('writes status and fields only, in the style of uWebSockets.js', () => {
    const head = ok('Content-Type: a/b', 'Content-Length: 5', 'Date: now', 'Connection: keep-alive');
    expect(write(head, 0)).toBe('200 OK\r\ncontent-type: a/b\r\nserver: weft\r\n');
    expect(write(ok('Transfer-Encoding: chunked'), STYLE_CLOSE)).toBe('200 OK\r\nserver: weft\r\n');
  });

  it('passes the reason phrase on, also an empty one', () => {
    expect(linesOf(write(response('404 Nothing Here', 'Content-Length: 0')))[0]).toBe('HTTP/1.1 404 Nothing Here');
    expect(linesOf(write(response('404', 'Content-Length: 0')))[0]).toBe('HTTP/1.1 404 ');
  });

  it.each([
    ['length', ok('Content-Length: 5'), STYLE_COMPLETE, METHOD_GET, ['content-length: 5']],
    ['chunked', ok('Transfer-Encoding: chunked'), STYLE_COMPLETE, METHOD_GET, ['transfer-encoding: chunked']],
    ['until close, kept alive', ok(), STYLE_COMPLETE, METHOD_GET, ['transfer-encoding: chunked']],
    [
      'until close, closing',
      ok(),
      STYLE_COMPLETE | STYLE_CLOSE,
      METHOD_GET,
      ['transfer-encoding: chunked', 'connection: close'],
    ],
    ['until close, HTTP/1.0', ok(), STYLE_COMPLETE | STYLE_HTTP_10, METHOD_GET, ['connection: close']],
    [
      'chunked to HTTP/1.0',
      ok('Transfer-Encoding: chunked'),
      STYLE_COMPLETE | STYLE_HTTP_10,
      METHOD_GET,
      ['connection: close'],
    ],
    [
      'length to HTTP/1.0',
      ok('Content-Length: 5'),
      STYLE_COMPLETE | STYLE_HTTP_10,
      METHOD_GET,
      ['content-length: 5', 'connection: keep-alive'],
    ],
    [
      'length, closing',
      ok('Content-Length: 5'),
      STYLE_COMPLETE | STYLE_CLOSE,
      METHOD_GET,
      ['content-length: 5', 'connection: close'],
    ],
    ['HEAD', ok('Content-Length: 5'), STYLE_COMPLETE, METHOD_HEAD, ['content-length: 5']],
    ['HEAD of chunks', ok('Transfer-Encoding: chunked'), STYLE_COMPLETE, METHOD_HEAD, []],
    ['304', response('304 Not Modified', 'Content-Length: 5'), STYLE_COMPLETE, METHOD_GET, ['content-length: 5']],
    ['204', response('204 No Content', 'Content-Length: 0'), STYLE_COMPLETE, METHOD_GET, []],
    ['100, closing', response('100 Continue'), STYLE_COMPLETE | STYLE_CLOSE, METHOD_GET, []],
  ])('frames by what was parsed: %s', (_name, head, style, method, expected) => {
    const lines = linesOf(write(head, style, method)).slice(1);
    expect(lines.filter((line) => line !== 'server: weft')).toEqual(expected);
  });

  it('keeps the upgrade of a 101', () => {
    const head = response(
      '101 Switching Protocols',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Accept: k',
    );
    expect(linesOf(write(head)).slice(1)).toEqual([
      'upgrade: websocket',
      'sec-websocket-accept: k',
      'server: weft',
      'connection: upgrade',
    ]);
  });

  it.each([
    ['connection and what it names', ['Connection: X-Foo', 'X-Foo: 1']],
    ['keep-alive', ['Keep-Alive: timeout=5', 'Proxy-Connection: x']],
    ['upgrade', ['Upgrade: h2c']],
    ['trailer', ['Trailer: x']],
    ['what proxies say to each other', ['X-Envoy-Peer-Metadata: x', 'X-Envoy-Peer-Metadata-Id: x']],
    ['what Envoy acts on', ['X-Envoy-Decorator-Operation: x', 'X-Envoy-Immediate-Health-Check-Fail: x']],
    ['facts of another proxy', ['X-Envoy-Upstream-Service-Time: 9', 'X-Weft-Reason: inner', 'Server: envoy']],
  ])('drops %s', (_name, lines) => {
    expect(linesOf(write(ok('Content-Length: 0', ...lines))).slice(1)).toEqual(['server: weft', 'content-length: 0']);
  });

  it('adds service time and reason', () => {
    engine.setFactNumber(layout.FACT_UPSTREAM_SERVICE_MS, 12);
    engine.setFact(layout.FACT_REASON, 'VirtualService a/b');
    const lines = linesOf(write(ok('Content-Length: 0'), STYLE_COMPLETE | STYLE_SERVICE_TIME));
    expect(lines).toContain('x-envoy-upstream-service-time: 12');
    expect(lines).toContain('x-weft-reason: VirtualService a/b');
  });

  describe('header operations', () => {
    const fields = (style = 0): string[] =>
      write(ok('Content-Length: 5', 'X-A: 1', 'X-B: 2', 'Date: now'), style)
        .split('\r\n')
        .slice(1, -1);

    it('are those of the weighted cluster for a forwarded response', () => {
      bindRoute(engine, {
        responseOps: [remove('x-a'), set('x-b', literal('n')), add('x-b', literal('m'))],
        routeOps: [set('x-route', literal('r'))],
      });
      expect(fields()).toEqual(['server: weft', 'x-b: n', 'x-b: m']);
    });

    it('are those of the route when no cluster was chosen', () => {
      bindRoute(engine, { responseOps: [remove('x-a')], routeOps: [set('x-route', literal('r'))] }, true);
      expect(fields()).toEqual(['x-a: 1', 'x-b: 2', 'server: weft', 'x-route: r']);
    });

    it.each(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade'])(
      'cannot touch %s',
      (name) => {
        const before = fields(STYLE_COMPLETE);
        bindRoute(engine, { responseOps: [remove(name), set(name, literal('9')), add(name, literal('8'))] });
        expect(fields(STYLE_COMPLETE)).toEqual(before);
      },
    );

    it('set a date only where the front does not write its own', () => {
      bindRoute(engine, { responseOps: [set('date', literal('never'))] });
      expect(fields().filter((line) => line.startsWith('date'))).toEqual([]);
      expect(fields(STYLE_COMPLETE).filter((line) => line.startsWith('date'))).toEqual(['date: never']);
    });

    it('expand headers and code of the response', () => {
      const kinds = [layout.PART_RESPONSE_CODE, layout.PART_RESPONSE_HEADER];
      const operation: BareOp = set('x-out', ...kinds.map((kind) => ({ kind, text: 'x-b' })), literal('!'));
      bindRoute(engine, {
        responseOps: [operation, set('x-status', { kind: layout.PART_RESPONSE_HEADER, text: ':status' })],
      });
      expect(fields()).toContain('x-out: 2002!');
      expect(fields()).toContain('x-status: 200');
    });

    it('read the request only when told that it is still there', () => {
      bindRoute(engine, { responseOps: [set('x-out', { kind: layout.PART_REQUEST_HEADER, text: 'x-secret' })] });
      engine.parseRequest('GET / HTTP/1.1\r\nHost: other\r\nX-Secret: s\r\n\r\n');
      expect(fields().join()).not.toContain('x-out');
      expect(fields(STYLE_REQUEST_PRESENT)).toContain('x-out: s');
    });
  });

  it('never writes beyond the capacity', () => {
    bindRoute(engine, { responseOps: [set('x-out', literal('value'))] });
    const whole = write(ok('Content-Length: 5', 'X-A: 1')).length;
    const out = engine.at(layout.SLAB_OUTPUT);
    for (let capacity = 0; capacity < whole; capacity++) {
      engine.bytes.fill(0xee, out, out + whole + 8);
      expect(engine.writeResponse(STYLE_COMPLETE, capacity)).toBe(layout.FAILURE_OUTPUT_FULL);
      expect(engine.bytes.subarray(out + capacity, out + whole + 8).every((byte) => byte === 0xee)).toBe(true);
    }
  });
});
