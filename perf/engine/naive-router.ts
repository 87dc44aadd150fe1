// SPDX-License-Identifier: Apache-2.0
/**
 * Patterns -> the router that needs no explaining, in plain JavaScript: a loop over the routes in order, or a Map where one
 * will do. It stands beside the engine in every race; it gets the path as a string at hand, which a real one would have to
 * make first.
 */
import type { RouteSet } from './route-sets.js';

/** Index of the route that takes the request, -1 for none. */
export type NaiveRouter = (path: string, headers: Readonly<Record<string, string>>) => number;

/** First prefix that the path begins with. */
export function scanPrefixes({ patterns }: RouteSet): NaiveRouter {
  const prefixes = patterns.map(flat);
  return (path) => {
    for (let index = 0; index < prefixes.length; index++) if (path.startsWith(prefixes[index] ?? '')) return index;
    return -1;
  };
}

/** First expression that matches the whole path. */
export function scanExpressions({ patterns }: RouteSet): NaiveRouter {
  const expressions = patterns.map((pattern) => new RegExp(`^(?:${pattern})$`));
  return (path) => {
    for (let index = 0; index < expressions.length; index++) if (expressions[index]?.test(path)) return index;
    return -1;
  };
}

export function lookUpPaths({ patterns }: RouteSet): NaiveRouter {
  const routes = new Map(patterns.map((pattern, index) => [flat(pattern), index]));
  return (path) => routes.get(path) ?? -1;
}

/** First value that the header `x-tenant` has. */
export function scanTenants({ patterns }: RouteSet): NaiveRouter {
  const values = patterns.map(flat);
  return (_path, headers) => {
    for (let index = 0; index < values.length; index++) if (headers['x-tenant'] === values[index]) return index;
    return -1;
  };
}

/** The same text in one piece: V8 keeps concatenations as trees, which made the plain loop half as slow again. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
