// SPDX-License-Identifier: Apache-2.0
/** writeRequestHead: what goes upstream for a request and its route. */
import { beforeEach, describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { BareEngine, builds } from '../support/bare-engine.js';
import { add, bindRoute, literal, remove, set } from '../support/bare-table.js';
import type { BareOp, BareRoute } from '../support/bare-table.js';

const { HEAD_FLAG_SIDECAR, HEAD_FLAG_UPGRADE } = layout;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Names of the lines that a gateway adds to every request. */
const ADDED = [
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-request-id',
  'x-envoy-attempt-count',
  'x-envoy-external-address',
];

const part = (kind: number, text = '', maxBytes = 0, alternative = '') => ({ kind, text, maxBytes, alternative });
const requestHeader = (name: string, maxBytes = 0, alternative = '') =>
  part(layout.PART_REQUEST_HEADER, name, maxBytes, alternative);

describe.each(builds)('writeRequestHead in %s', (build) => {
  let engine = new BareEngine(build);
  beforeEach(() => {
    engine = new BareEngine(build);
    engine.setFact(layout.FACT_DOWNSTREAM_REMOTE_IP, '203.0.113.7');
  });

  const write = (head: string, flags = 0): string => {
    expect(engine.parseRequest(head)).toBe(head.length);
    const written = engine.writeRequest(flags);
    if (typeof written === 'number') throw new Error(`failed with ${written}`);
    return written;
  };
  const linesOf = (text: string): string[] => text.split('\r\n').slice(0, -2);
  const get = (...lines: string[]): string => ['GET /a/b?x=1 HTTP/1.1', 'Host: h:8080', ...lines, '', ''].join('\r\n');
  /** The lines after Host without those that a gateway adds. */
  const fields = (head: string, flags = 0): string[] =>
    linesOf(write(head, flags))
      .slice(2)
      .filter((line) => !ADDED.some((name) => line.startsWith(`${name}:`)));
  /** All values of a name in the written head. */
  const valuesOf = (text: string, name: string): string[] =>
    linesOf(text).flatMap((line) => (line.startsWith(`${name}: `) ? [line.slice(name.length + 2)] : []));
  const withOps = (...requestOps: BareOp[]): void => bindRoute(engine, { requestOps });

  it('writes request line, Host, the fields in their order, forwarding fields and framing', () => {
    const text = write('POST /a?b HTTP/1.1\r\nAccept:  x \r\nHost: H:80\r\nContent-Length: 007\r\nX-A: 1\r\n\r\n');
    expect(text.replace(/x-request-id: .*\r\n/, '')).toBe(
      'POST /a?b HTTP/1.1\r\nhost: H:80\r\naccept: x\r\nx-a: 1\r\nx-forwarded-for: 203.0.113.7\r\n' +
        'x-forwarded-proto: http\r\nx-envoy-attempt-count: 1\r\nx-envoy-external-address: 203.0.113.7\r\n' +
        'content-length: 7\r\n\r\n',
    );
  });

  it('writes chunked framing and none', () => {
    expect(fields(get('Transfer-Encoding: chunked', 'X: y'))).toEqual(['x: y', 'transfer-encoding: chunked']);
    expect(fields(get())).toEqual([]);
  });

  it('writes origin-form for an absolute target, and normalised paths', () => {
    expect(write('GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n')).toMatch(/^GET \/\?q HTTP\/1.1\r\nhost: h\r\n/);
    expect(write('OPTIONS http://h HTTP/1.1\r\nHost: H\r\n\r\n')).toMatch(/^OPTIONS \* HTTP\/1.1\r\nhost: h\r\n/);
    engine.parseRequest('GET /a/../b?/../ HTTP/1.1\r\nHost: h\r\n\r\n');
    engine.calls.normalizePath(1);
    expect(engine.writeRequest()).toMatch(/^GET \/b\?\/\.\.\/ HTTP/);
  });

  it.each([
    ['connection and what it names', ['Connection: X-Foo, close', 'X-Foo: 1', 'X-Bar: 2'], ['x-bar: 2']],
    ['framing named by Connection', ['Connection: content-length', 'Content-Length: 3'], ['content-length: 3']],
    ['Host named by Connection', ['Connection: host'], []],
    ['keep-alive', ['Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive'], []],
    ['te', ['TE: gzip'], []],
    ['te for trailers is kept', ['TE: Trailers'], ['te: Trailers']],
    ['expect', ['Expect: 100-continue'], []],
    ['upgrade', ['Connection: upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: k'], ['sec-websocket-key: k']],
    ['h2c', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AA'], []],
    ['HTTP2-Settings that Connection does not name', ['HTTP2-Settings: AA'], []],
    ['trailer', ['Trailer: x'], []],
    ['client certificate', ['X-Forwarded-Client-Cert: By=x'], []],
    ['other fields of Envoy', ['X-Envoy-Foo: 1'], ['x-envoy-foo: 1']],
    ['lines of one name stay', ['Cookie: a', 'X: 1', 'Cookie: b'], ['cookie: a', 'x: 1', 'cookie: b']],
  ])('drops what is for this hop: %s', (_name, lines, expected) => {
    expect(fields(get(...lines))).toEqual(expected);
  });

  it.each([
    ...['retry-on', 'retry-grpc-on', 'max-retries', 'upstream-rq-timeout-ms', 'upstream-rq-per-try-timeout-ms'],
    ...['upstream-rq-timeout-alt-response', 'expected-rq-timeout-ms', 'retriable-status-codes', 'ip-tags'],
    ...['retriable-header-names', 'force-trace', 'hedge-on-per-try-timeout', 'decorator-operation', 'internal'],
    ...['original-path', 'original-host', 'original-url', 'peer-metadata', 'peer-metadata-id'],
    ...['downstream-service-cluster', 'downstream-service-node'],
  ])("drops a client's x-envoy-%s at gateways and sidecars", (name) => {
    const line = `X-Envoy-${name}: forged`;
    expect(write(get(line))).not.toContain('forged');
    expect(write(get(line), HEAD_FLAG_SIDECAR)).not.toContain('forged');
  });

  it('replaces a forged attempt count and external address', () => {
    engine.setExchange(0, layout.EXCHANGE_ATTEMPT, 3);
    const text = write(get('X-Envoy-Attempt-Count: 9', 'X-Envoy-External-Address: 1.1.1.1'));
    expect(valuesOf(text, 'x-envoy-attempt-count')).toEqual(['3']);
    expect(valuesOf(text, 'x-envoy-external-address')).toEqual(['203.0.113.7']);
  });

  it('keeps the WebSocket upgrade when told to', () => {
    const head = get('Connection: Upgrade, X-Foo', 'Upgrade: websocket', 'X-Foo: 1');
    expect(fields(head, HEAD_FLAG_UPGRADE)).toEqual(['connection: upgrade', 'upgrade: websocket']);
    expect(fields(get('Connection: upgrade', 'Upgrade: foo'), HEAD_FLAG_UPGRADE)).toEqual([]);
  });

  it('counts Max-Forwards down for OPTIONS and TRACE only', () => {
    const head = (method: string, value: string): string =>
      `${method} / HTTP/1.1\r\nHost: h\r\nMax-Forwards: ${value}\r\n\r\n`;
    expect(fields(head('OPTIONS', '5'))).toEqual(['max-forwards: 4']);
    expect(fields(head('TRACE', '10'))).toEqual(['max-forwards: 9']);
    expect(fields(head('GET', '5'))).toEqual(['max-forwards: 5']);
    expect(fields(head('OPTIONS', '0'))).toEqual(['max-forwards: 0']);
    expect(fields(head('OPTIONS', 'x'))).toEqual(['max-forwards: x']);
  });

  it('as a gateway says where the request came from', () => {
    const text = write(get('X-Forwarded-For: 1.1.1.1', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 2.2.2.2,3.3.3.3'));
    expect(valuesOf(text, 'x-forwarded-for')).toEqual(['1.1.1.1,2.2.2.2,3.3.3.3,203.0.113.7']);
    expect(valuesOf(text, 'x-forwarded-proto')).toEqual(['http']);
    engine.setFactNumber(layout.FACT_DOWNSTREAM_TLS, 1);
    expect(valuesOf(write(get()), 'x-forwarded-proto')).toEqual(['https']);
  });

  it('as a gateway gives each request its own id', () => {
    const ids = Array.from({ length: 50 }, () => valuesOf(write(get('X-Request-Id: mine')), 'x-request-id'));
    for (const id of ids) expect(id).toEqual([expect.stringMatching(UUID)]);
    expect(new Set(ids.flat()).size).toBe(50);
  });

  it('as a sidecar leaves x-forwarded-for alone and fills in only what is missing', () => {
    const sent = ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-Proto: https', 'X-Request-Id: mine'];
    const kept = write(get(...sent), HEAD_FLAG_SIDECAR);
    expect(valuesOf(kept, 'x-forwarded-for')).toEqual(['1.1.1.1']);
    expect(valuesOf(kept, 'x-forwarded-proto')).toEqual(['https']);
    expect(valuesOf(kept, 'x-request-id')).toEqual(['mine']);
    expect(valuesOf(kept, 'x-envoy-external-address')).toEqual([]);
    const filled = write(get('X-Request-Id:'), HEAD_FLAG_SIDECAR);
    expect(valuesOf(filled, 'x-forwarded-for')).toEqual([]);
    expect(valuesOf(filled, 'x-forwarded-proto')).toEqual(['http']);
    expect(valuesOf(filled, 'x-request-id')).toEqual([expect.stringMatching(UUID)]);
  });

  const rewriteTo = (path: string, matched: number): BareRoute => ({
    rewrite: { kind: layout.REWRITE_PATH, path, matched },
  });
  it.each([
    ['a prefix', rewriteTo('/new', 2), '/new/b?x=1'],
    ['the whole path', rewriteTo('/new', layout.WHOLE_PATH), '/new?x=1'],
    ['no match: the root slash', rewriteTo('/new/', 1), '/new/a/b?x=1'],
    ['without slash clean-up', rewriteTo('/', 2), '//b?x=1'],
    ['to nothing', rewriteTo('', layout.WHOLE_PATH), '/?x=1'],
  ])('rewrites the path: %s', (_name, route, target) => {
    bindRoute(engine, route);
    const text = write(get());
    expect(text).toMatch(/^GET \S+ HTTP\/1\.1\r\nhost: h:8080\r\n/);
    expect(text.split(' ')[1]).toBe(target);
    expect(valuesOf(text, 'x-envoy-original-path')).toEqual(['/a/b?x=1']);
  });

  it('takes a path that the host computed', () => {
    bindRoute(engine, { rewrite: { kind: layout.REWRITE_REGEX, path: '', matched: 0 } });
    engine.setFact(layout.FACT_REWRITTEN_PATH, '/computed');
    expect(write(get()).split(' ')[1]).toBe('/computed?x=1');
    engine.setFact(layout.FACT_REWRITTEN_PATH, '');
    expect(write(get()).split(' ')[1]).toBe('/a/b?x=1');
  });

  it('names the original path of an absolute target', () => {
    bindRoute(engine, rewriteTo('/new', layout.WHOLE_PATH));
    const original = (target: string): string[] =>
      valuesOf(write(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`), 'x-envoy-original-path');
    expect(original('http://h/p/q?r')).toEqual(['/p/q?r']);
    expect(original('http://h')).toEqual(['/']);
  });

  it('rewrites the host and says what it was', () => {
    bindRoute(engine, { host: 'new.example', timeoutMs: 2500 });
    const text = write(get());
    expect(valuesOf(text, 'host')).toEqual(['new.example']);
    expect(valuesOf(text, 'x-envoy-original-host')).toEqual(['h:8080']);
    expect(valuesOf(text, 'x-envoy-expected-rq-timeout-ms')).toEqual(['2500']);
  });

  describe('header operations', () => {
    const sent = ['X-A: 1', 'X-B: 2', 'X-A: 3'];
    it.each<[string, BareOp[], string[]]>([
      ['remove takes all lines', [remove('x-a')], ['x-b: 2']],
      ['remove of what is not there', [remove('x-z')], ['x-a: 1', 'x-b: 2', 'x-a: 3']],
      ['set replaces all lines', [set('x-a', literal('n'))], ['x-b: 2', 'x-a: n']],
      ['set adds', [set('x-n', literal('n'))], ['x-a: 1', 'x-b: 2', 'x-a: 3', 'x-n: n']],
      ['add appends', [add('x-b', literal('n'))], ['x-a: 1', 'x-b: 2', 'x-a: 3', 'x-b: n']],
      ['in order: add then set', [add('x-b', literal('n')), set('x-b', literal('m'))], ['x-a: 1', 'x-a: 3', 'x-b: m']],
      ['in order: set then add', [set('x-a', literal('n')), add('x-a', literal('m'))], ['x-b: 2', 'x-a: n', 'x-a: m']],
      ['in order: set then remove', [set('x-a', literal('n')), remove('x-a')], ['x-b: 2']],
      ['in order: remove then add', [remove('x-b'), add('x-b', literal('n'))], ['x-a: 1', 'x-a: 3', 'x-b: n']],
      ['empty set leaves the header', [set('x-a', requestHeader('x-z'))], ['x-a: 1', 'x-b: 2', 'x-a: 3']],
      [
        'empty set does not undo an add',
        [add('x-n', literal('n')), set('x-n')],
        ['x-a: 1', 'x-b: 2', 'x-a: 3', 'x-n: n'],
      ],
      ['empty add adds nothing', [add('x-n', requestHeader('x-z'))], ['x-a: 1', 'x-b: 2', 'x-a: 3']],
      ['a prefix of a name is another name', [remove('x'), remove('x-a-b')], ['x-a: 1', 'x-b: 2', 'x-a: 3']],
    ])('%s', (_name, ops, expected) => {
      withOps(...ops);
      expect(fields(get(...sent))).toEqual(expected);
    });

    it('reach what the proxy adds', () => {
      withOps(remove('x-request-id'), remove('x-forwarded-for'), set('x-forwarded-proto', literal('ftp')));
      const text = write(get('X-Forwarded-For: 1.1.1.1'));
      expect(valuesOf(text, 'x-request-id')).toEqual([]);
      expect(valuesOf(text, 'x-forwarded-for')).toEqual([]);
      expect(valuesOf(text, 'x-forwarded-proto')).toEqual(['ftp']);
    });

    it.each(['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'keep-alive', 'te'])(
      'cannot touch %s',
      (name) => {
        const head = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n';
        const before = write(head).replace(/x-request-id: .*/, '');
        withOps(remove(name), set(name, literal('99')), add(name, literal('98')));
        expect(write(head).replace(/x-request-id: .*/, '')).toBe(before);
      },
    );

    it.each([
      ['the first line of a name', [requestHeader('x-a')], '1'],
      ['the original, whatever was done before', [literal('<'), requestHeader('x-b'), literal('>')], '<2>'],
      ['a bounded header', [requestHeader('user-agent', 3)], 'cur'],
      ['the alternative', [requestHeader('x-z', 0, 'x-b')], '2'],
      ['no alternative for a header that is there', [requestHeader('x-empty', 0, 'x-b'), literal('!')], '!'],
      ['the path with query', [requestHeader(':path')], '/a/b?x=1'],
      ['the alternative path', [requestHeader('x-envoy-original-path', 0, ':path')], '/a/b?x=1'],
      ['the method', [requestHeader(':method')], 'GET'],
      ['the authority', [requestHeader(':authority')], 'h:8080'],
      ['the scheme', [requestHeader(':scheme')], 'http'],
      ['the protocol', [part(layout.PART_PROTOCOL)], 'HTTP/1.1'],
      ['the client address', [part(layout.PART_DOWNSTREAM_REMOTE_IP)], '203.0.113.7'],
      [
        'no response header',
        [part(layout.PART_RESPONSE_HEADER, 'server'), part(layout.PART_RESPONSE_CODE), literal('-')],
        '-',
      ],
    ])('expand %s', (_name, parts, value) => {
      withOps(remove('x-b'), set('x-out', ...parts));
      const text = write(get(...sent, 'X-Empty:', 'User-Agent: curl'));
      expect(valuesOf(text, 'x-out')).toEqual([value]);
    });

    it.each([
      [layout.PART_DOWNSTREAM_REMOTE, layout.FACT_DOWNSTREAM_REMOTE],
      [layout.PART_DOWNSTREAM_LOCAL, layout.FACT_DOWNSTREAM_LOCAL],
      [layout.PART_DOWNSTREAM_LOCAL_IP, layout.FACT_DOWNSTREAM_LOCAL_IP],
      [layout.PART_DOWNSTREAM_LOCAL_PORT, layout.FACT_DOWNSTREAM_LOCAL_PORT],
      [layout.PART_UPSTREAM_REMOTE, layout.FACT_UPSTREAM_REMOTE],
      [layout.PART_UPSTREAM_CLUSTER, layout.FACT_UPSTREAM_CLUSTER],
      [layout.PART_START_TIME, layout.FACT_START_TIME],
      [layout.PART_ROUTE_NAME, layout.FACT_ROUTE_NAME],
    ])('expand part %i from fact %i', (kind, fact) => {
      withOps(set('x-out', part(kind)));
      engine.setFact(fact, 'the fact');
      expect(valuesOf(write(get()), 'x-out')).toEqual(['the fact']);
    });
  });

  it('never writes beyond the capacity', () => {
    bindRoute(engine, { requestOps: [set('x-out', literal('value'))], host: 'new' });
    const head = get('Accept: x', 'X-Forwarded-For: 1.1.1.1');
    const whole = write(head).length;
    const out = engine.at(layout.SLAB_OUTPUT);
    for (let capacity = 0; capacity < whole; capacity++) {
      engine.bytes.fill(0xee, out, out + whole + 8);
      expect(engine.writeRequest(0, capacity)).toBe(layout.FAILURE_OUTPUT_FULL);
      const beyond = engine.bytes.subarray(out + capacity, out + whole + 8);
      expect(beyond.every((byte) => byte === 0xee)).toBe(true);
    }
    expect(engine.writeRequest(0, whole)).toHaveLength(whole);
  });
});
