// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import {
  clusterOf,
  endpointOf,
  exact,
  forwardTo,
  listenerOf,
  modelOf,
  ORIGIN,
  prefix,
  regex,
  routeOf,
  virtualHostOf,
} from '../../test/support/model-factory.js';
import type { HeaderOp, RoutingModel } from '../model/model.js';
import { encodeTables } from './encode.js';

function modelWith(...routes: Parameters<typeof virtualHostOf>[1]): RoutingModel {
  return modelOf(listenerOf(virtualHostOf(['*'], routes)));
}

/** A u32 field of a record. */
function field(tables: Uint8Array, pair: number, record: number, size: number, offset: number): number {
  const view = new DataView(tables.buffer, tables.byteOffset);
  return view.getUint32(view.getUint32(pair + 4, true) + record * size + offset, true);
}

function countOf(tables: Uint8Array, pair: number): number {
  return new DataView(tables.buffer, tables.byteOffset).getUint32(pair, true);
}

function textAt(tables: Uint8Array, offset: number, length: number): string {
  return Buffer.from(tables.subarray(offset, offset + length)).toString('utf8');
}

describe('encodeTables', () => {
  it('gives equal bytes for equal models', () => {
    const model = (): RoutingModel =>
      modelWith(routeOf(regex('/a[0-9]+')), routeOf(prefix('/b')), routeOf(exact('/é')));
    expect(Buffer.compare(encodeTables(model()).tables, encodeTables(model()).tables)).toBe(0);
  });

  it('puts healthy endpoints first and adds up their weights only', () => {
    const endpoints = [endpointOf('10.0.0.1', 5, false), endpointOf('10.0.0.2', 2), endpointOf('fd00::1', 4)];
    const { tables, host } = encodeTables({ listeners: [], clusters: [clusterOf('a', endpoints)] });
    expect(host.clusters[0]?.endpoints.map(({ address }) => address)).toEqual(['10.0.0.2', 'fd00::1', '10.0.0.1']);
    const cluster = (offset: number): number => field(tables, layout.TABLE_CLUSTERS, 0, layout.CLUSTER_SIZE, offset);
    expect(cluster(layout.CLUSTER_HEALTHY_COUNT)).toBe(2);
    expect(cluster(layout.CLUSTER_WEIGHT_TOTAL)).toBe(6);
    expect([1, 5]).toContain(cluster(layout.CLUSTER_STRIDE) % 6);
    const endpoint = (record: number, offset: number): number =>
      field(tables, layout.TABLE_ENDPOINTS, record, layout.ENDPOINT_SIZE, offset);
    expect([0, 1].map((record) => endpoint(record, layout.ENDPOINT_CUMULATIVE_WEIGHT))).toEqual([2, 6]);
    const address = endpoint(1, layout.ENDPOINT_ADDRESS_OFFSET);
    expect(textAt(tables, address, endpoint(1, layout.ENDPOINT_ADDRESS_LENGTH))).toBe('[fd00::1]:8080');
  });

  it('scales weights whose sum is beyond 32 bits', () => {
    const big = 2_000_000_000;
    const { tables } = encodeTables(modelWith(routeOf(prefix('/'), {}, forwardTo(['a', big], ['b', big], ['c', 1]))));
    const cumulative = [0, 1, 2].map((record) =>
      field(tables, layout.TABLE_WEIGHTED, record, layout.WEIGHTED_SIZE, layout.WEIGHTED_CUMULATIVE),
    );
    expect(cumulative).toEqual([big, 2 * big, 2 * big + 1]);
    const more = forwardTo(['a', big], ['b', big], ['c', big], ['a', 1]);
    const scaled = encodeTables(modelWith(routeOf(prefix('/'), {}, more))).tables;
    const [first, second, third, last] = [0, 1, 2, 3].map((record) =>
      field(scaled, layout.TABLE_WEIGHTED, record, layout.WEIGHTED_SIZE, layout.WEIGHTED_CUMULATIVE),
    );
    expect(second).toBe(2 * (first ?? 0));
    expect(third).toBe(3 * (first ?? 0));
    expect(last).toBe((third ?? 0) + 1);
  });

  it('reports an invalid pattern once, with the route that has it', () => {
    const route = routeOf(regex('/(a'));
    const { problems } = encodeTables(
      modelWith(route, routeOf(prefix('/'), { method: { kind: 'regex', value: '/(a' } })),
    );
    expect(problems).toEqual([
      { severity: 'error', code: 'invalid-regex', message: expect.stringContaining('/(a') as string, origin: ORIGIN },
    ]);
  });

  it('leaves patterns to the host when the budget for automata is spent', () => {
    const result = encodeTables(modelWith(routeOf(regex('/a[0-9]+'))), { maxAutomataBytes: 100 });
    expect(result.host.patterns).toEqual(['/a[0-9]+']);
    expect(result.problems.map(({ code, severity }) => [code, severity])).toEqual([['regex-on-host', 'warning']]);
  });

  it('stores a pattern once however many conditions use it', () => {
    const method = { kind: 'regex', value: '[A-Z]+' } as const;
    const { tables } = encodeTables(modelWith(...Array.from({ length: 50 }, () => routeOf(prefix('/'), { method }))));
    expect(countOf(tables, layout.TABLE_PATTERNS)).toBe(1);
  });

  it('leaves routes out of the index that nothing can reach', () => {
    const put = { method: { kind: 'exact', value: 'PUT' } } as const;
    const reachable = [routeOf(prefix('/a'), put), routeOf(prefix('/a')), routeOf({ kind: 'any' })];
    const { tables } = encodeTables(modelWith(...reachable, routeOf(prefix('/a'), put), routeOf(prefix('/b'))));
    expect(countOf(tables, layout.TABLE_CANDIDATES)).toBe(3);
    expect(countOf(tables, layout.TABLE_ROUTES)).toBe(5);
  });

  it('writes templates as parts and says when a response needs the request', () => {
    const ops: readonly HeaderOp[] = [
      { op: 'remove', name: 'x-old' },
      {
        op: 'set',
        name: 'x-from',
        value: [
          { kind: 'hostname' },
          { kind: 'request-header', name: 'x-id', alternative: 'x-other', maxBytes: 8 },
          { kind: 'protocol' },
        ],
      },
    ];
    const direct = { kind: 'direct', status: 200, body: new Uint8Array([1]), responseHeaders: ops } as const;
    const { tables, host } = encodeTables(modelWith(routeOf(prefix('/'), {}, direct)), { hostname: 'node-1' });
    expect(host.routes[0]).toMatchObject({ directStatus: 200, keepRequestHead: true, weighted: [] });
    const part = (record: number, offset: number): number =>
      field(tables, layout.TABLE_TEMPLATE_PARTS, record, layout.TEMPLATE_PART_SIZE, offset);
    expect([0, 1, 2].map((record) => part(record, layout.PART_KIND))).toEqual([
      layout.PART_LITERAL,
      layout.PART_REQUEST_HEADER,
      layout.PART_PROTOCOL,
    ]);
    const text = (record: number): string =>
      textAt(tables, part(record, layout.PART_TEXT_OFFSET), part(record, layout.PART_TEXT_LENGTH));
    expect([text(0), text(1)]).toEqual(['node-1', 'x-id']);
    expect(part(1, layout.PART_MAX_BYTES)).toBe(8);
  });

  it('says how much of the path a rewrite replaces', () => {
    const paths = [prefix('/api/'), exact('/x'), regex('/a.*'), { kind: 'any' } as const];
    const { tables } = encodeTables(modelWith(...paths.map((path) => routeOf(path))));
    const lengths = paths.map((_, record) =>
      field(tables, layout.TABLE_ROUTES, record, layout.ROUTE_SIZE, layout.ROUTE_MATCHED_PATH_LENGTH),
    );
    expect(lengths).toEqual([5, layout.WHOLE_PATH, layout.WHOLE_PATH, 1]);
  });

  it('keeps what the host needs of a route', () => {
    const redirect = { kind: 'redirect', status: 302, path: '/there', responseHeaders: [] } as const;
    const rewrite = { kind: 'regex', pattern: '^/a', substitution: '/b' } as const;
    const routes = [
      routeOf(exact('/r'), {}, redirect),
      routeOf(prefix('/'), {}, { ...forwardTo(['a', 1], ['b', 2]), rewrite }),
    ];
    const { host } = encodeTables(modelWith(...routes));
    expect(host.routes[0]?.redirect).toEqual(redirect);
    expect(host.routes[1]).toMatchObject({
      regexRewrite: { pattern: '^/a', substitution: '/b' },
      weighted: [
        { cluster: 'a', weight: 1 },
        { cluster: 'b', weight: 2 },
      ],
      conditions: ['path prefix /'],
      virtualHost: 0,
    });
    expect(host.virtualHosts[0]).toMatchObject({ filterChain: 0, firstRoute: 0, routeCount: 2, domains: ['*'] });
  });
});
