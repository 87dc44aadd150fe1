// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import type { ForwardAction, RoutingModel } from '../../src/model/model.js';
import { encodeTables } from '../../src/rules/encode.js';
import { ENGINE_FILES, MatcherEngine } from '../support/matcher-engine.js';
import {
  exact,
  forwardTo,
  listenerOf,
  modelOf,
  prefix,
  regex,
  routeOf,
  virtualHostOf,
} from '../support/model-factory.js';
import type { TestRequest } from '../support/request.js';

const GET: TestRequest = { method: 'GET', scheme: 'http', authority: 'a.example', path: '/', headers: [] };

function toAnyHost(...routes: Parameters<typeof virtualHostOf>[1]): RoutingModel {
  return modelOf(listenerOf(virtualHostOf(['*'], routes)));
}

describe.each(ENGINE_FILES)('routeRequest of %s', (file) => {
  function loaded(model: RoutingModel, maxAutomataBytes?: number): MatcherEngine {
    const matcher = new MatcherEngine(file);
    expect(matcher.load(encodeTables(model, maxAutomataBytes === undefined ? {} : { maxAutomataBytes }))).toBe(0);
    return matcher;
  }

  it('tells an unknown host from an unmatched path', () => {
    const matcher = loaded(modelOf(listenerOf(virtualHostOf(['a.example'], [routeOf(exact('/x'))]))));
    matcher.writeRequest(GET);
    expect(matcher.route(0)).toMatchObject({ decision: layout.FAILURE_NO_ROUTE, virtualHost: 0, route: -1 });
    matcher.writeRequest({ ...GET, authority: 'b.example' });
    expect(matcher.route(0)).toMatchObject({ decision: layout.FAILURE_NO_ROUTE, virtualHost: -1, route: -1 });
    expect(matcher.route(7)).toMatchObject({ decision: layout.FAILURE_NO_ROUTE, virtualHost: -1 });
  });

  it('never falls back to the next virtual host when the best one has no route', () => {
    const any = virtualHostOf(['*'], [routeOf(prefix('/'))]);
    const matcher = loaded(modelOf(listenerOf(any, virtualHostOf(['*.example'], [routeOf(exact('/x'))]))));
    matcher.writeRequest(GET);
    expect(matcher.route(0)).toMatchObject({ decision: layout.FAILURE_NO_ROUTE, virtualHost: 1 });
  });

  it('wants at least one character for the star of a wildcard', () => {
    const hosts = ['*.example', '*xample', '*'].map((domain) => virtualHostOf([domain], [routeOf(prefix('/'))]));
    const matcher = loaded(modelOf(listenerOf(...hosts)));
    const found = ['a.example', '.example', 'example', 'xample', 'other'].map((authority) => {
      matcher.writeRequest({ ...GET, authority });
      return matcher.route(0).virtualHost;
    });
    expect(found).toEqual([0, 1, 1, 2, 2]);
  });

  it('reports what the route does', () => {
    const forward: ForwardAction = {
      ...forwardTo(['nowhere', 1]),
      timeoutMs: 1500,
      retry: { attempts: 3, conditions: [] },
      rewrite: { kind: 'path', value: '/new' },
    };
    const redirect = { kind: 'redirect', status: 301, responseHeaders: [] } as const;
    const direct = { kind: 'direct', status: 200, body: new Uint8Array(0), responseHeaders: [] } as const;
    const matcher = loaded(
      toAnyHost(
        routeOf(exact('/r'), {}, redirect),
        routeOf(exact('/d'), {}, direct),
        routeOf(prefix('/'), {}, forward),
      ),
    );
    matcher.writeRequest(GET);
    expect(matcher.route(0)).toMatchObject({ decision: layout.DECISION_FORWARD, route: 2, weighted: 0, cluster: -1 });
    expect(matcher.result(layout.RESULT_TIMEOUT_MS)).toBe(1500);
    expect(matcher.result(layout.RESULT_RETRY_ATTEMPTS)).toBe(3);
    expect(matcher.result(layout.RESULT_REWRITE_KIND)).toBe(layout.REWRITE_PATH);
    matcher.writeRequest({ ...GET, path: '/r' });
    expect(matcher.route(0)).toMatchObject({ decision: layout.DECISION_REDIRECT, route: 0, weighted: -1, cluster: -1 });
    expect(matcher.result(layout.RESULT_TIMEOUT_MS)).toBe(0);
    matcher.writeRequest({ ...GET, path: '/d' });
    expect(matcher.route(0)).toMatchObject({ decision: layout.DECISION_DIRECT, route: 1 });
  });

  it('scans in order where prefixes nest deeper than it can merge', () => {
    const nested = Array.from({ length: 1500 }, (_, index) =>
      routeOf(prefix(`/${'a'.repeat(1500 - index)}`), { method: { kind: 'exact', value: index % 2 ? 'GET' : 'PUT' } }),
    );
    const matcher = loaded(toAnyHost(...nested));
    for (const length of [1500, 1024, 1023, 700, 1]) {
      matcher.writeRequest({ ...GET, path: `/${'a'.repeat(length)}` });
      const first = 1500 - length;
      expect(matcher.route(0).route).toBe(first + (first % 2 ? 0 : 1) < 1500 ? first + (first % 2 ? 0 : 1) : -1);
    }
  });

  it('merges hundreds of nested prefixes in the order of the rules', () => {
    const get = { method: { kind: 'exact', value: 'GET' } } as const;
    const put = { method: { kind: 'exact', value: 'PUT' } } as const;
    const nested = Array.from({ length: 900 }, (_, index) =>
      routeOf(prefix(`/${'a'.repeat((index * 7) % 900)}`), index === 877 ? get : put),
    );
    const matcher = loaded(toAnyHost(...nested));
    matcher.writeRequest({ ...GET, path: `/${'a'.repeat(900)}` });
    expect(matcher.route(0).route).toBe(877);
  });

  it('gets to the end however many patterns the host has to answer', () => {
    const misses = Array.from({ length: 700 }, (_, index) => routeOf(regex(`.*no${index}`)));
    const matcher = loaded(toAnyHost(...misses, routeOf(regex('.*yes'))), 0);
    matcher.writeRequest({ ...GET, path: '/yes' });
    expect(matcher.route(0)).toMatchObject({ route: 700, asked: 701 });
  });

  it('asks once for a pattern that several routes put to the same text', () => {
    const put = { method: { kind: 'exact', value: 'PUT' } } as const;
    const matcher = loaded(toAnyHost(...Array.from({ length: 20 }, () => routeOf(regex('/x.*'), put))), 0);
    matcher.writeRequest({ ...GET, path: '/xyz' });
    expect(matcher.route(0)).toMatchObject({ route: -1, asked: 1 });
  });

  it('asks line by line for a header of many lines', () => {
    const condition = { name: 'x-line', value: { kind: 'regex', value: 'l99|none' }, invert: false } as const;
    const matcher = loaded(toAnyHost(routeOf(prefix('/'), { headers: [condition, condition] })), 0);
    const headers = Array.from({ length: 100 }, (_, index) => ['x-line', `l${index}`] as const);
    matcher.writeRequest({ ...GET, headers });
    expect(matcher.route(0)).toMatchObject({ route: 0, asked: 100 });
  });

  it('forgets answers when the next request comes without the question being answered', () => {
    const matcher = loaded(toAnyHost(routeOf(regex('/x.*'))), 0);
    const { exports } = matcher.engine;
    matcher.writeRequest({ ...GET, path: '/x' });
    expect(exports.routeRequest(0, 0)).toBe(layout.DECISION_ASK_HOST);
    exports.answerPattern(1);
    expect(exports.routeRequest(0, 0)).toBe(layout.DECISION_FORWARD);
    exports.answerPattern(1);
    matcher.writeRequest({ ...GET, path: '/x1' });
    expect(exports.routeRequest(0, 0)).toBe(layout.DECISION_ASK_HOST);
    matcher.writeRequest({ ...GET, path: '/x2' });
    expect(exports.routeRequest(0, 0)).toBe(layout.DECISION_ASK_HOST);
    exports.answerPattern(0);
    expect(exports.routeRequest(0, 0)).toBe(layout.FAILURE_NO_ROUTE);
  });

  it('numbers the conditions of a route as its host data names them', () => {
    const match = {
      method: { kind: 'exact', value: 'GET' },
      headers: [{ name: 'x-a', value: { kind: 'present' }, invert: true }],
      queryParams: [{ name: 'q', value: { kind: 'exact', value: '1' } }],
    } as const;
    const model = toAnyHost(routeOf(prefix('/api', true), match));
    const matcher = loaded(model);
    const names = encodeTables(model).host.routes[0]?.conditions ?? [];
    const failing = (request: Partial<TestRequest>): string | undefined => {
      matcher.writeRequest({ ...GET, path: '/API', query: 'q=1', ...request });
      return names[matcher.testRoute(0)];
    };
    expect(failing({})).toBeUndefined();
    expect(failing({ path: '/ap' })).toBe('path prefix /api (ignoring case)');
    expect(failing({ method: 'PUT' })).toBe('method exact GET');
    expect(failing({ headers: [['x-a', '']] })).toBe('without header x-a present');
    expect(failing({ query: 'q=2' })).toBe('query parameter q exact 1');
    expect(matcher.testRoute(1)).toBe(layout.TEST_ROUTE_UNKNOWN);
  });
});

describe.each(ENGINE_FILES)('draws of %s', (file) => {
  const DRAWS = 100_000;

  /** Six standard deviations: exact draws pass with any seed but one in 500 million. */
  function bound(probability: number): number {
    return 6 * Math.sqrt(DRAWS * probability * (1 - probability));
  }

  it('spreads requests by weight', () => {
    const matcher = new MatcherEngine(file);
    const action = forwardTo(['a', 1], ['b', 30], ['c', 69]);
    expect(matcher.load(encodeTables(toAnyHost(routeOf(prefix('/'), {}, action))))).toBe(0);
    matcher.seed(12345, 67890);
    matcher.writeRequest(GET);
    const counts = [0, 0, 0];
    for (let draw = 0; draw < DRAWS; draw++) {
      const { cluster } = matcher.route(0);
      counts[cluster] = (counts[cluster] ?? 0) + 1;
    }
    [0.01, 0.3, 0.69].forEach((share, index) => {
      expect(Math.abs((counts[index] ?? 0) - share * DRAWS)).toBeLessThan(bound(share));
    });
  });

  it('draws delay and abort independently, to one in a million', () => {
    const matcher = new MatcherEngine(file);
    const fault = { delay: { delayMs: 70, perMillion: 250_000 }, abort: { status: 503, perMillion: 400_000 } };
    const action = { ...forwardTo(['a', 1]), fault };
    expect(matcher.load(encodeTables(toAnyHost(routeOf(prefix('/'), {}, action))))).toBe(0);
    matcher.seed(4711, 815);
    matcher.writeRequest(GET);
    let delayed = 0;
    let aborted = 0;
    let both = 0;
    for (let draw = 0; draw < DRAWS; draw++) {
      const { delayMs, abortStatus } = matcher.route(0);
      expect([0, 70]).toContain(delayMs);
      if (delayMs !== 0) delayed++;
      if (abortStatus === 503) aborted++;
      if (delayMs !== 0 && abortStatus !== 0) both++;
    }
    expect(Math.abs(delayed - 0.25 * DRAWS)).toBeLessThan(bound(0.25));
    expect(Math.abs(aborted - 0.4 * DRAWS)).toBeLessThan(bound(0.4));
    expect(Math.abs(both - 0.1 * DRAWS)).toBeLessThan(bound(0.1));
  });

  it('takes 0 and 1 000 000 per million as never and always', () => {
    const matcher = new MatcherEngine(file);
    const fault = { delay: { delayMs: 70, perMillion: 0 }, abort: { status: 500, perMillion: 1_000_000 } };
    expect(matcher.load(encodeTables(toAnyHost(routeOf(prefix('/'), {}, { ...forwardTo(['a', 1]), fault }))))).toBe(0);
    matcher.writeRequest(GET);
    for (let draw = 0; draw < 1000; draw++) expect(matcher.route(0)).toMatchObject({ delayMs: 0, abortStatus: 500 });
  });
});
