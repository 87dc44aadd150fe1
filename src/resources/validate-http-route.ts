// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `HTTPRoute`, `HTTPMatchRequest` and weighted destinations that a table cannot say. */
import { fieldsSet } from './findings.js';
import type { Draft, Place } from './findings.js';
import { isClaimKey } from './schema/formats.js';
import { checkAuthoritySources } from './validate-http-action.js';
import type { HttpMatchRequestSpec, HttpRouteSpec } from './types.js';
import { checkGatewayName } from './validate-names.js';

type RouteDraft = Draft<HttpRouteSpec>;

/** What each action may not stand together with (Istio's validateHTTPRouteConflict). */
const CONFLICTS: Readonly<Record<string, readonly string[]>> = {
  redirect: ['route', 'fault', 'rewrite', 'directResponse'],
  directResponse: ['route', 'fault', 'rewrite'],
  delegate: ['route', 'redirect'],
};

/** Fields that only forwarding reads. */
const FORWARDING_ONLY = ['timeout', 'retries', 'mirror', 'mirrors', 'mirrorPercentage', 'mirrorPercent', 'corsPolicy'];

export function checkHttpRoute(route: RouteDraft, place: Place): void {
  const actions = fieldsSet(route, ['route', 'redirect', 'directResponse', 'delegate']);
  if (actions.length === 0 || (actions.length === 1 && route.route?.length === 0)) {
    place.report('missing-action', 'rule has no action', 'Set one of route, redirect and directResponse.');
  }
  for (const [action, others] of Object.entries(CONFLICTS)) {
    if (fieldsSet(route, [action]).length === 0) continue;
    for (const other of fieldsSet(route, others)) {
      place
        .at(other)
        .reportKey('conflicting-actions', `${other} cannot stand beside ${action}`, 'Keep one of the two.');
    }
  }
  if (actions.includes('delegate') && actions.includes('directResponse')) {
    const text = 'directResponse beside delegate is inherited by every rule of the delegate that has none';
    place.at('directResponse').reportKey('delegate-direct-response', text, 'Move it to the delegate.');
  }
  checkIgnoredFields(route, actions, place);
  checkRouteWeights(route, place);
  checkPrefixRedirect(route, place);
  checkAuthoritySources(route.rewrite, route.headers?.request, place);
  checkPreflights(route, place);
}

/** The preflight itself chooses the rule, and its method is OPTIONS. */
function checkPreflights(route: RouteDraft, place: Place): void {
  const blocks = route.match ?? [];
  if (!Object.hasOwn(route, 'corsPolicy') || blocks.length === 0) return;
  const isBlind = blocks.every((block) => block?.method?.exact !== undefined && block.method.exact !== 'OPTIONS');
  if (!isBlind) return;
  const text = 'rule matches other methods than OPTIONS only, so it will not see preflights';
  place.at('corsPolicy').reportKey('cors-without-preflight', text, 'Match without method, or add OPTIONS.');
}

function checkIgnoredFields(route: RouteDraft, actions: readonly string[], place: Place): void {
  const answer = ['redirect', 'directResponse'].find((action) => actions.includes(action));
  if (answer === undefined || actions.includes('route') || actions.includes('delegate')) return;
  for (const name of fieldsSet(route, FORWARDING_ONLY)) {
    place.at(name).reportKey('ignored-field', `${name} has no effect on a rule with ${answer}`, 'Remove the field.');
  }
  if (route.headers !== undefined && Object.hasOwn(route.headers, 'request')) {
    const text = `headers.request has no effect on a rule with ${answer}`;
    place.at('headers', 'request').reportKey('ignored-field', text, 'Remove the field.');
  }
}

/** A prefix can only be replaced where one was matched; a block without uri counts as the prefix `/`. */
function checkPrefixRedirect(route: RouteDraft, place: Place): void {
  if (route.redirect?.prefixRewrite === undefined) return;
  for (const [index, block] of (route.match ?? []).entries()) {
    if (block?.uri === undefined || block.uri.prefix !== undefined) continue;
    place
      .at('match', index, 'uri')
      .report(
        'prefix-rewrite-without-prefix',
        'redirect.prefixRewrite needs a prefix match, and this block has another',
        'Match by uri.prefix, or redirect with uri.',
      );
  }
}

/** For HTTP, TLS and TCP routes: some destination must be able to get traffic. */
export function checkRouteWeights(
  draft: { readonly route?: readonly ({ readonly weight?: number | undefined } | undefined)[] | undefined },
  place: Place,
): void {
  const destinations = draft.route ?? [];
  if (destinations.length < 2) return;
  const isZero = (item: { readonly weight?: number | undefined } | undefined): boolean =>
    item !== undefined && (Object.hasOwn(item, 'weight') ? item.weight === 0 : true);
  if (!destinations.every(isZero)) return;
  place.at('route').report('zero-total-weight', 'total weight is 0', 'Give at least one destination a weight.');
}

/** Explicit names of Envoy's pseudo-headers without the colon, which match nothing that clients send. */
const PLAIN_PSEUDO_NAMES: ReadonlySet<string> = new Set(['uri', 'scheme', 'method', 'authority']);

export function checkHttpMatch(block: Draft<HttpMatchRequestSpec>, place: Place): void {
  for (const section of ['headers', 'withoutHeaders'] as const) {
    for (const name of Object.keys(block[section] ?? {})) {
      if (PLAIN_PSEUDO_NAMES.has(name)) {
        const text = `is an ordinary header name here, not the request's ${name}`;
        place.at(section, name).reportKey('plain-pseudo-header', text, `Use the field ${name} of the match.`);
      }
      if (isClaimKey(name)) {
        const text = 'matching by claims of a token is valid but not executed by Weft yet';
        place.at(section, name).reportKey('not-executed', `${text} (${name})`);
      }
    }
  }
  for (const [index, name] of (block.gateways ?? []).entries()) checkGatewayName(name, place.at('gateways', index));
  const ignored = fieldsSet(block, ['sourceLabels', 'sourceNamespace']);
  if ((block.gateways?.length ?? 0) === 0) return;
  for (const name of ignored) {
    const text = `${name} is ignored in a block that names gateways`;
    place.at(name).reportKey('ignored-field', text, 'Put it in a block of its own.');
  }
}

/** Istio reads an absent number as 0, and no service has a port 0. */
export function checkDestinationPort(value: { readonly number?: number }, place: Place): void {
  if (fieldsSet(value, ['number']).length === 0) {
    place.report('missing-field', 'port has no number', 'Give the port of the service, or leave port out.');
  }
}
