// SPDX-License-Identifier: Apache-2.0
/**
 * Work -> its routes and upstream shares as plain lists, the form in which every peer's configuration is written. Routes of
 * a set are disjoint, so the peers that match by specificity and those that match in order agree.
 */
import { patternOfRoute } from './contract.js';
import type { RouteSet, Work } from './contract.js';

/** What takes a request: a path condition, and for header routes the value of `x-route` too. */
export interface RouteEntry {
  /** How `pattern` is compared with the whole path. */
  readonly match: 'exact' | 'prefix' | 'regex';
  readonly pattern: string;
  /** The exact value of the `x-route` header; absent: any. */
  readonly headerValue?: string;
}

/** An upstream and its part of the traffic. */
export interface UpstreamShare {
  readonly port: number;
  /** Per cent, above 0. */
  readonly weight: number;
}

/** High enough that no scenario reaches it, low enough that every peer takes it for a real limit and counts against it. */
export const BREAKER_LIMIT = 100_000;

/** Idle connections kept to each upstream: every one of 1,000 clients finds its connection again, with room to spare. */
export const IDLE_CONNECTION_COUNT = 2048;

/** The value of `x-route` that only header route `index` (from 0) takes. */
export function headerOfRoute(index: number): string {
  return `route-${index}`;
}

/** The routes in rule order; one catch-all prefix where the work has no route set. */
export function listRoutes({ routes }: Work): RouteEntry[] {
  if (routes === null) return [{ match: 'prefix', pattern: '/' }];
  return Array.from({ length: routes.count }, (_, index) => entryOf(routes, index));
}

/** The upstreams that get traffic, in order; without weights everything goes to the first. Throws when none is left. */
export function listShares({ upstreams, weights }: Work): UpstreamShare[] {
  const shares = upstreams.map((port, index) => ({ port, weight: (weights ?? [100])[index] ?? 0 }));
  const used = shares.filter(({ weight }) => weight > 0);
  if (used.length === 0) throw new Error('the work sends traffic to no upstream');
  return used;
}

function entryOf(routes: RouteSet, index: number): RouteEntry {
  const pattern = patternOfRoute(routes, index);
  if (routes.kind === 'header') return { match: 'prefix', pattern, headerValue: headerOfRoute(index) };
  return { match: routes.kind, pattern };
}
