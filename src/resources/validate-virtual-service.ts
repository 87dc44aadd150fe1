// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `VirtualService` that a table cannot say: sections, delegates, hosts, gateways. */
import { fieldsSet } from './findings.js';
import type { Draft, Place } from './findings.js';
import { hostMatches, hostSubsetOf } from './hosts.js';
import { checkReachability } from './reachability.js';
import { isIpAddress } from './scalars.js';
import { isClaimKey } from './schema/formats.js';
import type { VirtualServiceSpec } from './types.js';
import { checkExportTo, checkGatewayName } from './validate-names.js';

interface TlsRouteDraft {
  readonly match?: readonly ({ readonly sniHosts?: readonly (string | undefined)[] } | undefined)[];
}

type SpecDraft = Omit<Draft<VirtualServiceSpec>, 'tls'> & { readonly tls?: readonly (TlsRouteDraft | undefined)[] };

export function checkVirtualService(spec: SpecDraft, place: Place): void {
  const sections = fieldsSet(spec, ['http', 'tls', 'tcp']) as ('http' | 'tls' | 'tcp')[];
  if (sections.every((section) => spec[section]?.length === 0)) {
    const hint = 'Write the rules under http.';
    place.report('missing-route-section', 'at least one of http, tls, tcp is required', hint);
  }
  const isDelegate = (spec.hosts ?? []).length === 0 && (!Object.hasOwn(spec, 'hosts') || spec.hosts !== undefined);
  if (isDelegate) checkDelegate(spec, place);
  else checkHosts(spec, place);
  for (const [index, name] of (spec.gateways ?? []).entries()) checkGatewayName(name, place.at('gateways', index));
  checkExportTo(spec.exportTo, place.at('exportTo'));
  if (spec.http !== undefined) checkReachability(spec.http, place.at('http'));
  if (isOnMesh(spec)) checkClaims(spec, place);
  checkServerNames(spec, place);
}

/** Without gateways, or with `mesh` among them, a VirtualService applies to sidecars. */
function isOnMesh(spec: SpecDraft): boolean {
  if (Object.hasOwn(spec, 'gateways') && spec.gateways === undefined) return false;
  return spec.gateways === undefined || spec.gateways.length === 0 || spec.gateways.includes('mesh');
}

function checkDelegate(spec: SpecDraft, place: Place): void {
  for (const name of fieldsSet(spec, ['gateways', 'tls', 'tcp'])) {
    const hint = 'Remove it, or give the VirtualService hosts.';
    place.at(name).reportKey('delegate-with-binding', `a delegate must not have ${name}`, hint);
  }
  for (const [index, rule] of (spec.http ?? []).entries()) {
    if (rule === undefined || fieldsSet(rule, ['delegate']).length === 0) continue;
    place.at('http', index, 'delegate').reportKey('nested-delegate', 'a delegate cannot delegate further');
  }
}

function checkHosts(spec: SpecDraft, place: Place): void {
  const seen = new Set<string>();
  const wildcards: string[] = [];
  const hosts = spec.hosts ?? [];
  for (const [index, host] of hosts.entries()) {
    if (host === undefined) continue;
    const at = place.at('hosts', index);
    if (host === '*' && isOnMesh(spec)) {
      const hint = 'List gateways without mesh, or name the hosts.';
      at.report('wildcard-host-on-mesh', 'wildcard host * is not allowed for the mesh', hint);
    }
    const lower = host.toLowerCase();
    const earlier = seen.has(lower) ? host : wildcards.find((wildcard) => hostMatches(wildcard, lower));
    const covered =
      earlier ?? (lower.startsWith('*') ? [...seen].find((other) => hostMatches(other, lower)) : undefined);
    if (covered !== undefined) {
      at.report(
        'duplicate-hosts',
        `duplicate hosts: ${covered} & ${host}`,
        'Keep the wider or the narrower of the two.',
      );
    }
    seen.add(lower);
    if (lower.startsWith('*')) wildcards.push(lower);
  }
}

/** A sidecar does not authenticate end users, so there are no claims to match. */
function checkClaims(spec: SpecDraft, place: Place): void {
  for (const [ruleIndex, rule] of (spec.http ?? []).entries()) {
    for (const [blockIndex, block] of (rule?.match ?? []).entries()) {
      for (const section of ['headers', 'withoutHeaders'] as const) {
        for (const name of Object.keys(block?.[section] ?? {}).filter(isClaimKey)) {
          place
            .at('http', ruleIndex, 'match', blockIndex, section, name)
            .reportKey(
              'claim-on-mesh',
              'JWT claim routing is only supported for gateways',
              'List gateways without mesh in spec.gateways.',
            );
        }
      }
    }
  }
}

function checkServerNames(spec: SpecDraft, place: Place): void {
  for (const [ruleIndex, rule] of (spec.tls ?? []).entries()) {
    for (const [blockIndex, block] of (rule?.match ?? []).entries()) {
      for (const [index, name] of (block?.sniHosts ?? []).entries()) {
        if (name === undefined) continue;
        const at = place.at('tls', ruleIndex, 'match', blockIndex, 'sniHosts', index);
        if (isIpAddress(name)) {
          at.report('sni-host-is-ip', `clients send no IP address as server name (${name})`, 'Write a domain name.');
        } else if (!(spec.hosts ?? []).some((host) => host !== undefined && hostSubsetOf(name, host))) {
          const text = `SNI host is not covered by the VirtualService's hosts (${name})`;
          at.report('sni-host-not-covered', text, 'Add it to spec.hosts.');
        }
      }
    }
  }
}
