// SPDX-License-Identifier: Apache-2.0
/** The routes of a scenario and which of them are hit -> the requests that the load sends. */
import type { RouteSet } from '../peers/contract.js';
import { pathOfRoute } from '../peers/contract.js';
import { headerOfRoute } from '../peers/work.js';
import type { Target } from '../scenario.js';

/** More targets would show the load generator's caches instead of the proxy's. */
const RANDOM_TARGETS = 2000;

export interface Requests {
  readonly paths: readonly string[];
  /** The header that differs with the place in `paths`. */
  readonly varying?: { readonly name: string; readonly values: readonly string[] };
  readonly headersOf: (place: number) => Record<string, string>;
}

/** Random targets are the same in each run and for each proxy: a fixed stride through the routes, hit in random order. */
export function requestsFor(routes: RouteSet | null, target: Target): Requests {
  if (routes === null) return { paths: ['/shop'], headersOf: () => ({}) };
  const indexes = indexesOf(routes.count, target);
  const paths = indexes.map((index) => pathOfRoute(routes, index));
  if (routes.kind !== 'header') return { paths, headersOf: () => ({}) };
  const values = indexes.map(headerOfRoute);
  return {
    paths,
    varying: { name: 'x-route', values },
    headersOf: (place) => ({ 'x-route': values[place] ?? '' }),
  };
}

function indexesOf(count: number, target: Target): number[] {
  if (target === 'first') return [0];
  if (target === 'last') return [count - 1];
  const size = Math.min(count, RANDOM_TARGETS);
  return Array.from({ length: size }, (_, place) => Math.floor(((place + 0.5) * count) / size));
}
