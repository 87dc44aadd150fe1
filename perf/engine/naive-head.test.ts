// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { forwardRequestHead, forwardResponseHead } from './naive-head.js';

const out = Buffer.alloc(4096);

function request(text: string): string {
  const head = Buffer.from(text, 'latin1');
  return out.toString('latin1', 0, forwardRequestHead(head, head.length, '203.0.113.7', out));
}

describe('the naive head', () => {
  it('keeps end-to-end fields, drops hop-by-hop ones and says where the request came from', () => {
    const head = request('GET /a?b HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\nX-A: 1\r\n\r\n');
    expect(head).toMatch(
      /^GET \/a\?b HTTP\/1\.1\r\nhost: shop\.example\r\nx-a: 1\r\nx-forwarded-for: 203\.0\.113\.7\r\nx-forwarded-proto: http\r\nx-request-id: [0-9a-f-]{36}\r\n\r\n$/,
    );
  });

  it('appends to a list of addresses and keeps a request id that is there', () => {
    const head = request('GET / HTTP/1.1\r\nX-Forwarded-For: 10.0.0.1\r\nX-Request-Id: 7\r\n\r\n');
    expect(head).toContain('x-forwarded-for: 10.0.0.1,203.0.113.7\r\n');
    expect(head).toContain('x-request-id: 7\r\n');
  });

  it('marks a response with its own name and the time that the upstream took', () => {
    const head = Buffer.from('HTTP/1.1 200 OK\r\nServer: other\r\nContent-Length: 2\r\n\r\n', 'latin1');
    const length = forwardResponseHead(head, head.length, 3, out);
    expect(out.toString('latin1', 0, length)).toBe(
      'HTTP/1.1 200 OK\r\nserver: weft\r\ncontent-length: 2\r\nx-envoy-upstream-service-time: 3\r\n\r\n',
    );
  });
});
