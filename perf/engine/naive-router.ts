// SPDX-License-Identifier: Apache-2.0
/**
 * Patterns -> the router that needs no explaining, in plain JavaScript: a loop over the routes in order, or a Map where one
 * will do. It stands beside the engine in every race. Loops get the path as a string at hand, which is in their favour; the
 * Map makes its string from bytes each time, since a string that was looked up before has its hash cached, and no request's
 * path has.
 */
import type { RouteSet } from './route-sets.js';

export interface NaiveRequest {
  readonly path: string;
  /** The path again, as it came from the socket. */
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Index of the route that takes the request, -1 for none. */
export type NaiveRouter = (request: NaiveRequest) => number;

/** First prefix that the path begins with. */
export function scanPrefixes({ patterns }: RouteSet): NaiveRouter {
  const prefixes = patterns.map(flat);
  return ({ path }) => {
    for (let index = 0; index < prefixes.length; index++) if (path.startsWith(prefixes[index] ?? '')) return index;
    return -1;
  };
}

/** First expression that matches the whole path. */
export function scanExpressions({ patterns }: RouteSet): NaiveRouter {
  const expressions = patterns.map((pattern) => new RegExp(`^(?:${pattern})$`));
  return ({ path }) => {
    for (let index = 0; index < expressions.length; index++) if (expressions[index]?.test(path)) return index;
    return -1;
  };
}

export function lookUpPaths({ patterns }: RouteSet): NaiveRouter {
  const routes = new Map(patterns.map((pattern, index) => [flat(pattern), index]));
  return ({ bytes }) => routes.get(bytes.toString('latin1')) ?? -1;
}

/** First value that the header `x-tenant` has. */
export function scanTenants({ patterns }: RouteSet): NaiveRouter {
  const values = patterns.map(flat);
  return ({ headers }) => {
    for (let index = 0; index < values.length; index++) if (headers['x-tenant'] === values[index]) return index;
    return -1;
  };
}

/** The same text in one piece: V8 keeps concatenations as trees, which made the plain loop half as slow again. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
