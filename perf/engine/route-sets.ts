// SPDX-License-Identifier: Apache-2.0
/**
 * Kind and number -> a set of routes in three forms: the model that Weft compiles, the request that only one route takes,
 * and what a plain JavaScript router needs for the same decision. One place, so that rivals decide the same question.
 */
import type { PathMatch, Route, RoutingModel } from '../../src/model/model.js';
import { listenerOf, modelOf, prefix, exact, regex, routeOf, virtualHostOf } from '../../test/support/model-factory.js';
import type { ParsedRequest } from './bench-engine.js';

export const HOST = 'shop.example';

export interface RouteSet {
  readonly model: RoutingModel;
  /** One pattern for each route, in order: a prefix, a path, a regular expression, or the header's value. */
  readonly patterns: readonly string[];
  /** A request that only this route (from 0) takes. */
  requestOf(route: number): ParsedRequest;
}

/** All routes on one host. */
function setOf(patterns: readonly string[], route: (pattern: string) => Route): Pick<RouteSet, 'model' | 'patterns'> {
  return { model: modelOf(listenerOf(virtualHostOf([HOST], patterns.map(route)))), patterns };
}

function pathSet(
  count: number,
  patternOf: (route: number) => string,
  match: (pattern: string) => PathMatch,
): Pick<RouteSet, 'model' | 'patterns'> {
  return setOf(
    Array.from({ length: count }, (_, route) => patternOf(route)),
    (pattern) => routeOf(match(pattern)),
  );
}

/** Prefixes as a mesh has them: long common beginnings, many teams, the number last. */
export function prefixRoutes(count: number): RouteSet {
  const patternOf = (route: number): string => `/api/v1/team-${route % 97}/service-${route}/`;
  return {
    ...pathSet(count, patternOf, prefix),
    requestOf: (route) => ({ authority: HOST, path: `${patternOf(route)}orders/4711` }),
  };
}

export function exactRoutes(count: number): RouteSet {
  const patternOf = (route: number): string => `/api/v1/team-${route % 97}/service-${route}`;
  return {
    ...pathSet(count, patternOf, exact),
    requestOf: (route) => ({ authority: HOST, path: patternOf(route) }),
  };
}

/** Where the regular expressions differ decides what an index can do for them. */
export type RegexShape = 'own literal prefix' | 'one literal prefix' | 'no literal prefix';

type TextOfRoute = (route: number) => string;

const REGEX_SHAPES: Readonly<Record<RegexShape, { readonly pattern: TextOfRoute; readonly path: TextOfRoute }>> = {
  'own literal prefix': {
    pattern: (route) => `/service-${route}/[0-9]+/details`,
    path: (route) => `/service-${route}/4711/details`,
  },
  'one literal prefix': {
    pattern: (route) => `/api/[a-z]+/service-${route}/[0-9]+`,
    path: (route) => `/api/shop/service-${route}/4711`,
  },
  'no literal prefix': {
    pattern: (route) => `/[a-z]+/v[12]/service-${route}(/.*)?`,
    path: (route) => `/shop/v1/service-${route}/orders/4711`,
  },
};

export function regexRoutes(count: number, shape: RegexShape): RouteSet {
  const { pattern, path } = REGEX_SHAPES[shape];
  return {
    ...pathSet(count, pattern, regex),
    requestOf: (route) => ({ authority: HOST, path: path(route) }),
  };
}

const TENANT = 'x-tenant';

/** Routes on the prefix `/` that differ in the exact value of one header. */
export function headerRoutes(count: number): RouteSet {
  const patterns = Array.from({ length: count }, (_, route) => `tenant-${route}`);
  return {
    ...setOf(patterns, (value) =>
      routeOf(prefix('/'), { headers: [{ name: TENANT, value: { kind: 'exact', value }, invert: false }] }),
    ),
    requestOf: (route) => ({
      authority: HOST,
      path: '/orders/4711',
      headers: [
        ['user-agent', 'bench'],
        ['accept', '*/*'],
        [TENANT, `tenant-${route}`],
      ],
    }),
  };
}

/** Half exact paths, half prefixes, one after the other in turn: what both Weft and find-my-way can hold. */
export function mixedRoutes(count: number): RouteSet {
  const exacts = exactRoutes(count);
  const prefixes = prefixRoutes(count);
  const isExact = (route: number): boolean => route % 2 === 0;
  const patterns = Array.from(
    { length: count },
    (_, route) => (isExact(route) ? exacts : prefixes).patterns[route] ?? '',
  );
  return {
    ...setOf(patterns, (pattern) => routeOf(pattern.endsWith('/') ? prefix(pattern) : exact(pattern))),
    requestOf: (route) => (isExact(route) ? exacts : prefixes).requestOf(route),
  };
}

/** As many hosts, each a wildcard with one route. */
export function wildcardHosts(count: number): RouteSet {
  const patterns = Array.from({ length: count }, (_, host) => `*.service-${host}.mesh.example`);
  return {
    model: modelOf(listenerOf(...patterns.map((domain) => virtualHostOf([domain], [routeOf(prefix('/'))])))),
    patterns,
    requestOf: (host) => ({ authority: `a.service-${host}.mesh.example`, path: '/' }),
  };
}
