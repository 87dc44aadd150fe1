// SPDX-License-Identifier: Apache-2.0
/** The conditions of a route -> envoy.config.route.v3.RouteMatch as JSON. */
import type { HeaderMatch, PathMatch, QueryMatch, RouteMatch, StringMatch } from '../model/model.js';

/** Scheme, method and authority are matched as pseudo-headers, as Istio writes them for Envoy. */
export function renderRouteMatch(match: RouteMatch): object {
  const pseudoHeaders: [name: string, value: StringMatch | undefined][] = [
    [':scheme', match.scheme],
    [':method', match.method],
    [':authority', match.authority],
  ];
  const headers = [
    ...pseudoHeaders.flatMap(([name, value]) =>
      value === undefined ? [] : [renderHeaderMatch({ name, value, invert: false })],
    ),
    ...match.headers.map(renderHeaderMatch),
  ];
  return {
    ...renderPath(match.path),
    ...(headers.length === 0 ? {} : { headers }),
    ...(match.queryParams.length === 0 ? {} : { query_parameters: match.queryParams.map(renderQueryMatch) }),
  };
}

function renderPath(path: PathMatch): object {
  switch (path.kind) {
    case 'any':
      return { prefix: '/' };
    case 'exact':
      return { path: path.value, case_sensitive: !path.ignoreCase };
    case 'prefix':
      return { prefix: path.value, case_sensitive: !path.ignoreCase };
    case 'regex':
      return { safe_regex: { regex: path.value } };
  }
}

/** An inverted match takes a missing header for the empty string, which Envoy does only when told. */
function renderHeaderMatch({ name, value, invert }: HeaderMatch): object {
  if (value.kind === 'present') return { name, present_match: true, ...(invert ? { invert_match: true } : {}) };
  return {
    name,
    string_match: renderStringMatch(value),
    ...(invert ? { invert_match: true, treat_missing_header_as_empty: true } : {}),
  };
}

function renderQueryMatch({ name, value }: QueryMatch): object {
  if (value.kind === 'present') return { name, present_match: true };
  return { name, string_match: renderStringMatch(value) };
}

export function renderStringMatch(match: StringMatch): object {
  return match.kind === 'regex' ? { safe_regex: { regex: match.value } } : { [match.kind]: match.value };
}
