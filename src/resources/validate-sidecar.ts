// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `Sidecar` that a table cannot say. */
import { fieldsSet, show } from './findings.js';
import type { Draft, Place } from './findings.js';
import { faultOfFqdn, faultOfWildcardDomain, isDnsLabel } from './scalars.js';
import type { SidecarEgressSpec, SidecarSpec } from './types.js';
import { checkSelector } from './validate-selector.js';

type SpecDraft = Draft<SidecarSpec>;

export function checkSidecar(spec: SpecDraft, place: Place): void {
  const set = fieldsSet(spec, [
    'workloadSelector',
    'ingress',
    'inboundConnectionPool',
    'egress',
    'outboundTrafficPolicy',
  ]);
  if (set.length === 0) place.report('missing-field', 'Sidecar sets nothing', 'Set egress, ingress or another field.');
  if (set.includes('workloadSelector')) {
    checkSelector(spec.workloadSelector?.labels, place.at('workloadSelector'));
  }
  checkIngressPorts(spec, place);
  checkEgressPorts(spec, place);
  checkOutboundPolicy(spec, place.at('outboundTrafficPolicy'));
}

function checkIngressPorts(spec: SpecDraft, place: Place): void {
  const seen = new Set<number>();
  for (const [index, listener] of (spec.ingress ?? []).entries()) {
    const at = place.at('ingress', index);
    const number = listener?.port?.number;
    if (number !== undefined && seen.has(number)) {
      at.at('port', 'number').report('duplicate-port', `port is defined twice (${number})`, 'Keep one of them.');
    }
    if (number !== undefined) seen.add(number);
    checkDefaultEndpoint(listener?.defaultEndpoint, at.at('defaultEndpoint'));
  }
}

function checkDefaultEndpoint(endpoint: string | undefined, place: Place): void {
  if (endpoint === undefined || endpoint === '') return;
  const isLocal = /^(?:127\.0\.0\.1|0\.0\.0\.0|\[::1\]|\[::\]):[1-9]\d{0,4}$/.test(endpoint);
  if (isLocal || endpoint.startsWith('unix:///') || endpoint.startsWith('unix://@')) return;
  const hint = 'Write 127.0.0.1:PORT, [::1]:PORT, 0.0.0.0:PORT, [::]:PORT or unix:///path.';
  place.report('invalid-address', `is not an address of the workload (${show(endpoint)})`, hint);
}

/** One listener without a port may be there, and it must be the last. */
function checkEgressPorts(spec: SpecDraft, place: Place): void {
  const listeners = spec.egress ?? [];
  const seen = new Set<number>();
  for (const [index, listener] of listeners.entries()) {
    if (listener === undefined) continue;
    const at = place.at('egress', index);
    const number = listener.port?.number;
    if (number === undefined) {
      if (Object.hasOwn(listener, 'port') || index === listeners.length - 1) continue;
      at.reportKey('conflicting-egress', 'a listener without port must be the only one and the last', 'Move it down.');
    } else if (seen.has(number)) {
      at.at('port', 'number').report('duplicate-port', `port is defined twice (${number})`, 'Keep one of them.');
    } else seen.add(number);
  }
}

export function checkEgressListener(listener: Draft<SidecarEgressSpec>, place: Place): void {
  for (const [index, entry] of (listener.hosts ?? []).entries()) checkEgressHost(entry, place.at('hosts', index));
}

/** `namespace/host`; `~/*` imports nothing, and `~namespace/host` takes out what another entry imports. */
function checkEgressHost(entry: string | undefined, place: Place): void {
  if (entry === undefined) return;
  const slash = entry.indexOf('/');
  if (slash < 0) {
    const hint = 'Write namespace/host, such as ./* or istio-system/*.';
    place.report('invalid-host', `must be namespace/host (${show(entry)})`, hint);
    return;
  }
  const namespace = entry.slice(0, slash);
  const host = entry.slice(slash + 1);
  const named = namespace.startsWith('~') && namespace !== '~' ? namespace.slice(1) : namespace;
  if (named !== '*' && named !== '.' && named !== '~' && !isDnsLabel(named)) {
    place.report(
      'invalid-host',
      `has no valid namespace in front of its "/" (${show(entry)})`,
      'Write namespace/host.',
    );
  }
  const fault = faultOfWildcardDomain(host);
  if (fault !== undefined) {
    place.report('invalid-host', `${fault} (${show(entry)})`, 'Write a domain name, or a pattern such as *.a.example.');
  } else if (!host.includes('.') && !host.startsWith('*')) {
    place.report('short-host', `short names are not allowed in a Sidecar (${show(entry)})`, 'Write the full name.');
  }
}

function checkOutboundPolicy(spec: SpecDraft, place: Place): void {
  const policy = spec.outboundTrafficPolicy;
  const proxy = policy?.egressProxy;
  if (policy === undefined || proxy === undefined) return;
  const at = place.at('egressProxy');
  if (policy.mode !== 'ALLOW_ANY') {
    at.reportKey('conflicting-egress', 'egressProxy needs mode ALLOW_ANY', 'Set mode: ALLOW_ANY.');
  }
  if (proxy.host !== undefined && (proxy.host.startsWith('*') || faultOfFqdn(proxy.host) !== undefined)) {
    at.at('host').report(
      'invalid-host',
      `is not a full domain name (${show(proxy.host)})`,
      'Name the service in full.',
    );
  }
  if (proxy.port?.number === undefined) {
    at.report('missing-field', 'egressProxy names no port', 'Set port.number.');
  }
}
