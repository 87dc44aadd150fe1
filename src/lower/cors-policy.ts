// SPDX-License-Identifier: Apache-2.0
/** Istio's CorsPolicy -> the values of the headers that it makes. */
import type { CorsPolicy, StringMatch } from '../model/model.js';
import type { CorsPolicySpec, StringMatchSpec } from '../resources/types.js';
import { durationMs } from './traffic-policy.js';

export function lowerCors(spec: CorsPolicySpec | undefined): CorsPolicy | undefined {
  if (spec === undefined) return undefined;
  const origins = spec.allowOrigins ?? (spec.allowOrigin ?? []).map((exact): StringMatchSpec => ({ exact }));
  const maxAgeMs = durationMs(spec.maxAge);
  return {
    // The exact `*` stands for every origin in Envoy's filter; it is no pattern elsewhere.
    allowsAnyOrigin: origins.some(({ exact }) => exact === '*'),
    allowOrigins: origins.flatMap((origin) => originMatch(origin) ?? []),
    allowMethods: (spec.allowMethods ?? []).join(','),
    allowHeaders: (spec.allowHeaders ?? []).join(','),
    exposeHeaders: (spec.exposeHeaders ?? []).join(','),
    maxAge: maxAgeMs === undefined ? '' : String(Math.floor(maxAgeMs / 1000)),
    allowCredentials: spec.allowCredentials === true,
    answersUnmatchedPreflights: spec.unmatchedPreflights === 'IGNORE',
  };
}

function originMatch({ exact, prefix, regex }: StringMatchSpec): StringMatch | undefined {
  if (exact === '*') return undefined;
  if (exact !== undefined) return { kind: 'exact', value: exact };
  if (prefix !== undefined) return { kind: 'prefix', value: prefix };
  return regex === undefined ? undefined : { kind: 'regex', value: regex };
}
