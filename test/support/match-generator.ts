// SPDX-License-Identifier: Apache-2.0
/**
 * Random listeners and requests over a few shared words, so that hosts, paths, headers and parameters of one really meet
 * those of the other, and near misses (case, one byte more, an empty value) are as frequent as hits.
 */
import type {
  HeaderMatch,
  Listener,
  PathMatch,
  QueryMatch,
  Route,
  RouteMatch,
  StringMatch,
} from '../../src/model/model.js';
import { listenerOf, routeOf, virtualHostOf } from './model-factory.js';
import type { RandomSource } from './random.js';
import type { TestRequest } from './request.js';

const SEGMENTS = ['a', 'b', 'ab', 'A', 'api', 'API', 'v1', 'v2', 'é', 'É', '%2F', 'x.y', ''] as const;
const PATH_PATTERNS = [
  '/a.*',
  '/a/[0-9]+',
  '/.*',
  '.*',
  '/api/v[12]/.*',
  '/(a|b)+/?',
  '/[aA]pi.*',
  '(?i)/api',
  '/api',
  '/a|/b|/ab/.*',
  '/[^/]*/v1',
  '.*b',
  '.*/ab/.*',
  '.*é.*',
  '',
  '/a?b?',
] as const;
const VALUES = ['', 'a', 'b', 'ab', 'A', 'one', 'two', 'é', 'a,b'] as const;
const VALUE_PATTERNS = ['.*', 'a|b', '[a-z]+', 'a.*', '', '(?i)A', 'o?ne|two', '[^a]*'] as const;
const HEADER_NAMES = ['x-a', 'x-b', 'version', 'cookie', 'x-long-name'] as const;
const PSEUDO_NAMES = [':method', ':path', ':authority', ':scheme', 'host'] as const;
const QUERY_NAMES = ['q', 'Q', 'debug', 'é', ''] as const;
const METHODS = ['GET', 'POST', 'get', 'PATCH'] as const;
const LABELS = ['a', 'b', 'ab', 'shop', 'x'] as const;

function hostName(random: RandomSource): string {
  const labels: string[] = [];
  for (let count = 1 + random.below(3); count > 0; count--) labels.push(random.pick(LABELS));
  return labels.join('.');
}

function domain(random: RandomSource): string {
  if (random.chance(0.1)) return '*';
  if (random.chance(0.5)) return hostName(random);
  return random.chance(0.7) ? `*.${hostName(random)}` : `*${hostName(random)}`;
}

function pathText(random: RandomSource): string {
  let path = '';
  for (let count = 1 + random.below(4); count > 0; count--) path += `/${random.pick(SEGMENTS)}`;
  return random.chance(0.1) ? path.slice(0, -1) : path;
}

function pathMatch(random: RandomSource): PathMatch {
  const ignoreCase = random.chance(0.3);
  const roll = random.below(10);
  if (roll === 0) return { kind: 'any' };
  if (roll < 4) return { kind: 'exact', value: pathText(random), ignoreCase };
  if (roll < 8) return { kind: 'prefix', value: random.chance(0.1) ? '' : pathText(random), ignoreCase };
  return { kind: 'regex', value: random.pick(PATH_PATTERNS) };
}

function stringMatch(random: RandomSource, values: readonly string[]): StringMatch {
  const roll = random.below(4);
  if (roll === 0) return { kind: 'regex', value: random.pick(VALUE_PATTERNS) };
  return { kind: roll === 1 ? 'prefix' : 'exact', value: random.pick(values) };
}

function valueMatch(random: RandomSource): StringMatch | { readonly kind: 'present' } {
  return random.chance(0.2) ? { kind: 'present' } : stringMatch(random, VALUES);
}

function headerMatch(random: RandomSource): HeaderMatch {
  const invert = random.chance(0.3);
  if (random.chance(0.8)) return { name: random.pick(HEADER_NAMES), value: valueMatch(random), invert };
  const name = random.pick(PSEUDO_NAMES);
  const values = { ':method': METHODS, ':scheme': ['http', 'https', 'HTTP'] } as Record<string, readonly string[]>;
  const text = name === ':path' ? `${pathText(random)}${random.chance(0.5) ? `?${queryText(random)}` : ''}` : 'a.b';
  return { name, value: stringMatch(random, values[name] ?? [text]), invert };
}

function routeMatch(random: RandomSource): Partial<RouteMatch> {
  if (random.chance(0.3)) return {};
  const headers: HeaderMatch[] = [];
  const queryParams: QueryMatch[] = [];
  while (random.chance(0.4)) headers.push(headerMatch(random));
  while (random.chance(0.3)) queryParams.push({ name: random.pick(QUERY_NAMES), value: valueMatch(random) });
  return {
    ...(random.chance(0.1) ? { scheme: stringMatch(random, ['http', 'https', 'HTTP']) } : {}),
    ...(random.chance(0.2) ? { method: stringMatch(random, METHODS) } : {}),
    ...(random.chance(0.1) ? { authority: stringMatch(random, ['a', 'a.b', 'a.b:80', 'A.b']) } : {}),
    headers,
    queryParams,
  };
}

/** One listener with up to eight virtual hosts of up to 30 routes each. */
export function randomListener(random: RandomSource): Listener {
  const taken = new Set<string>();
  const hosts = Array.from({ length: 1 + random.below(8) }, (_, index) => {
    const domains: string[] = index === 0 && random.chance(0.5) ? ['*'] : [];
    for (let count = 1 + random.below(3); count > 0; count--) domains.push(domain(random));
    const own = domains.filter((name) => !taken.has(name) && taken.add(name));
    const routes: Route[] = Array.from({ length: random.below(31) }, () =>
      routeOf(pathMatch(random), routeMatch(random)),
    );
    return virtualHostOf(own, routes);
  });
  return listenerOf(...hosts);
}

function queryText(random: RandomSource): string {
  const pieces: string[] = [];
  for (let count = random.below(4); count > 0; count--) {
    const name = random.pick(QUERY_NAMES);
    pieces.push(random.chance(0.2) ? name : `${name}=${random.pick(VALUES)}${random.chance(0.1) ? '=a' : ''}`);
  }
  return pieces.join('&');
}

export function randomRequest(random: RandomSource): TestRequest {
  const headers: [string, string][] = [];
  while (random.chance(0.6)) headers.push([random.pick(HEADER_NAMES), random.pick(VALUES)]);
  const host = hostName(random);
  const authority = random.chance(0.2) ? host.toUpperCase() : host;
  return {
    method: random.pick(METHODS),
    scheme: random.chance(0.5) ? 'http' : 'https',
    authority: random.chance(0.2) ? `${authority}:80` : authority,
    path: random.chance(0.3) ? `${pathText(random)}${pathText(random)}` : pathText(random),
    ...(random.chance(0.5) ? { query: queryText(random) } : {}),
    headers,
  };
}
