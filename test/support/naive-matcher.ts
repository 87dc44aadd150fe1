// SPDX-License-Identifier: Apache-2.0
/**
 * The meaning of a routing model's matches, written as plainly as it can be: no index, no automaton, one loop over the
 * routes. It is the oracle for the engine; where the two differ, one of them has misread the model's comments.
 */
import { RE2JS } from 're2js';
import type {
  HeaderMatch,
  Listener,
  PathMatch,
  QueryMatch,
  Route,
  StringMatch,
  VirtualHost,
} from '../../src/model/model.js';
import type { TestRequest } from './request.js';
import { hostOf } from './request.js';

const compiled = new Map<string, RE2JS>();

function fullMatch(pattern: string, text: string): boolean {
  let regex = compiled.get(pattern);
  if (!regex) compiled.set(pattern, (regex = RE2JS.compile(pattern)));
  return regex.testExact(text);
}

function holds(test: StringMatch | { readonly kind: 'present' }, text: string): boolean {
  if (test.kind === 'present') return true;
  if (test.kind === 'exact') return text === test.value;
  if (test.kind === 'prefix') return text.startsWith(test.value);
  return fullMatch(test.value, text);
}

/** A to Z only: other letters keep their case. */
function asciiLower(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function pathHolds(match: PathMatch, path: string): boolean {
  if (match.kind === 'any') return true;
  if (match.kind === 'regex') return fullMatch(match.value, path);
  const text = match.ignoreCase ? asciiLower(path) : path;
  const value = match.ignoreCase ? asciiLower(match.value) : match.value;
  return match.kind === 'exact' ? text === value : text.startsWith(value);
}

function linesOf(name: string, request: TestRequest): string[] {
  if (name === ':method') return [request.method];
  if (name === ':scheme') return [request.scheme];
  if (name === ':authority' || name === 'host') return [request.authority];
  if (name === ':path') return [request.query === undefined ? request.path : `${request.path}?${request.query}`];
  return request.headers.filter(([header]) => header === name).map(([, value]) => value);
}

function headerHolds(match: HeaderMatch, request: TestRequest): boolean {
  const lines = linesOf(match.name, request);
  if (!match.invert) return lines.some((line) => holds(match.value, line));
  if (match.value.kind === 'present') return lines.length === 0;
  const compared = lines.length === 0 ? [''] : lines;
  return !compared.some((line) => holds(match.value, line));
}

function queryHolds(match: QueryMatch, query: string | undefined): boolean {
  if (query === undefined || query === '') return false;
  const pieces = query.split('&');
  if (pieces.at(-1) === '') pieces.pop();
  for (const piece of pieces) {
    const equals = piece.indexOf('=');
    const name = equals < 0 ? piece : piece.slice(0, equals);
    if (name === match.name) return holds(match.value, equals < 0 ? '' : piece.slice(equals + 1));
  }
  return false;
}

/** Number of the first condition that fails, in the order of the route's fields; -1 when all hold. */
export function firstFailure({ match }: Route, request: TestRequest): number {
  const results = [pathHolds(match.path, request.path)];
  if (match.scheme) results.push(holds(match.scheme, request.scheme));
  if (match.method) results.push(holds(match.method, request.method));
  if (match.authority) results.push(holds(match.authority, request.authority));
  for (const header of match.headers) results.push(headerHolds(header, request));
  for (const param of match.queryParams) results.push(queryHolds(param, request.query));
  return results.indexOf(false);
}

/** Index of the virtual host in the listener's first filter chain, -1 when none serves the host. */
export function findHost(listener: Listener, host: string): number {
  let best = -1;
  let bestRank = -1;
  virtualHostsOf(listener).forEach(({ domains }, index) => {
    for (const domain of domains) {
      let rank = -1;
      if (domain === host) rank = 1_000_000;
      else if (domain === '*') rank = 0;
      else if (domain.startsWith('*') && host.endsWith(domain.slice(1)) && host.length > domain.length - 1) {
        rank = domain.length;
      }
      if (rank > bestRank) {
        best = index;
        bestRank = rank;
      }
    }
  });
  return best;
}

export function virtualHostsOf({ filterChains }: Listener): readonly VirtualHost[] {
  const filter = filterChains[0]?.filter;
  return filter?.kind === 'http' ? filter.virtualHosts : [];
}

export interface NaiveMatch {
  /** Index in the listener, -1 none. */
  readonly virtualHost: number;
  /** Index in the virtual host, -1 none. */
  readonly route: number;
}

export function naiveMatch(listener: Listener, request: TestRequest): NaiveMatch {
  const virtualHost = findHost(listener, hostOf(request));
  const routes = virtualHostsOf(listener)[virtualHost]?.routes ?? [];
  return { virtualHost, route: routes.findIndex((route) => firstFailure(route, request) === -1) };
}
