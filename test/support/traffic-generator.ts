// SPDX-License-Identifier: Apache-2.0
/** Random VirtualServices with every kind of match and action, and requests that meet their words. */
import type { HttpMatchRequestSpec, HttpRouteSpec, StringMatchSpec } from '../../src/resources/types.js';
import { to } from './istio-yaml.js';
import type { RandomSource } from './random.js';

export const EXACT_HOSTS = ['one.test', 'two.test', 'three.test'] as const;
export const WILDCARD_HOST = '*.wild.test';

const SEGMENTS = ['a', 'b', 'A', 'api', 'API', 'v1', 'v2', 'x.y', '%2F', '..', '.', ''] as const;
const PATTERNS = ['/a.*', '/(a|b)/?', '/api/v[0-9]+/.*', '.*/v1', '(?i)/API.*', '/[^/]+'] as const;
const VALUES = ['', 'a', 'b', 'ab', 'A', 'one'] as const;
const VALUE_PATTERNS = ['a|b', '[a-z]+', '', 'o.e'] as const;
const HEADERS = ['x-a', 'x-b', 'version', 'cookie'] as const;
const PARAMETERS = ['q', 'debug'] as const;
const METHODS = ['GET', 'POST', 'DELETE'] as const;

export interface GeneratedRequest {
  readonly method: string;
  readonly authority: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
}

function pathText(random: RandomSource): string {
  let path = '';
  for (let count = 1 + random.below(3); count > 0; count--) path += `/${random.pick(SEGMENTS)}`;
  return path;
}

function stringMatch(random: RandomSource, values: readonly string[], patterns: readonly string[]): StringMatchSpec {
  const roll = random.below(3);
  if (roll === 0) return { exact: random.pick(values) };
  // Istio refuses an empty prefix or pattern in some places and reads it as "present" in others.
  if (roll === 1) return { prefix: random.pick(values.filter((value) => value !== '')) };
  return { regex: random.pick(patterns.filter((pattern) => pattern !== '')) };
}

function matchOf(random: RandomSource): HttpMatchRequestSpec {
  const paths = [pathText(random), pathText(random)];
  const headers = Object.fromEntries(
    HEADERS.filter(() => random.chance(0.08)).map((name) => [
      name,
      random.chance(0.2) ? {} : stringMatch(random, VALUES, VALUE_PATTERNS),
    ]),
  );
  const without = random.chance(0.15) ? { 'x-b': stringMatch(random, VALUES, VALUE_PATTERNS) } : undefined;
  const parameters = Object.fromEntries(
    PARAMETERS.filter(() => random.chance(0.08)).map((name) => [name, stringMatch(random, VALUES, VALUE_PATTERNS)]),
  );
  return {
    uri: stringMatch(random, paths, PATTERNS),
    ...(random.chance(0.2) ? { ignoreUriCase: true } : {}),
    ...(random.chance(0.15) ? { method: { exact: random.pick(METHODS) } } : {}),
    ...(random.chance(0.05) ? { scheme: { exact: random.pick(['http', 'https']) } } : {}),
    ...(random.chance(0.05) ? { authority: { prefix: random.pick(['one', 'two', 'a.wild']) } } : {}),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(without ? { withoutHeaders: without } : {}),
    ...(Object.keys(parameters).length > 0 ? { queryParams: parameters } : {}),
  };
}

/** `services` are hosts to forward to; some of them may be missing or without endpoints. */
function actionOf(random: RandomSource, services: readonly string[]): Omit<HttpRouteSpec, 'name' | 'match'> {
  const roll = random.below(10);
  if (roll === 0) return { redirect: { uri: '/elsewhere', redirectCode: random.pick([301, 302, 303, 307, 308]) } };
  if (roll === 1) return { directResponse: { status: random.pick([200, 404, 418]), body: { string: 'direct' } } };
  const fault = random.chance(0.1)
    ? { fault: { abort: { httpStatus: 451, percentage: { value: random.pick([0, 100]) } } } }
    : {};
  if (roll < 6) return { ...fault, route: [to(random.pick(services))] };
  const [all, none] = [to(random.pick(services)), to(random.pick(services))];
  return {
    ...fault,
    route: [
      { ...all, weight: 100 },
      { ...none, weight: 0 },
    ],
  };
}

/** Named routes; each answer names the one taken in `x-route` where header operations apply. */
export function generateRoutes(
  random: RandomSource,
  prefix: string,
  count: number,
  services: readonly string[],
): HttpRouteSpec[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `${prefix}-${index}`;
    const matches = Array.from({ length: 1 + random.below(3) }, () => matchOf(random));
    const headers = { response: { set: { 'x-route': name } } };
    return { name, match: matches, headers, ...actionOf(random, services) };
  });
}

/** `mark` is put into the query, so that the request can be found again in the access log. */
export function generateRequest(random: RandomSource, mark: string): GeneratedRequest {
  const host = random.pick([...EXACT_HOSTS, 'a.wild.test', 'b.a.wild.test', 'nobody.test']);
  const headers = HEADERS.filter(() => random.chance(0.5)).map((name) => ({ name, value: random.pick(VALUES) }));
  const parameters = PARAMETERS.filter(() => random.chance(0.5)).map((name) => `${name}=${random.pick(VALUES)}`);
  const authority = random.chance(0.2) ? host.toUpperCase() : host;
  return {
    method: random.pick(METHODS),
    authority: random.chance(0.2) ? `${authority}:8080` : authority,
    target: `${pathText(random)}?${[...parameters, mark].join('&')}`,
    headers,
  };
}
