// SPDX-License-Identifier: Apache-2.0
/** Generated and damaged heads: the engine against a plain reference parser, and against the bounds of its memory. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { BareEngine, builds } from '../support/bare-engine.js';
import { referenceRequest } from '../support/reference-h1.js';
import type { ReferenceRequest } from '../support/reference-h1.js';

const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.!~|'), minLength: 1, maxLength: 12 });
const method = fc.constantFrom('GET', 'POST', 'OPTIONS', 'HEAD', 'CONNECT', 'TRACE', 'X-OTHER');
const target = fc.constantFrom(
  ...['/', '/a/b?c=d', '/?', '*', '/%2e%2e/\\', 'http://h.example', 'https://H.example:443/p?q', 'http://h.example?q'],
  ...['h.example:443', '//x', 'HTTP://h.example:80/'],
);
const value = fc.string({ unit: fc.constantFrom(...'abc ,;=:\t"09\xe9\xff'), maxLength: 20 });
const interesting: readonly string[] = [
  ...['Content-Length: 5', 'content-length: 05', 'Content-Length: 5, 5', 'Content-Length: +5', 'Content-Length: '],
  ...['Transfer-Encoding: chunked', 'transfer-encoding:Chunked ', 'Transfer-Encoding: gzip, chunked'],
  ...[
    'Connection: close',
    'Connection: keep-alive, X-A',
    'X-A: 1',
    'Host: h.example',
    'Upgrade: websocket',
    'TE: trailers',
  ],
];
const field = fc.oneof(
  fc.tuple(token, value).map(([name, text]) => `${name}: ${text}`),
  fc.constantFrom(...interesting),
);
const host = fc.constantFrom(
  'Host: h.example',
  'host:h.example:443',
  'HOST: h.example:80 ',
  'Host: [::1]:8',
  'Host:',
  'X: y',
);
const head = fc
  .record({
    method,
    target,
    version: fc.constantFrom('1.1', '1.1', '1.1', '1.0'),
    host,
    fields: fc.array(field, { maxLength: 6 }),
  })
  .map((parts) =>
    [`${parts.method} ${parts.target} HTTP/${parts.version}`, parts.host, ...parts.fields, '', ''].join('\r\n'),
  );
/** Bytes that parsers stumble over. */
const trouble = fc.constantFrom(
  '\r',
  '\n',
  '\r\n',
  ' ',
  '\t',
  '\0',
  ':',
  '\x7f',
  '\x80',
  '#',
  '?',
  '/',
  '@',
  ',',
  ';',
  '\x0b',
  'a',
  '0',
);
const damage = fc.array(
  fc.record({ place: fc.nat(), cut: fc.nat({ max: 3 }), insert: fc.option(trouble, { nil: '' }) }),
  { maxLength: 3 },
);
const damagedHead = fc.tuple(head, damage).map(([text, blows]) =>
  blows.reduce((rest, blow) => {
    const place = blow.place % (rest.length + 1);
    return rest.slice(0, place) + blow.insert + rest.slice(place + blow.cut);
  }, text),
);

const bodyKinds = { none: layout.BODY_NONE, length: layout.BODY_LENGTH, chunked: layout.BODY_CHUNKED };
/** What writeRequestHead leaves out, renames or adds; all else has to arrive. */
const ofTheHop = new Set([
  ...['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'expect', 'te', 'trailer', 'keep-alive'],
  ...['proxy-connection', 'http2-settings', 'max-forwards'],
]);
const added = /^x-(forwarded-(for|proto)|request-id|envoy-)/;

describe.each(builds)('request heads in %s', (build) => {
  const engine = new BareEngine(build);
  engine.setFact(layout.FACT_DOWNSTREAM_REMOTE_IP, '203.0.113.7');

  const parsed = (): Omit<ReferenceRequest, 'length'> => ({
    method: engine.requestText(layout.REQUEST_METHOD_OFFSET, layout.REQUEST_METHOD_LENGTH),
    path: engine.path,
    query:
      engine.request(layout.REQUEST_HAS_QUERY) === 0
        ? undefined
        : engine.requestText(layout.REQUEST_QUERY_OFFSET, layout.REQUEST_QUERY_LENGTH),
    authority: engine.requestText(layout.REQUEST_AUTHORITY_OFFSET, layout.REQUEST_AUTHORITY_LENGTH),
    host: engine.requestText(layout.REQUEST_HOST_OFFSET, layout.REQUEST_HOST_LENGTH),
    version: engine.request(layout.REQUEST_VERSION) === 11 ? 11 : 10,
    body: (['none', 'length', 'chunked'] as const)[engine.request(layout.REQUEST_BODY_KIND)] ?? 'none',
    contentLength: engine.view.getFloat64(engine.at(layout.SLAB_REQUEST) + layout.REQUEST_CONTENT_LENGTH, true),
    fields: engine.requestRows().map((row) => [row.name, row.value] as const),
  });

  it('are accepted exactly when the reference accepts them, and mean the same', () => {
    let accepted = 0;
    fc.assert(
      fc.property(damagedHead, (text) => {
        const result = engine.parseRequest(text);
        const reference = referenceRequest(text);
        expect(result > 0).toBe(reference !== undefined);
        if (!reference) return;
        accepted++;
        const { length, ...meaning } = reference;
        expect(result).toBe(length);
        expect(parsed()).toEqual(meaning);
      }),
      { numRuns: 4000 },
    );
    // The generator would prove nothing if it produced refusals only.
    expect(accepted).toBeGreaterThan(200);
  });

  it('are incomplete when cut anywhere, if the whole is accepted', () => {
    fc.assert(
      fc.property(head, fc.nat(), (text, place) => {
        fc.pre(engine.parseRequest(text) === text.length);
        expect(engine.parseRequest(text.slice(0, place % text.length))).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });

  it('are read from their bytes alone, and nothing else is written to', () => {
    const end = engine.at(layout.SLAB_INPUT) + 4096;
    const scratchEnd = engine.at(layout.SLAB_SCRATCH) + layout.SCRATCH_SIZE;
    const untouched = [
      [engine.slab, engine.at(layout.SLAB_REQUEST)],
      [engine.at(layout.SLAB_RESPONSE), engine.at(layout.SLAB_REQUEST_HEADERS)],
      [engine.at(layout.SLAB_RESPONSE_HEADERS), engine.at(layout.SLAB_SCRATCH)],
      [scratchEnd, end - 2048],
      [end, end + 2048],
    ] as const;
    const bytes = fc.oneof(
      damagedHead.map((text) => Buffer.from(text, 'latin1')),
      fc.uint8Array({ maxLength: 200 }),
    );
    fc.assert(
      fc.property(bytes, trouble, (input, after) => {
        const offset = end - input.length;
        const run = (padding: string): number => {
          engine.bytes.fill(padding, end, end + 64, 'latin1');
          engine.write(input, offset);
          return engine.calls.parseRequestHead(offset, input.length);
        };
        const first = run('\r\n');
        const before = untouched.map(([from, to]) => Buffer.from(engine.bytes.subarray(from, to)));
        before[4]?.fill(after, 0, 64, 'latin1');
        expect(run(after)).toBe(first);
        untouched.forEach(([from, to], index) => {
          expect(before[index]?.equals(engine.bytes.subarray(from, to))).toBe(true);
        });
      }),
      { numRuns: 1000 },
    );
  });

  it('mean the same when they are written and parsed again', () => {
    let written = 0;
    fc.assert(
      fc.property(head, fc.boolean(), (text, sidecar) => {
        fc.pre(engine.parseRequest(text) === text.length && engine.request(layout.REQUEST_HOST_LENGTH) > 0);
        const before = parsed();
        const dropped = new Set(engine.requestRows().flatMap((row) => (row.flags === 0 ? [] : [row.name])));
        const upstream = engine.writeRequest(sidecar ? layout.HEAD_FLAG_SIDECAR : 0);
        expect(engine.parseRequest(String(upstream))).toBe(String(upstream).length);
        const after = parsed();
        const endToEnd = (fields: ReferenceRequest['fields']): ReferenceRequest['fields'] =>
          fields.filter(([name]) => !ofTheHop.has(name) && !added.test(name) && !dropped.has(name));
        expect({ ...after, fields: endToEnd(after.fields) }).toEqual({
          ...before,
          version: 11,
          fields: endToEnd(before.fields),
        });
        expect(engine.request(layout.REQUEST_BODY_KIND)).toBe(bodyKinds[before.body]);
        written++;
      }),
      { numRuns: 1500 },
    );
    expect(written).toBeGreaterThan(200);
  });
});
