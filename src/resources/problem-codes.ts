// SPDX-License-Identifier: Apache-2.0
/**
 * Every code that a Problem can carry -> its severity and meaning. The list is data so that docs/problems.md is printed
 * from it and a code cannot be used without being explained. Codes are stable: people filter and alert on them.
 */
import { markdownTable } from './markdown-table.js';
import type { Severity } from './problem.js';

export interface CodeDescription {
  readonly severity: Severity;
  readonly meaning: string;
}

function error(meaning: string): CodeDescription {
  return { severity: 'error', meaning };
}

function warning(meaning: string): CodeDescription {
  return { severity: 'warning', meaning };
}

function info(meaning: string): CodeDescription {
  return { severity: 'info', meaning };
}

const FILE_CODES = {
  'unreadable-file': error('A file, folder or standard input cannot be read.'),
  'file-too-large': error('A file, or all files together, are larger than Weft reads.'),
  'folder-too-deep': error('Folders are nested too deeply, usually a loop of links.'),
  'yaml-syntax': error('A document is not valid YAML or JSON. The other documents of the file are still read.'),
  'yaml-alias-bomb': error('The aliases of a document expand to too many nodes.'),
  'yaml-too-deep': error('A document is nested too deeply, or an alias contains itself.'),
  'duplicate-key': error('An object has the same key twice.'),
  'not-an-object': error('A document, or an item of a List, is not an object.'),
  'missing-api-version': error('A document has no apiVersion.'),
  'missing-kind': error('A document has no kind.'),
  'missing-name': error('A document has no metadata.name.'),
  'unsupported-version': error('The kind is known, but not in this apiVersion.'),
  'kind-not-executed': warning('A valid Istio kind that Weft does not execute yet; the resource is left out.'),
  'kind-ignored': info('A kind that Weft does not read, such as a Deployment; the document is left out.'),
  'duplicate-resource': error('The same kind, namespace and name was defined before; the later one is left out.'),
  'invalid-annotation': error('An annotation that Weft reads has a value that it cannot use.'),
  'reserved-annotation': error('An annotation that users may not set on this kind.'),
} as const satisfies Record<string, CodeDescription>;

const FIELD_CODES = {
  'unknown-field': warning('A field that the kind does not have. It is ignored, as the Kubernetes API server does.'),
  'wrong-type': error('A value has the wrong type, such as a number where a string is needed.'),
  'null-value': error('A list entry or map value is null.'),
  'missing-field': error('A required field, or a required list entry, is missing.'),
  'empty-value': error('A string that must not be empty is empty.'),
  'invalid-enum': error('A value is none of the names that the field allows.'),
  'out-of-range': error('A number is outside the range of the field.'),
  'too-many': error('A list has more entries than the field allows.'),
  'oneof-conflict': error('Fields that exclude each other are both set.'),
  'invalid-duration': error('A duration is malformed, below 1ms or more precise than the field allows.'),
  'invalid-percent': error('A percentage is neither 0 nor in 0.0001..100.'),
  'invalid-name': error('A name is not a DNS label, or is too long.'),
  'invalid-host': error('A host is not a domain name, or has a wildcard in the wrong place.'),
  'invalid-address': error('An address is neither an IP address nor what else the field allows.'),
  'invalid-label': error('A label has a key or value that Kubernetes does not allow.'),
  'invalid-regex': error('A regular expression is empty, too long or not RE2.'),
  'invalid-header-name': error('A header name has characters that HTTP does not allow.'),
  'invalid-header-value': error('A header value has a control character or an unterminated `%` operator.'),
  'invalid-base64': error('A body given as bytes is not base64.'),
  'selector-wildcard': error('A selector has a wildcard.'),
  'empty-selector': warning('A selector without labels selects every workload of the namespace.'),
  'not-executed': warning('A field or value that is valid Istio, but that Weft does not execute yet.'),
  'no-effect': warning('A field that Istio itself ignores.'),
  'deprecated-field': warning('A field that Istio replaced by another.'),
  'ignored-field': warning('A field that has no effect beside the other fields of the resource.'),
  'duplicate-name': error('Two entries of a list have the same name.'),
  'duplicate-port': error('Two entries of a list have the same port number.'),
  'invalid-export-to': error('An exportTo entry is no namespace, or cannot stand there.'),
  'duplicate-export-to': error('A namespace appears twice in exportTo.'),
} as const satisfies Record<string, CodeDescription>;

const VIRTUAL_SERVICE_CODES = {
  'missing-route-section': error('A VirtualService has none of http, tls and tcp.'),
  'duplicate-hosts': error('Two hosts of a VirtualService cover each other.'),
  'wildcard-host-on-mesh': error('The host `*` is bound to sidecars.'),
  'invalid-gateway-name': error('An entry of gateways is no name of a Gateway.'),
  'legacy-gateway-name': warning('A Gateway is named by its old form with dots.'),
  'delegate-with-binding': error('A VirtualService without hosts has gateways, tls or tcp.'),
  'nested-delegate': error('A delegate delegates further.'),
  'delegate-direct-response': warning('A rule has both delegate and directResponse.'),
  'missing-action': error('A rule has none of route, redirect, directResponse and delegate.'),
  'conflicting-actions': error('A rule has actions or fields that exclude each other.'),
  'zero-total-weight': error('All destinations of a rule have weight 0.'),
  'empty-match': warning('A string match sets no condition where one is expected.'),
  'presence-regex': warning('The regular expression `*` is taken as a test for presence.'),
  'plain-pseudo-header': warning(
    'A header match names uri, scheme, method or authority, which are ordinary names there.',
  ),
  'claim-on-mesh': error('A match by claims of a token in a VirtualService that applies to sidecars.'),
  'unreachable-rule': warning('A rule comes after one that matches every request.'),
  'unreachable-match': warning('A match block comes after one that matches all its requests.'),
  'empty-redirect': error('A redirect changes nothing.'),
  'unsupported-redirect-code': error('A redirect status is none of 301, 302, 303, 307 and 308.'),
  'prefix-rewrite-without-prefix': error('A redirect replaces the prefix of a path that was not matched by prefix.'),
  'body-too-large': error('The body of a directResponse is larger than 1 MiB.'),
  'body-large': warning('The body of a directResponse is larger than 100 KiB.'),
  'empty-rewrite': error('A rewrite changes nothing.'),
  'reserved-header': error('A header operation on a pseudo-header or on Host where that is not allowed.'),
  'authority-conflict': error('The authority of the request is set more than once on one level.'),
  'unknown-header-operator': warning('A header value has an operator that Envoy does not know.'),
  'retries-disabled': error('Retries are off (attempts 0) while other retry fields are set.'),
  'invalid-retry-condition': error('A retryOn condition is unknown.'),
  'retry-condition-spaces': warning('retryOn has spaces, which Istio refuses.'),
  'empty-fault': error('A fault has neither delay nor abort.'),
  'unsupported-fault': error('A fault of a kind that Istio does not support.'),
  'fault-without-percentage': warning('A fault has no percentage, so it is never injected.'),
  'abort-without-status': warning('An abort names no status and is ignored.'),
  'cors-without-preflight': warning('A rule with corsPolicy does not match OPTIONS, so it never sees a preflight.'),
  'sni-host-not-covered': error('A TLS rule matches a server name that no host of the VirtualService covers.'),
  'sni-host-is-ip': warning('A TLS rule matches an IP address, which clients never send as server name.'),
} as const satisfies Record<string, CodeDescription>;

const POLICY_CODES = {
  'empty-traffic-policy': error('A traffic policy, or one of a port, sets nothing.'),
  'empty-connection-pool': error('A connectionPool has neither tcp nor http.'),
  'duplicate-port-policy': warning('Two portLevelSettings are for one port; the first wins.'),
  'port-policy-drops-tls': warning('A port policy without tls replaces a policy that has it.'),
  'missing-hash-key': warning('A consistentHash names no key.'),
  'maglev-not-prime': error('The size of a Maglev table is not a prime.'),
  'locality-weights': error('The weights of a locality distribution do not add up to 100.'),
  'invalid-locality': error('A locality is malformed, overlaps another, or cannot stand there.'),
  'failover-without-outlier-detection': warning('Locality failover without outlierDetection never happens.'),
  'local-origin-without-split': error('consecutiveLocalOriginFailures needs splitExternalLocalOriginErrors.'),
  'unverified-name': warning('TLS with sni and without subjectAltNames does not verify the name of the server.'),
} as const satisfies Record<string, CodeDescription>;

const GATEWAY_AND_ENTRY_CODES = {
  'short-host': error('A Gateway names a host by its short name.'),
  'unsupported-protocol': error('A protocol that Istio does not know, or that cannot be used there.'),
  'target-port-on-gateway': error('A Gateway server has a targetPort.'),
  'tls-on-plaintext': error('A Gateway server for a plaintext protocol has TLS settings.'),
  'conflicting-certificates': error('TLS settings of a Gateway name certificates in ways that exclude each other.'),
  'tls-versions': error('The lowest TLS version is above the highest.'),
  'tls-old-version': warning('TLS below 1.2 is allowed without cipher suites for it.'),
  'partial-wildcard': warning('A ServiceEntry host has a wildcard for a part of a label.'),
  'hosts-share-tcp-port': error('Several hosts of a ServiceEntry share a port whose protocol names no host.'),
  'address-with-resolution': error('An address cannot be used with the resolution of the ServiceEntry.'),
  'endpoints-with-resolution': error('The number of endpoints does not fit the resolution of the ServiceEntry.'),
  'wildcard-with-dns': error('A ServiceEntry host cannot be resolved as its resolution says.'),
  'unknown-port-name': error('An endpoint names a port that its ServiceEntry does not have.'),
  'ports-with-unix': error('An endpoint at a Unix socket has ports.'),
  'conflicting-egress': error('Egress listeners or settings of a Sidecar exclude each other.'),
  'network-without-address': warning('A WorkloadEntry has a network and no address.'),
} as const satisfies Record<string, CodeDescription>;

const REFERENCE_CODES = {
  'gateway-not-found': warning('A VirtualService names a Gateway that is not in the configuration.'),
  'host-not-found': warning('No Service or ServiceEntry defines the host of a destination or DestinationRule.'),
  'subset-not-found': warning('No DestinationRule of the host defines the subset; its requests get 503.'),
  'port-not-found': warning('The service does not have the port that a resource names.'),
  'service-in-other-namespace': warning('A short name means a service of the own namespace; only another one has it.'),
  'gateway-port-conflict': warning(
    'Two Gateways use one port in ways that exclude each other; the later server is skipped.',
  ),
  'gateway-host-not-covered': warning('No server of the Gateways accepts a host of the VirtualService.'),
  'policy-not-merged': warning(
    'A DestinationRule for the same host came first; this part of the later one is ignored.',
  ),
  'delegate-not-found': warning('A VirtualService delegates to one that is not in the configuration.'),
} as const satisfies Record<string, CodeDescription>;

/** Every code, in the order of the documentation. */
export const PROBLEM_CODES = {
  ...FILE_CODES,
  ...FIELD_CODES,
  ...VIRTUAL_SERVICE_CODES,
  ...POLICY_CODES,
  ...GATEWAY_AND_ENTRY_CODES,
  ...REFERENCE_CODES,
} as const;

export type ProblemCode = keyof typeof PROBLEM_CODES;

/** A title and the codes under it. */
export type ProblemSection = readonly [string, Readonly<Record<string, CodeDescription>>];

const SECTIONS: readonly ProblemSection[] = [
  ['Files and documents', FILE_CODES],
  ['Fields of any kind', FIELD_CODES],
  ['VirtualService', VIRTUAL_SERVICE_CODES],
  ['DestinationRule', POLICY_CODES],
  ['Gateway, ServiceEntry, WorkloadEntry and Sidecar', GATEWAY_AND_ENTRY_CODES],
  ['References between resources', REFERENCE_CODES],
];

/** The Markdown of docs/problems.md; `laterStages` are the codes that stages after this folder add. */
export function problemsPage(laterStages: readonly ProblemSection[]): string {
  const lines = [
    '# Problems',
    '',
    'Every finding about a configuration carries one of these codes. A resource with an **error** is left out, and the',
    'rest of the configuration stays in force; a **warning** or **info** changes nothing. `weft analyze` prints them all.',
    '',
    'This page is generated from the tables in the code by `tools/generate-docs.mjs`.',
  ];
  for (const [title, codes] of [...SECTIONS, ...laterStages]) {
    const rows = Object.entries(codes).map(([code, { severity, meaning }]) => [`\`${code}\``, severity, meaning]);
    lines.push('', `## ${title}`, '', ...markdownTable([['Code', 'Severity', 'Meaning'], ...rows]));
  }
  return `${lines.join('\n')}\n`;
}
