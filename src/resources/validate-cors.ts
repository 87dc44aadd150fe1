// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `CorsPolicy` that a table cannot say. */
import { fieldsSet } from './findings.js';
import type { Place } from './findings.js';
import { parseDuration } from './scalars.js';

export function checkCorsOrigin(origin: object, place: Place): void {
  const set = fieldsSet(origin, ['exact', 'prefix', 'regex']) as (keyof typeof origin)[];
  if (set.length === 0 || set.some((name) => origin[name] === '')) {
    place.report('empty-value', 'origin match is empty', 'Set one of exact, prefix and regex.');
  }
}

/** The header that carries it, Access-Control-Max-Age, counts seconds. */
export function checkCors(policy: { readonly maxAge?: string }, place: Place): void {
  if (policy.maxAge === undefined) return;
  const age = parseDuration(policy.maxAge);
  if ('error' in age || age.ms % 1000 === 0) return;
  place
    .at('maxAge')
    .report('invalid-duration', `maxAge has seconds precision (${policy.maxAge})`, 'Write whole seconds.');
}
