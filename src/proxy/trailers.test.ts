// SPDX-License-Identifier: Apache-2.0
/** Which trailer fields go on; that they arrive is shown by test/proxy/trailers.test.ts. */
import { describe, expect, it } from 'vitest';
import { forwardableTrailers } from './trailers.js';

function kept(...lines: string[]): string[] {
  const section = Buffer.from([...lines, '', ''].join('\r\n'), 'latin1');
  const text = forwardableTrailers(section).toString('latin1');
  return text === '' ? [] : text.slice(0, -2).split('\r\n');
}

describe('trailer fields', () => {
  it('go on in their order, written anew', () => {
    expect(kept('X-Checksum:  abc \t', 'grpc-status:0', 'x-checksum: \xe9', 'Empty:')).toEqual([
      'x-checksum: abc',
      'grpc-status: 0',
      'x-checksum: \xe9',
      'empty: ',
    ]);
  });

  it('keep colons and spaces inside their values', () => {
    expect(kept('server-timing: db;dur=53, app;desc="a: b"')).toEqual(['server-timing: db;dur=53, app;desc="a: b"']);
  });

  it.each([
    ['framing', 'Transfer-Encoding', 'Content-Length', 'Trailer', 'TE', 'Connection', 'Keep-Alive', 'Upgrade'],
    ['routing', 'Host', 'Forwarded', 'X-Forwarded-For', 'Via', 'Max-Forwards', 'X-Envoy-Original-Path'],
    ['authentication', 'Authorization', 'Proxy-Authorization', 'WWW-Authenticate', 'Cookie', 'Set-Cookie'],
    ['request modifiers', 'Cache-Control', 'Expect', 'If-Match', 'Range', 'Pragma', 'Sec-Fetch-Site'],
    ['response control', 'Age', 'Date', 'Expires', 'Location', 'Retry-After', 'Vary', 'Access-Control-Allow-Origin'],
    ['the content format', 'Content-Encoding', 'Content-Type', 'Content-Range', 'content-security-policy'],
    ['what the proxy vouches for', 'X-Request-Id', 'Server', 'X-Weft-Reason', 'X-Envoy-Peer-Metadata'],
  ])('of %s are dropped', (_kind, ...names) => {
    expect(kept(...names.map((name) => `${name}: 1`), 'x-kept: 1')).toEqual(['x-kept: 1']);
  });

  it('that were made for trailers go on although their name begins like others', () => {
    expect(kept('Content-Digest: sha-256=:X48E:', 'etag: "1"')).toEqual([
      'content-digest: sha-256=:X48E:',
      'etag: "1"',
    ]);
  });

  it('are all dropped when there are more than a head may have', () => {
    const lines = Array.from({ length: 101 }, (_, index) => `x-${index}: 1`);
    expect([kept(...lines.slice(0, 100)).length, kept(...lines).length]).toEqual([100, 0]);
  });

  it('may be missing', () => {
    expect(kept()).toEqual([]);
  });
});
