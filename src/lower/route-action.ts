// SPDX-License-Identifier: Apache-2.0
/**
 * One HTTPRoute without its match blocks -> what is done with a request. All match blocks of a rule share the result, so
 * nothing in it may depend on a block.
 */
import type {
  ForwardAction,
  HeaderOp,
  RedirectAction,
  Mirror,
  Rewrite,
  RouteAction,
  WeightedCluster,
} from '../model/model.js';
import type {
  HttpRedirectSpec,
  DestinationSpec,
  HttpRewriteSpec,
  HttpRouteDestinationSpec,
  HttpRouteSpec,
  VirtualService,
} from '../resources/types.js';
import { inspectHeaderValue } from '../resources/header-value.js';
import { formatPath } from '../resources/json-path.js';
import { lowerCors } from './cors-policy.js';
import { lowerFault, perMillion } from './fault.js';
import { settleAuthority, settleHeaders } from './header-operations.js';
import type { HeaderLevels } from './header-operations.js';
import { listenPortOf } from './lower-context.js';
import type { LowerContext } from './lower-context.js';
import { lowerRetry } from './retry-policy.js';
import type { RouteScope } from './route-match.js';
import { durationMs } from './traffic-policy.js';

/** A rule of a VirtualService and where it stands, such as `spec.http[2]`. */
export interface RuleSource {
  readonly resource: VirtualService;
  readonly rule: HttpRouteSpec;
  readonly path: string;
}

/** Undefined for a rule that only delegates. Redirect beats direct response beats route, as in Istio. */
export function lowerAction(context: LowerContext, source: RuleSource, scope: RouteScope): RouteAction | undefined {
  const { rule } = source;
  if (rule.redirect !== undefined) return redirectAction(context, source, rule.redirect, scope);
  if (rule.directResponse !== undefined) {
    const { status, body } = rule.directResponse;
    const bytes = Buffer.from(body?.bytes ?? body?.string ?? '', body?.bytes === undefined ? 'utf8' : 'base64');
    return { kind: 'direct', status, body: Uint8Array.from(bytes), responseHeaders: ownHeaders(context, source) };
  }
  if (rule.route !== undefined && rule.route.length > 0) return forwardAction(context, source, rule.route, scope);
  return undefined;
}

function forwardAction(
  context: LowerContext,
  source: RuleSource,
  destinations: readonly HttpRouteDestinationSpec[],
  scope: RouteScope,
): ForwardAction {
  const { rule } = source;
  const isSingle = destinations.length === 1;
  const clusters: WeightedCluster[] = [];
  destinations.forEach((destination, index) => {
    // The only destination gets everything, whatever its weight; among several, weight 0 gets nothing.
    const weight = isSingle ? 1 : (destination.weight ?? 0);
    if (weight > 0) clusters.push(weightedCluster(context, source, destination, index, weight, isSingle, scope));
  });
  if (clusters.length === 0) throw new Error('validation refuses several destinations of total weight 0');
  const rewrite = lowerRewrite(rule.rewrite);
  const fault = lowerFault(rule.fault);
  const cors = lowerCors(rule.corsPolicy);
  const mirrors = lowerMirrors(context, source, scope);
  return {
    kind: 'forward',
    clusters,
    ...(rewrite === undefined ? {} : { rewrite }),
    timeoutMs: durationMs(rule.timeout) ?? 0,
    retry: lowerRetry(rule.retries, context.node),
    ...(fault === undefined ? {} : { fault }),
    ...(cors === undefined ? {} : { cors }),
    ...(mirrors.length === 0 ? {} : { mirrors }),
  };
}

function weightedCluster(
  context: LowerContext,
  source: RuleSource,
  spec: HttpRouteDestinationSpec,
  index: number,
  weight: number,
  singleDestination: boolean,
  scope: RouteScope,
): WeightedCluster {
  const { rule, resource } = source;
  const path = `${source.path}.route[${index}]`;
  const headers = (side: 'request' | 'response'): readonly HeaderOp[] =>
    settle(context, source, path, side, {
      route: rule.headers?.[side],
      destination: spec.headers?.[side],
      singleDestination,
    });
  const hostRewrite = settleAuthority(rule.rewrite?.authority, rule.headers?.request, spec.headers?.request);
  return {
    cluster: context.clusters.useDestination(spec.destination, scope.port, { resource, path: `${path}.destination` }),
    weight,
    requestHeaders: headers('request'),
    responseHeaders: headers('response'),
    ...(hostRewrite === undefined ? {} : { hostRewrite }),
  };
}

function redirectAction(
  context: LowerContext,
  source: RuleSource,
  redirect: HttpRedirectSpec,
  scope: RouteScope,
): RedirectAction {
  const { scheme, authority, uri, prefixRewrite } = redirect;
  // What clients reach is the port of the configuration, or the one that it is mapped to here.
  const requestPort = redirect.derivePort === 'FROM_REQUEST_PORT' ? listenPortOf(context.node, scope.port) : undefined;
  const port = redirect.port ?? requestPort;
  return {
    kind: 'redirect',
    status: redirectStatus(redirect.redirectCode),
    ...(scheme === 'http' || scheme === 'https' ? { scheme } : {}),
    ...(authority === undefined || authority === '' ? {} : { authority }),
    ...(port === undefined ? {} : { port }),
    ...(uri === undefined || uri === '' ? {} : { path: uri }),
    ...(prefixRewrite === undefined || prefixRewrite === '' ? {} : { prefixRewrite }),
    responseHeaders: ownHeaders(context, source),
  };
}

/** Validation has refused every other code. */
function redirectStatus(code: number | undefined): RedirectAction['status'] {
  return code === 302 || code === 303 || code === 307 || code === 308 ? code : 301;
}

/** Response operations of answers that Weft makes itself: only the route's level exists. */
function ownHeaders(context: LowerContext, source: RuleSource): readonly HeaderOp[] {
  const route = source.rule.headers?.response;
  return settle(context, source, source.path, 'response', { route, destination: undefined, singleDestination: true });
}

function settle(
  context: LowerContext,
  source: RuleSource,
  path: string,
  side: 'request' | 'response',
  levels: HeaderLevels,
): readonly HeaderOp[] {
  return settleHeaders(levels, context.read, (operator, level, op, header) => {
    // Validation has spoken of operators that it does not know; what is left are arguments that are not executed.
    const { fault, notExecuted, unknown } = inspectHeaderValue(operator);
    if (fault !== undefined || notExecuted.length > 0 || unknown.length > 0) return;
    context.findings.add(
      'not-executed',
      source.resource,
      `${level === 'route' ? source.path : path}.${formatPath(['headers', side, op, header])}`,
      `operator is not executed in this form and is sent as written (${operator})`,
      '',
    );
  });
}

function lowerRewrite(rewrite: HttpRewriteSpec | undefined): Rewrite | undefined {
  if (rewrite?.uriRegexRewrite !== undefined) {
    const { match, rewrite: substitution } = rewrite.uriRegexRewrite;
    return { kind: 'regex', pattern: match, substitution };
  }
  const value = rewrite?.uri ?? '';
  return value === '' ? undefined : { kind: 'path', value };
}

/** A share of 0 mirrors nothing; absent means every request (Istio `mirrorPercentage`, and `percentage` of `mirrors`). */
function lowerMirrors(context: LowerContext, source: RuleSource, scope: RouteScope): Mirror[] {
  const { rule, resource } = source;
  const { mirror, mirrors = [], mirrorPercentage, mirrorPercent, mirror_percent: oldPercent } = rule;
  const wanted: { destination: DestinationSpec; percent: number; path: string }[] = mirrors.map(
    ({ destination, percentage }, index) => ({
      destination,
      percent: percentage === undefined ? 100 : (percentage.value ?? 0),
      path: `${source.path}.mirrors[${index}].destination`,
    }),
  );
  if (mirror !== undefined) {
    const percent =
      mirrorPercentage === undefined ? (mirrorPercent ?? oldPercent ?? 100) : (mirrorPercentage.value ?? 0);
    wanted.push({ destination: mirror, percent, path: `${source.path}.mirror` });
  }
  return wanted
    .filter(({ percent }) => percent > 0)
    .map(({ destination, percent, path }) => ({
      cluster: context.clusters.useDestination(destination, scope.port, { resource, path }),
      perMillion: perMillion(percent),
    }));
}
