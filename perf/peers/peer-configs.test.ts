// SPDX-License-Identifier: Apache-2.0
/** The configurations of the peers as their builders write them: order, weights, limits. Running them is the suite's part. */
import { describe, expect, it } from 'vitest';
import { buildCaddyConfig, repeatByWeight } from './caddy-config.js';
import { pathOfRoute, patternOfRoute } from './contract.js';
import type { RouteSet, Work } from './contract.js';
import { buildBootstrap, buildClusters, buildRoutes } from './envoy-config.js';
import { buildWorkFile } from './npm-config.js';
import { buildDynamic, buildTraefikArguments, pathOfVersion } from './traefik-config.js';
import { BREAKER_LIMIT, headerOfRoute, listRoutes, listShares } from './work.js';

const KINDS = ['exact', 'prefix', 'regex', 'header'] as const;

function workOf(kind: RouteSet['kind'], count: number, more: Partial<Work> = {}): Work {
  return { upstreams: [7001, 7002], routes: { kind, count }, ...more };
}

describe('listRoutes', () => {
  it.each(KINDS)('gives each %s route the pattern that only its own path takes', (kind) => {
    const set = { kind, count: 12 };
    const routes = listRoutes(workOf(kind, set.count));
    for (let index = 0; index < set.count; index++) {
      const path = pathOfRoute(set, index);
      const takers = routes.filter(({ match, pattern, headerValue }) => {
        if (headerValue !== undefined && headerValue !== headerOfRoute(index)) return false;
        if (match === 'regex') return new RegExp(`^${pattern}$`).test(path);
        return match === 'exact' ? path === pattern : path.startsWith(pattern);
      });
      expect(takers).toEqual([routes[index]]);
    }
  });

  it('is one catch-all without a route set', () => {
    expect(listRoutes({ upstreams: [7001], routes: null })).toEqual([{ match: 'prefix', pattern: '/' }]);
  });
});

describe('listShares', () => {
  it('sends everything to the first upstream without weights', () => {
    expect(listShares(workOf('exact', 1))).toEqual([{ port: 7001, weight: 100 }]);
  });

  it('leaves out upstreams without weight, and refuses work without any', () => {
    expect(listShares(workOf('exact', 1, { weights: [0, 100] }))).toEqual([{ port: 7002, weight: 100 }]);
    expect(() => listShares(workOf('exact', 1, { weights: [0, 0] }))).toThrow('no upstream');
  });
});

describe('Envoy', () => {
  it('has the routes in rule order', () => {
    expect(buildRoutes(workOf('prefix', 3), '1')).toMatchObject({
      resources: [
        {
          virtual_hosts: [
            {
              routes: [0, 1, 2].map((index) => ({
                match: { prefix: patternOfRoute({ kind: 'prefix', count: 3 }, index) },
                route: { cluster: 'upstream-7001' },
              })),
            },
          ],
        },
      ],
    });
  });

  it('splits by weight between the clusters it defines', () => {
    const work = workOf('exact', 1, { weights: [90, 10] });
    expect(JSON.stringify(buildRoutes(work, '1'))).toContain(
      '"clusters":[{"name":"upstream-7001","weight":90},{"name":"upstream-7002","weight":10}]',
    );
    expect(buildClusters(work, '1')).toMatchObject({
      resources: [{ name: 'upstream-7001' }, { name: 'upstream-7002' }],
    });
  });

  it('tracks what its breaker has left only where one is asked for', () => {
    const thresholds = (breaker: boolean): object => ({
      resources: [{ circuit_breakers: { thresholds: [{ track_remaining: breaker }] } }, {}],
    });
    expect(buildClusters(workOf('exact', 1, { breaker: true }), '1')).toMatchObject(thresholds(true));
    expect(buildClusters(workOf('exact', 1), '1')).toMatchObject(thresholds(false));
  });

  it('writes an access log only where one is asked for', () => {
    const setting = { port: 1, adminPort: 2, routesFile: '/routes', clustersFile: '/clusters' };
    expect(JSON.stringify(buildBootstrap(setting))).not.toContain('access_log');
    expect(JSON.stringify(buildBootstrap({ ...setting, accessLogFile: '/log' }))).toContain('"path":"/log"');
  });
});

describe('Caddy', () => {
  it('has one terminal route for each route, in order, between the request id and the 404', () => {
    const { routes } = frontOf(buildCaddyConfig({ port: 1, adminPort: 2 }, workOf('exact', 3)));
    expect(routes.map(({ match }) => match)).toEqual([
      [{ header: { 'X-Request-Id': null } }],
      [{ path: ['/shop/route-0'] }],
      [{ path: ['/shop/route-1'] }],
      [{ path: ['/shop/route-2'] }],
      undefined,
    ]);
    expect(routes.map(({ terminal }) => terminal)).toEqual([undefined, true, true, true, undefined]);
  });

  it('repeats upstreams as often as their weights say, and no oftener', () => {
    const [first, second] = [
      { port: 7001, weight: 90 },
      { port: 7002, weight: 10 },
    ];
    expect(repeatByWeight([first, second])).toEqual([...Array.from({ length: 9 }, () => 7001), 7002]);
    expect(repeatByWeight([first])).toEqual([7001]);
  });
});

describe('Traefik', () => {
  it('turns rule order into falling priorities', () => {
    const { http } = buildDynamic(workOf('regex', 3), 1) as {
      http: { routers: Record<string, { rule: string; priority?: number }> };
    };
    expect([0, 1, 2].map((index) => http.routers[`route-${index}`])).toMatchObject([
      { rule: 'PathRegexp(`^/shop/route-0/[0-9]+$`)', priority: 3 },
      { rule: 'PathRegexp(`^/shop/route-1/[0-9]+$`)', priority: 2 },
      { rule: 'PathRegexp(`^/shop/route-2/[0-9]+$`)', priority: 1 },
    ]);
    expect(http.routers['version']?.rule).toBe(`Path(\`${pathOfVersion(1)}\`)`);
  });

  it('names its upstreams apart only where there is more than one', () => {
    const services = (work: Work): string[] =>
      Object.keys((buildDynamic(work, 1) as { http: { services: object } }).http.services);
    expect(services(workOf('exact', 1))).toEqual(['split']);
    expect(services(workOf('exact', 1, { weights: [50, 50] }))).toEqual(['split', 'upstream-7001', 'upstream-7002']);
  });

  it('holds no `{{`, which its reader would take for a template', () => {
    const work = workOf('header', 2, { weights: [50, 50], breaker: true });
    expect(JSON.stringify(buildDynamic(work, 1))).not.toContain('{{');
  });

  it('logs requests only where asked to', () => {
    const setting = { port: 1, internalPort: 2, dynamicFile: '/dynamic' };
    expect(buildTraefikArguments(setting).join(' ')).not.toContain('accesslog');
    expect(buildTraefikArguments({ ...setting, accessLogFile: '/log' })).toContain('--accesslog.filepath=/log');
  });
});

describe('the npm peers', () => {
  it('get the routes written out, and a limit only with a breaker', () => {
    const plain = buildWorkFile({ port: 1, threads: 1, work: workOf('header', 2) }, null);
    expect(plain.routes.map(({ headerValue }) => headerValue)).toEqual(['route-0', 'route-1']);
    expect(plain.limit).toBeNull();
    const limited = buildWorkFile({ port: 1, threads: 1, work: workOf('header', 2, { breaker: true }) }, null);
    expect(limited.limit).toBe(BREAKER_LIMIT);
  });
});

function frontOf(config: object): { routes: { match?: object; terminal?: boolean }[] } {
  return (config as { apps: { http: { servers: { front: ReturnType<typeof frontOf> } } } }).apps.http.servers.front;
}
