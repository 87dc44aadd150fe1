// SPDX-License-Identifier: Apache-2.0
/** parseRequestHead against tables of heads: RFC 9112 3, 5, 6.3 and the limits of docs/ENGINE.md. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { BareEngine, builds } from '../support/bare-engine.js';
import { fnv1a } from '../support/bare-table.js';

const { FAILURE_BAD_REQUEST, FAILURE_HEAD_TOO_LARGE, FAILURE_MISSING_HOST } = layout;
const get = (...lines: string[]): string => ['GET /a HTTP/1.1', 'Host: example.com', ...lines, '', ''].join('\r\n');
const post = (...lines: string[]): string => ['POST /a HTTP/1.1', 'Host: example.com', ...lines, '', ''].join('\r\n');
const line = (first: string, host = 'Host: example.com'): string => `${first}\r\n${host}\r\n\r\n`;

const refused: Record<string, string> = {
  'leading space': line(' GET /a HTTP/1.1'),
  'tab between method and target': line('GET\t/a HTTP/1.1'),
  'two spaces after the method': line('GET  /a HTTP/1.1'),
  'two spaces after the target': line('GET /a  HTTP/1.1'),
  'bare CR as separator': line('GET\r/a HTTP/1.1'),
  'space in target': line('GET /a b HTTP/1.1'),
  'space after the version': line('GET /a HTTP/1.1 '),
  'missing target': line('GET HTTP/1.1'),
  'missing method': line('/a HTTP/1.1'),
  'HTTP/0.9': 'GET /a\r\n\r\n',
  'HTTP/2.0 in text': line('GET /a HTTP/2.0'),
  'HTTP/1.2': line('GET /a HTTP/1.2'),
  'version without minor': line('GET /a HTTP/1'),
  'version with leading zeros': line('GET /a HTTP/01.01'),
  'lower-case version': line('GET /a http/1.1'),
  'version that overflows': line('GET /a HTTP/4294967297.257'),
  'HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'two empty lines first': `\r\n\r\n${get()}`,
  'lone LF first': `\n${get()}`,
  'NUL in method': line('G\0T /a HTTP/1.1'),
  'NUL in target': line('GET /a\0b HTTP/1.1'),
  'control byte in target': line('GET /a\x01b HTTP/1.1'),
  'DEL in target': line('GET /a\x7fb HTTP/1.1'),
  'raw UTF-8 in target': line('GET /caf\xc3\xa9 HTTP/1.1'),
  'fragment in target': line('GET /a#b HTTP/1.1'),
  'fragment in query': line('GET /a?b#c HTTP/1.1'),
  'target without slash': line('GET a/b HTTP/1.1'),
  'query as target': line('GET ?a HTTP/1.1'),
  'asterisk for GET': line('GET * HTTP/1.1'),
  'asterisk with more': line('OPTIONS *a HTTP/1.1'),
  'authority-form for GET': line('GET example.com:80 HTTP/1.1'),
  'origin-form for CONNECT': line('CONNECT /a HTTP/1.1'),
  'CONNECT without port': line('CONNECT example.com HTTP/1.1'),
  'CONNECT with empty port': line('CONNECT example.com: HTTP/1.1'),
  'CONNECT with port 0': line('CONNECT example.com:0 HTTP/1.1'),
  'CONNECT with Content-Length': 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\n\r\n',
  'CONNECT with another Host': line('CONNECT example.com:443 HTTP/1.1', 'Host: evil.example'),
  'absolute-form with another scheme': line('GET ftp://example.com/ HTTP/1.1'),
  'absolute-form with user': line('GET http://u:p@example.com/ HTTP/1.1'),
  'absolute-form without authority': line('GET http:///a HTTP/1.1'),
  'absolute-form, one slash': line('GET http:/example.com/a HTTP/1.1'),
  'absolute-form against Host': line('GET http://example.com/ HTTP/1.1', 'Host: evil.example'),
  'absolute-form against the port of Host': line('GET http://example.com/ HTTP/1.1', 'Host: example.com:8080'),
  'two Hosts': get('Host: evil.example'),
  'two equal Hosts': get('Host: example.com'),
  'Host with user': line('GET /a HTTP/1.1', 'Host: user@example.com'),
  'Host with path': line('GET /a HTTP/1.1', 'Host: example.com/evil'),
  'Host with space': line('GET /a HTTP/1.1', 'Host: example.com evil'),
  'Host with escape': line('GET /a HTTP/1.1', 'Host: example%2ecom'),
  'Host with letters in port': line('GET /a HTTP/1.1', 'Host: example.com:80a'),
  'Host with port above 65535': line('GET /a HTTP/1.1', 'Host: example.com:65536'),
  'Host with two ports': line('GET /a HTTP/1.1', 'Host: example.com:80:80'),
  'Host of port only': line('GET /a HTTP/1.1', 'Host: :80'),
  'unterminated IPv6': line('GET /a HTTP/1.1', 'Host: [::1'),
  'IPv6 with zone': line('GET /a HTTP/1.1', 'Host: [fe80::1%25eth0]'),
  'IPv6 with rest': line('GET /a HTTP/1.1', 'Host: [::1]x'),
  'brackets without an address': line('GET /a HTTP/1.1', 'Host: []'),
  'obs-text in Host': line('GET /a HTTP/1.1', 'Host: \xffexample.com'),
  'NUL in Host': line('GET /a HTTP/1.1', 'Host: example.com\0.evil'),
  'space before colon': get('X-Test : v'),
  'tab before colon': get('X-Test\t: v'),
  'space in name': get('X Test: v'),
  'empty name': get(': v'),
  'line without colon': get('NoColonHere'),
  'obs-text in name': get('\xefoo: bar'),
  'NUL in name': get('X-A\0B: v'),
  'NUL in value': get('X-Test: a\0b'),
  'BEL in value': get('X-Test: a\x07b'),
  'DEL in value': get('X-Test: aaaaaaaaaaaa\x7fb'),
  'bare CR in value': get('X-Test: x\rTransfer-Encoding: chunked'),
  'CR CR LF': get('X-A: 1\r'),
  'lone LF': get('X-A: 1\nX-B: 2'),
  'LF only': 'GET /a HTTP/1.1\nHost: example.com\n\n',
  'obs-fold by space': get('X-Fold: a', ' b'),
  'obs-fold by tab': get('X-Fold: a', '\tb'),
  'space before the first field': 'GET /a HTTP/1.1\r\n Host: example.com\r\n\r\n',
  'CR without LF at the end': 'GET /a HTTP/1.1\r\nHost: example.com\r\n\rZ',
  'Content-Length twice': post('Content-Length: 5', 'Content-Length: 6'),
  'Content-Length twice, equal': post('Content-Length: 5', 'Content-Length: 5'),
  'Content-Length list': post('Content-Length: 5, 5'),
  'Content-Length comma': post('Content-Length: ,'),
  'Content-Length empty': post('Content-Length: '),
  'Content-Length plus': post('Content-Length: +5'),
  'Content-Length minus': post('Content-Length: -0'),
  'Content-Length hex': post('Content-Length: 0x5'),
  'Content-Length exponent': post('Content-Length: 5e0'),
  'Content-Length inner space': post('Content-Length: 5 5'),
  'Content-Length quoted': post('Content-Length: "5"'),
  'Content-Length 2^64 + 5': post('Content-Length: 18446744073709551621'),
  'Content-Length 2^53': post('Content-Length: 9007199254740992'),
  'both framings': post('Content-Length: 5', 'Transfer-Encoding: chunked'),
  'both framings, other order': post('Transfer-Encoding: chunked', 'Content-Length: 5'),
  'Transfer-Encoding xchunked': post('Transfer-Encoding: xchunked'),
  'Transfer-Encoding identity': post('Transfer-Encoding: identity'),
  'Transfer-Encoding empty': post('Transfer-Encoding: '),
  'Transfer-Encoding quoted': post('Transfer-Encoding: "chunked"'),
  'Transfer-Encoding with VT': post('Transfer-Encoding: \x0bchunked'),
  'Transfer-Encoding with parameter': post('Transfer-Encoding: chunked;q=1'),
  'gzip before chunked': post('Transfer-Encoding: gzip, chunked'),
  'leading comma before chunked': post('Transfer-Encoding: ,chunked'),
  'chunked not final': post('Transfer-Encoding: chunked, identity'),
  'chunked twice': post('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
  'chunked and cow': post('Transfer-Encoding: chunked', 'Transfer-Encoding: cow'),
  'chunked in HTTP/1.0': 'POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  'more connection options than anybody names': get(`Connection: ${'a,'.repeat(33)}`),
};

describe.each(builds)('parseRequestHead in %s', (build) => {
  const engine = new BareEngine(build);

  it.each(Object.entries(refused))('refuses: %s', (_name, head) => {
    expect(engine.parseRequest(head)).toBe(FAILURE_BAD_REQUEST);
  });

  it.each([
    ['none', 'GET /a HTTP/1.1\r\nX: y\r\n\r\n'],
    ['none beside an absolute target', 'GET http://example.com/ HTTP/1.1\r\n\r\n'],
    ['empty', 'GET /a HTTP/1.1\r\nHost:\r\n\r\n'],
  ])('says that the Host is missing: %s', (_name, head) => {
    expect(engine.parseRequest(head)).toBe(FAILURE_MISSING_HOST);
  });

  it('fills the record from an ordinary request', () => {
    const head = 'GET /a/b?x=1&y=%20 HTTP/1.1\r\nHost: Example.COM:8080\r\nAccept: */*\r\n\r\n';
    expect(engine.parseRequest(`${head}GET /next`)).toBe(head.length);
    expect(engine.requestText(layout.REQUEST_METHOD_OFFSET, layout.REQUEST_METHOD_LENGTH)).toBe('GET');
    expect(engine.request(layout.REQUEST_METHOD_ID)).toBe(layout.METHOD_GET);
    expect(engine.requestText(layout.REQUEST_TARGET_OFFSET, layout.REQUEST_TARGET_LENGTH)).toBe('/a/b?x=1&y=%20');
    expect(engine.path).toBe('/a/b');
    expect(engine.requestText(layout.REQUEST_QUERY_OFFSET, layout.REQUEST_QUERY_LENGTH)).toBe('x=1&y=%20');
    expect(engine.request(layout.REQUEST_HAS_QUERY)).toBe(1);
    expect(engine.requestText(layout.REQUEST_AUTHORITY_OFFSET, layout.REQUEST_AUTHORITY_LENGTH)).toBe(
      'Example.COM:8080',
    );
    expect(engine.requestText(layout.REQUEST_HOST_OFFSET, layout.REQUEST_HOST_LENGTH)).toBe('example.com');
    expect(engine.request(layout.REQUEST_VERSION)).toBe(11);
    expect(engine.request(layout.REQUEST_BODY_KIND)).toBe(layout.BODY_NONE);
    expect(engine.request(layout.REQUEST_FLAGS)).toBe(0);
    expect(engine.request(layout.REQUEST_HEAD_LENGTH)).toBe(head.length);
  });

  it.each([
    ['GET', layout.METHOD_GET],
    ['HEAD', layout.METHOD_HEAD],
    ['POST', layout.METHOD_POST],
    ['PUT', layout.METHOD_PUT],
    ['DELETE', layout.METHOD_DELETE],
    ['OPTIONS', layout.METHOD_OPTIONS],
    ['PATCH', layout.METHOD_PATCH],
    ['TRACE', layout.METHOD_TRACE],
    ['get', 0],
    ['PUR', 0],
    ['CONNECX', 0],
    ["!#$%&'*+-.^_`|~9", 0],
  ])('knows the method %s', (method, id) => {
    expect(engine.parseRequest(line(`${method} /a HTTP/1.1`))).toBeGreaterThan(0);
    expect(engine.request(layout.REQUEST_METHOD_ID)).toBe(id);
  });

  it.each([
    ['GET /a? HTTP/1.1', '/a', '', 1],
    ['GET /a?b?c HTTP/1.1', '/a', 'b?c', 1],
    ['GET / HTTP/1.1', '/', '', 0],
    ['GET //a\\b{}|"^` HTTP/1.1', '//a\\b{}|"^`', '', 0],
    ['OPTIONS * HTTP/1.1', '*', '', 0],
    ['GET http://example.com/p?q HTTP/1.1', '/p', 'q', 1],
    ['GET HTTP://EXAMPLE.com/p HTTP/1.1', '/p', '', 0],
    ['GET http://example.com HTTP/1.1', '/', '', 0],
    ['GET http://example.com?q HTTP/1.1', '/', 'q', 1],
    ['GET http://example.com:80/ HTTP/1.1', '/', '', 0],
    ['OPTIONS http://example.com HTTP/1.1', '*', '', 0],
    ['CONNECT example.com:443 HTTP/1.1', '/', '', 0],
  ])('splits the target of %s', (first, path, query, hasQuery) => {
    expect(engine.parseRequest(line(first))).toBeGreaterThan(0);
    expect(engine.path).toBe(path);
    expect(engine.requestText(layout.REQUEST_QUERY_OFFSET, layout.REQUEST_QUERY_LENGTH)).toBe(query);
    expect(engine.request(layout.REQUEST_HAS_QUERY)).toBe(hasQuery);
    expect(engine.requestText(layout.REQUEST_HOST_OFFSET, layout.REQUEST_HOST_LENGTH)).toBe('example.com');
  });

  it.each([
    ['[2001:DB8::1]:8080', '[2001:db8::1]'],
    ['[::1]', '[::1]'],
    ['[::ffff:192.0.2.1]', '[::ffff:192.0.2.1]'],
    ['my_service.ns.svc:', 'my_service.ns.svc'],
    ['192.0.2.1:65535', '192.0.2.1'],
  ])('takes the host out of %s', (authority, host) => {
    expect(engine.parseRequest(line('GET / HTTP/1.1', `Host: ${authority}`))).toBeGreaterThan(0);
    expect(engine.requestText(layout.REQUEST_HOST_OFFSET, layout.REQUEST_HOST_LENGTH)).toBe(host);
    expect(engine.requestText(layout.REQUEST_AUTHORITY_OFFSET, layout.REQUEST_AUTHORITY_LENGTH)).toBe(authority);
  });

  it('fills rows: lower-case names, trimmed values, hashes, no flags', () => {
    expect(engine.parseRequest(get('X-Test:\t v w \t', 'EMPTY:', 'X-Obs: caf\xe9', 'a:b:c'))).toBeGreaterThan(0);
    expect(engine.requestRows()).toEqual([
      { name: 'host', value: 'example.com', hash: fnv1a('host'), id: layout.HEADER_ID_HOST, flags: 0 },
      { name: 'x-test', value: 'v w', hash: fnv1a('x-test'), id: 0, flags: 0 },
      { name: 'empty', value: '', hash: fnv1a('empty'), id: 0, flags: 0 },
      { name: 'x-obs', value: 'caf\xe9', hash: fnv1a('x-obs'), id: 0, flags: 0 },
      { name: 'a', value: 'b:c', hash: fnv1a('a'), id: 0, flags: 0 },
    ]);
  });

  it('knows every special name by its id, and by no other name', () => {
    const ids = Object.entries(layout).filter(([constant]) => constant.startsWith('HEADER_ID_'));
    expect(ids.length).toBeGreaterThan(40);
    for (const [constant, id] of ids) {
      const name = constant.slice('HEADER_ID_'.length).toLowerCase().replaceAll('_', '-');
      // Any message will do, and a response may carry every name, since it takes no notice of Host.
      const value = name === 'content-length' ? '0' : 'chunked';
      expect(engine.parseResponse(`HTTP/1.1 200 OK\r\n${name.toUpperCase()}: ${value}\r\n\r\n`)).toBeGreaterThan(0);
      expect(engine.responseRows()).toMatchObject([{ name, id }]);
      engine.parseResponse(`HTTP/1.1 200 OK\r\n${name.replaceAll('-', '_')}x: ${value}\r\n\r\n`);
      expect(engine.responseRows()).toMatchObject([{ id: 0 }]);
    }
  });

  it.each([
    [post('Content-Length: 5'), layout.BODY_LENGTH, 5],
    [post('Content-Length: 0'), layout.BODY_LENGTH, 0],
    [post('Content-Length: 010'), layout.BODY_LENGTH, 10],
    [post('Content-Length: 4294967301'), layout.BODY_LENGTH, 4294967301],
    [post('Content-Length: 9007199254740991'), layout.BODY_LENGTH, Number.MAX_SAFE_INTEGER],
    [post('TRANSFER-ENCODING:\t cHuNkEd \t'), layout.BODY_CHUNKED, 0],
    [post('Content_Length: 9', 'Transfer_Encoding: chunked'), layout.BODY_NONE, 0],
  ])('decides the body of %j', (head, kind, length) => {
    expect(engine.parseRequest(head)).toBe(head.length);
    expect(engine.request(layout.REQUEST_BODY_KIND)).toBe(kind);
    expect(engine.view.getFloat64(engine.at(layout.SLAB_REQUEST) + layout.REQUEST_CONTENT_LENGTH, true)).toBe(length);
  });

  const NAMED = layout.REQUEST_FLAG_NAMED_OPTIONS;
  const websocket = ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket'];
  it.each([
    ['close', get('Connection: CLOSE'), layout.REQUEST_FLAG_CLOSE],
    ['close in a list', get('Connection: x , close,'), layout.REQUEST_FLAG_CLOSE | NAMED],
    ['close in a second line', get('Connection: x', 'Connection: close'), layout.REQUEST_FLAG_CLOSE | NAMED],
    ['no close', get('Connection: closed, xclose'), NAMED],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n', layout.REQUEST_FLAG_CLOSE],
    ['HTTP/1.0 kept alive', 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n', 0],
    ['HTTP/1.0 kept alive in a list', 'GET / HTTP/1.0\r\nConnection: x ,\tkeep-alive , y\r\n\r\n', NAMED],
    [
      'HTTP/1.0 with more than that',
      'GET / HTTP/1.0\r\nConnection: keep-alive x\r\n\r\n',
      layout.REQUEST_FLAG_CLOSE | NAMED,
    ],
    [
      'HTTP/1.0 with more before it',
      'GET / HTTP/1.0\r\nConnection: x keep-alive\r\n\r\n',
      layout.REQUEST_FLAG_CLOSE | NAMED,
    ],
    ['expect', post('Expect: 100-Continue'), layout.REQUEST_FLAG_EXPECT_CONTINUE],
    ['another expectation', post('Expect: 200-ok'), 0],
    ['HTTP/1.0 expect', 'GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n', layout.REQUEST_FLAG_CLOSE],
    ['websocket', get(...websocket), layout.REQUEST_FLAG_UPGRADE | layout.REQUEST_FLAG_WEBSOCKET],
    ['websocket by POST', post(...websocket), layout.REQUEST_FLAG_UPGRADE],
    ['websocket with a body', get(...websocket, 'Content-Length: 5'), layout.REQUEST_FLAG_UPGRADE],
    ['upgrade not in Connection', get('Upgrade: websocket'), 0],
    ['h2c', get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AA'), NAMED],
    ['another upgrade', get('Connection: upgrade', 'Upgrade: foo/1'), layout.REQUEST_FLAG_UPGRADE],
    ['two upgrades', get('Connection: upgrade', 'Upgrade: foo', 'Upgrade: websocket'), layout.REQUEST_FLAG_UPGRADE],
    ['grpc', post('Content-Type: application/grpc'), layout.REQUEST_FLAG_GRPC],
    ['grpc+proto', post('Content-Type: application/grpc+proto'), layout.REQUEST_FLAG_GRPC],
    ['grpc-web', post('Content-Type: application/grpc-web'), 0],
    ['te', post('TE: trailers'), layout.REQUEST_FLAG_TE_TRAILERS],
    ['another te', post('TE: gzip'), 0],
  ])('sets flags: %s', (_name, head, flags) => {
    expect(engine.parseRequest(head)).toBe(head.length);
    expect(engine.request(layout.REQUEST_FLAGS)).toBe(flags);
  });

  it('marks the fields that Connection names', () => {
    engine.parseRequest(get('X-Foo: 1', 'Connection: X-FOO, x-bar', 'X-Bar: 2', 'X-Keep: 3', 'Connection: nothing'));
    const marked = engine.requestRows().filter((row) => row.flags === layout.HEADER_FLAG_HOP_BY_HOP);
    expect(marked.map((row) => row.name)).toEqual(['x-foo', 'x-bar']);
  });

  it('accepts HTTP/1.0 for the caller to judge, with or without Host', () => {
    expect(engine.parseRequest('GET /a HTTP/1.0\r\n\r\n')).toBeGreaterThan(0);
    expect(engine.request(layout.REQUEST_VERSION)).toBe(10);
    expect(engine.request(layout.REQUEST_HOST_LENGTH)).toBe(0);
    expect(engine.parseRequest('GET http://a.example/ HTTP/1.0\r\n\r\n')).toBeGreaterThan(0);
    expect(engine.requestText(layout.REQUEST_HOST_OFFSET, layout.REQUEST_HOST_LENGTH)).toBe('a.example');
  });

  it('takes the scheme from the connection, not from the target', () => {
    engine.setFactNumber(layout.FACT_DOWNSTREAM_TLS, 1);
    engine.parseRequest(line('GET http://example.com/ HTTP/1.1'));
    expect(engine.request(layout.REQUEST_SCHEME)).toBe(1);
    engine.setFactNumber(layout.FACT_DOWNSTREAM_TLS, 0);
    engine.parseRequest(line('GET https://example.com/ HTTP/1.1'));
    expect(engine.request(layout.REQUEST_SCHEME)).toBe(0);
  });

  it('skips one empty line before the request and counts it', () => {
    const head = `\r\n${get()}`;
    expect(engine.parseRequest(head)).toBe(head.length);
  });

  it('is incomplete at every byte before the last', () => {
    const head = `\r\n${post('Content-Length: 5', 'Connection: close, X-A', 'X-A:  b ', 'Empty:')}`;
    for (let length = 0; length < head.length; length++) expect(engine.parseRequest(head.slice(0, length))).toBe(0);
    expect(engine.parseRequest(head)).toBe(head.length);
  });

  it('holds its limits: bytes and fields', () => {
    const fill = layout.MAX_HEAD_BYTES - get('X-Long: ').length;
    const longest = get(`X-Long: ${'v'.repeat(fill)}`);
    expect(engine.parseRequest(longest)).toBe(layout.MAX_HEAD_BYTES);
    expect(engine.parseRequest(get(`X-Long: ${'v'.repeat(fill + 1)}`))).toBe(FAILURE_HEAD_TOO_LARGE);
    expect(engine.parseRequest(line(`GET /${'a'.repeat(100000)} HTTP/1.1`))).toBe(FAILURE_HEAD_TOO_LARGE);
    expect(engine.parseRequest('A'.repeat(layout.MAX_HEAD_BYTES))).toBe(FAILURE_HEAD_TOO_LARGE);
    const fields = (count: number): string[] => Array.from({ length: count }, (_, index) => `X-${index}: v`);
    expect(engine.parseRequest(get(...fields(layout.DEFAULT_MAX_HEADERS - 1)))).toBeGreaterThan(0);
    expect(engine.parseRequest(get(...fields(layout.DEFAULT_MAX_HEADERS)))).toBe(FAILURE_HEAD_TOO_LARGE);
  });
});
