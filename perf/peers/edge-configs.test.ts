// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { Work } from './contract.js';
import { haproxyConfig, haproxyMap } from './haproxy.js';
import { nginxConfig } from './nginx.js';
import { yamlOfWork } from './weft.js';

const PLACES = { directory: '/run/peer', port: 8080, statusPort: 8081, threads: 1 };

function work(kind: 'exact' | 'prefix' | 'regex' | 'header', rest: Partial<Work> = {}): Work {
  return { upstreams: [9001], routes: { kind, count: 3 }, ...rest };
}

interface Document {
  readonly kind: string;
  readonly spec: { readonly http: readonly object[] };
}

function virtualServiceOf(some: Work): readonly object[] {
  const documents = parseAllDocuments(yamlOfWork(some)).map((document) => document.toJS() as Document);
  return documents.find(({ kind }) => kind === 'VirtualService')?.spec.http ?? [];
}

describe('the same work', () => {
  it.each(['exact', 'prefix', 'regex', 'header'] as const)('has its %s routes in order for Weft', (kind) => {
    const routes = virtualServiceOf(work(kind));
    expect(routes).toHaveLength(3);
    expect(JSON.stringify(routes[2])).toContain('route-2');
  });

  it('has its weights for Weft', () => {
    const [route] = virtualServiceOf({ upstreams: [9001, 9002], routes: null, weights: [90, 10] });
    expect(route).toMatchObject({ route: [{ weight: 90 }, { weight: 10 }] });
  });

  it.each([
    ['exact', 'location = /shop/route-2 {'],
    ['prefix', 'location /shop/route-2/ {'],
    ['regex', 'location ~ "^/shop/route-2/[0-9]+$" {'],
    ['header', 'route-2 upstream_0;'],
  ] as const)('has its %s routes for nginx', (kind, text) => {
    expect(nginxConfig(work(kind), PLACES)).toContain(text);
  });

  const tls = { certificate: '/c.crt', privateKey: '/c.key', both: '/c.pem' };

  it.each([
    ['http2', { protocol: 'http2' }, 'grpc_pass grpc://upstream_0', ' proto h2', '"GRPC"'],
    ['tcp', { protocol: 'tcp' }, 'proxy_pass 127.0.0.1:9001', 'mode tcp', '"TCP"'],
    ['websocket', { protocol: 'websocket' }, 'Connection "upgrade"', 'timeout tunnel', '"HTTP"'],
    ['TLS', { tls }, 'ssl_certificate /c.crt', 'ssl crt /c.pem', '"/c.crt"'],
  ] as const)('speaks %s for all three', (_, more, nginxText, haproxyText, weftText) => {
    const some = { upstreams: [9001], routes: null, ...more };
    expect(nginxConfig(some, PLACES)).toContain(nginxText);
    expect(haproxyConfig(some, PLACES, 'g')).toContain(haproxyText);
    const documents = parseAllDocuments(yamlOfWork(some)).map((document) => document.toJS() as object);
    expect(JSON.stringify(documents)).toContain(weftText);
  });

  it.each([
    ['exact', 'map_str', '/shop/route-2 upstream_0'],
    ['prefix', 'map_beg', '/shop/route-2/ upstream_0'],
    ['regex', 'map_reg', '^/shop/route-2/[0-9]+$ upstream_0'],
    ['header', 'req.hdr(x-route),map_str', 'route-2 upstream_0'],
  ] as const)('has its %s routes for HAProxy', (kind, lookup, row) => {
    expect(haproxyConfig(work(kind), PLACES, 'g')).toContain(lookup);
    expect(haproxyMap(work(kind))).toContain(`${row}\n`);
  });
});
