// SPDX-License-Identifier: Apache-2.0
/** References by name inside a resource: gateways, export lists, and the namespaces in front of Gateway hosts. */
import { show } from './findings.js';
import type { Place } from './findings.js';
import { faultOfFqdn, faultOfWildcardDomain, isDnsLabel, isIpAddress } from './scalars.js';

/** Istio `VirtualService.gateways`: `mesh`, a name, or `namespace/name`; the old form with dots still works. */
export function checkGatewayName(name: string | undefined, place: Place): void {
  if (name === undefined || name === 'mesh') return;
  const parts = name.split('/');
  const [namespace = '', gateway = ''] = parts.length === 1 ? ['.', parts[0]] : parts;
  const isNamespace = namespace === '.' || isDnsLabel(namespace);
  if (parts.length > 2 || !isNamespace || faultOfFqdn(gateway) !== undefined) {
    const hint = 'Write a name, namespace/name, or mesh.';
    place.report('invalid-gateway-name', `is not the name of a Gateway (${show(name)})`, hint);
  } else if (parts.length === 1 && name.includes('.')) {
    const [short, own] = name.split('.');
    const text = `names a Gateway by its old DNS form (${name})`;
    place.report('legacy-gateway-name', text, `Write ${own ?? 'namespace'}/${short ?? name}.`);
  }
}

/** Istio `exportTo`. `nobody` is allowed for the ServiceEntry, which may be exported to no namespace at all (`~`). */
export function checkExportTo(
  entries: readonly (string | undefined)[] | undefined,
  place: Place,
  nobody: 'nobody-allowed' | 'nobody-refused' = 'nobody-refused',
): void {
  const seen = new Set<string>();
  for (const [index, entry] of (entries ?? []).entries()) {
    if (entry === undefined) continue;
    const at = place.at(index);
    const namespace = entry === '.' ? place.resource.namespace : entry;
    if (seen.has(namespace)) {
      at.report('duplicate-export-to', `duplicate exportTo entry (${entry})`, 'Name each namespace once.');
    }
    seen.add(namespace);
    if (entry === '~' && nobody === 'nobody-refused') {
      at.report('invalid-export-to', `is only allowed for a ServiceEntry (${entry})`, 'Use "." for the own namespace.');
    } else if (entry === '*' || entry === '~') {
      if ((entries?.length ?? 0) > 1) {
        at.report('invalid-export-to', `must be the only entry (${entry})`, 'Remove the other entries.');
      }
    } else if (entry !== '.' && !isDnsLabel(entry)) {
      at.report('invalid-export-to', `is not a namespace (${show(entry)})`, 'Write a namespace, "." or "*".');
    }
  }
}

/** Istio `Server.hosts`: `[namespace/]host` with a full name; `*` and `.` stand for any and the own namespace. */
export function checkServerHost(entry: string | undefined, place: Place): void {
  if (entry === undefined) return;
  const slash = entry.indexOf('/');
  const namespace = slash < 0 ? '*' : entry.slice(0, slash);
  const host = entry.slice(slash + 1);
  if (namespace !== '*' && namespace !== '.' && !isDnsLabel(namespace)) {
    place.report(
      'invalid-host',
      `has no valid namespace in front of its "/" (${show(entry)})`,
      'Write namespace/host.',
    );
  }
  if (isIpAddress(host)) return;
  const fault = faultOfWildcardDomain(host);
  if (fault !== undefined) {
    place.report('invalid-host', `${fault} (${show(entry)})`, 'Write a domain name, or a pattern such as *.a.example.');
  } else if (!host.includes('.') && !host.startsWith('*')) {
    place.report(
      'short-host',
      `short names are not allowed in a Gateway (${show(entry)})`,
      'Write the full domain name.',
    );
  }
}
