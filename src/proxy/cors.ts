// SPDX-License-Identifier: Apache-2.0
/**
 * A route's CORS policy and a request -> whether its origin is allowed, and the answer to a preflight. What other answers
 * carry is written by the engine, as operations on the response (PART_CORS_ORIGIN). Envoy's filter is the model: a request
 * whose origin is not allowed is forwarded all the same, because CORS protects users and not servers.
 */
import * as layout from '../../assembly/layout.js';
import type { CorsPolicy } from '../model/model.js';
import { compileMatcher } from '../rules/regex/host-regex.js';
import type { ThreadContext } from './contracts.js';
import { findHeader } from './header-lookup.js';
import type { LocalResponse } from './local-response.js';

type OriginTest = (origin: string) => boolean;

/** Policies are plain data of a generation and are compiled when they are first asked. */
const compiled = new WeakMap<CorsPolicy, OriginTest>();

/** Longer ones are no origins: a domain has 253 bytes. */
export const MAX_ORIGIN_BYTES = 380;

/** The origin of the parsed request where the policy allows it; '' otherwise. */
export function allowedOrigin(path: ThreadContext, cors: CorsPolicy): string {
  const origin = findHeader(path.engine, 'request', 'origin') ?? '';
  if (origin === '' || origin.length > MAX_ORIGIN_BYTES) return '';
  return cors.allowsAnyOrigin || testOf(cors)(origin) ? origin : '';
}

/**
 * The answer to the parsed request where it is a preflight that is answered here. `origin` is what `allowedOrigin` said.
 */
export function preflightResponse(
  path: ThreadContext,
  cors: CorsPolicy,
  methodId: number,
  origin: string,
): LocalResponse | undefined {
  if (methodId !== layout.METHOD_OPTIONS) return undefined;
  const method = findHeader(path.engine, 'request', 'access-control-request-method') ?? '';
  if (method === '' || (findHeader(path.engine, 'request', 'origin') ?? '') === '') return undefined;
  if (origin === '') return cors.answersUnmatchedPreflights ? answer('') : undefined;
  const asked = findHeader(path.engine, 'request', 'access-control-request-headers') ?? '';
  const fields = [
    ['access-control-allow-origin', origin],
    ['access-control-allow-methods', cors.allowMethods === '*' ? method : cors.allowMethods],
    ['access-control-allow-headers', cors.allowHeaders === '*' ? asked : cors.allowHeaders],
    ['access-control-allow-credentials', cors.allowCredentials ? 'true' : ''],
    ['access-control-max-age', cors.maxAge],
  ] as const;
  return answer(fields.map(([name, value]) => (value === '' ? '' : `${name}: ${value}\r\n`)).join(''));
}

function answer(fields: string): LocalResponse {
  return { status: 200, body: NOTHING, fields, details: 'cors_response', close: false, reason: 'cors', isPlain: true };
}

const NOTHING = new Uint8Array(0);

function testOf(cors: CorsPolicy): OriginTest {
  const known = compiled.get(cors);
  if (known !== undefined) return known;
  const tests = cors.allowOrigins.map(({ kind, value }): OriginTest => {
    if (kind === 'exact') return (origin) => origin === value;
    if (kind === 'prefix') return (origin) => origin.startsWith(value);
    const matcher = compileMatcher(value);
    return (origin) => matcher.matches(Buffer.from(origin, 'latin1'));
  });
  const test: OriginTest = (origin) => tests.some((candidate) => candidate(origin));
  compiled.set(cors, test);
  return test;
}
