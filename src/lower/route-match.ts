// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTPMatchRequest -> the conditions tested per request, or nothing when its static conditions (port, gateways, source
 * labels and namespace) already fail for this proxy and listener. Static conditions never reach the model: they are
 * properties of the proxy that holds the table, not of the request.
 */
import type { HeaderMatch, PathMatch, QueryMatch, RouteMatch, StringMatch } from '../model/model.js';
import type { HttpMatchRequestSpec, StringMatchSpec, VirtualService } from '../resources/types.js';
import { compareText } from '../mesh/age-order.js';
import { selects } from '../mesh/mesh.js';
import { gatewayNameOf } from './virtual-services.js';
import type { ProxyNode } from './proxy-node.js';

export interface RouteScope {
  /** Port of the configuration: Service port for a sidecar, `server.port.number` for a gateway. */
  readonly port: number;
  /** Names (`ns/name`) of the Gateway that routes are built for, or `mesh`. */
  readonly gateway: string;
}

export const CATCH_ALL: RouteMatch = { path: { kind: 'any' }, headers: [], queryParams: [] };

/** JWT claims (`@request.auth.claims…`) as a header name; without an authenticated token no claim is there. */
const CLAIM_PREFIX = '@request.auth.claims';

/** Istio ignores the source conditions of a block that names gateways (HTTPMatchRequest.gateways). */
export function holdsStatically(
  block: HttpMatchRequestSpec,
  virtualService: VirtualService,
  node: ProxyNode,
  scope: RouteScope,
): boolean {
  if (block.port !== undefined && block.port !== 0 && block.port !== scope.port) return false;
  if (block.gateways !== undefined && block.gateways.length > 0) {
    return block.gateways.some((name) => gatewayNameOf(name, virtualService.namespace) === scope.gateway);
  }
  if (!selects(block.sourceLabels, node.labels)) return false;
  return (block.sourceNamespace ?? '') === '' || block.sourceNamespace === node.namespace;
}

/** A match depends on its block alone, and most blocks are those of the last configuration. */
const matches = new WeakMap<HttpMatchRequestSpec, { readonly match: RouteMatch | undefined }>();

/** Undefined when the block needs a JWT claim: no request has one, since tokens are not verified; validation warns. */
export function lowerMatch(block: HttpMatchRequestSpec): RouteMatch | undefined {
  const known = matches.get(block);
  if (known !== undefined) return known.match;
  const match = matchOf(block);
  matches.set(block, { match });
  return match;
}

function matchOf(block: HttpMatchRequestSpec): RouteMatch | undefined {
  const headers: HeaderMatch[] = [];
  for (const [name, spec] of inOrder(block.headers)) {
    if (name.startsWith(CLAIM_PREFIX)) return undefined;
    headers.push({ name: headerName(name), value: presenceOr(spec), invert: false });
  }
  for (const [name, spec] of inOrder(block.withoutHeaders)) {
    if (name.startsWith(CLAIM_PREFIX)) continue;
    headers.push({ name: headerName(name), value: presenceOr(spec), invert: true });
  }
  const queryParams: QueryMatch[] = inOrder(block.queryParams).map(([name, spec]) => ({
    name,
    value: presenceOr(spec),
  }));
  const scheme = stringMatch(block.scheme);
  const method = stringMatch(block.method);
  const authority = stringMatch(block.authority);
  return {
    path: pathMatch(block.uri, block.ignoreUriCase === true),
    ...(scheme === undefined ? {} : { scheme }),
    ...(method === undefined ? {} : { method }),
    ...(authority === undefined ? {} : { authority }),
    headers,
    queryParams,
  };
}

/** Istio's "catch all": prefix `/` or regex `.*`, or no uri at all, with no other condition. */
export function isCatchAll(match: RouteMatch): boolean {
  const { path, headers, queryParams, scheme, method, authority } = match;
  const everyPath =
    path.kind === 'any' ||
    (path.kind === 'prefix' && path.value === '/') ||
    (path.kind === 'regex' && path.value === '.*');
  const conditionCount = headers.length + queryParams.length;
  return everyPath && conditionCount === 0 && scheme === undefined && method === undefined && authority === undefined;
}

function pathMatch(uri: StringMatchSpec | undefined, ignoreCase: boolean): PathMatch {
  const match = stringMatch(uri);
  if (match === undefined) return { kind: 'any' };
  return match.kind === 'regex' ? match : { ...match, ignoreCase };
}

/** `{}` sets no condition. */
function stringMatch(spec: StringMatchSpec | null | undefined): StringMatch | undefined {
  if (spec?.exact !== undefined) return { kind: 'exact', value: spec.exact };
  if (spec?.prefix !== undefined) return { kind: 'prefix', value: spec.prefix };
  if (spec?.regex !== undefined) return { kind: 'regex', value: spec.regex };
  return undefined;
}

/** `{}`, null and the regex `*` (which RE2 would refuse) ask for presence. */
function presenceOr(spec: StringMatchSpec | null): StringMatch | { readonly kind: 'present' } {
  const match = stringMatch(spec);
  return match === undefined || (match.kind === 'regex' && match.value === '*') ? { kind: 'present' } : match;
}

/** Envoy keeps HTTP/1's Host as `:authority`, so a condition on either name means the same. */
function headerName(name: string): string {
  const lower = name.toLowerCase();
  return lower === 'host' ? ':authority' : lower;
}

/** By name, so that a table does not depend on how a YAML map was written. */
function inOrder<Value>(map: Readonly<Record<string, Value>> | undefined): [string, Value][] {
  if (map === undefined) return [];
  return Object.entries(map).sort(([left], [right]) => compareText(left, right));
}
