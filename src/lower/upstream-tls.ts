// SPDX-License-Identifier: Apache-2.0
/**
 * A DestinationRule's `tls` (Istio `ClientTLSSettings`) -> UpstreamTls of a cluster. Validation has refused what contradicts
 * itself. ISTIO_MUTUAL needs a workload identity, which this version has not: validation warns, and it counts as DISABLE.
 */
import type { AuthoritySource, CertificateSource, SecretReference, UpstreamTls } from '../model/model.js';
import type { MeshService } from '../mesh/mesh.js';
import type { ClientTlsSpec, DestinationRule, TrafficPolicySpec } from '../resources/types.js';
import type { EffectiveRule, RuleSubset } from './destination-rules.js';
import { originOf } from './findings.js';
import type { Findings } from './findings.js';
import type { ProxyNode } from './proxy-node.js';
import { authorityReferences, secretReference } from './secret-references.js';
import type { CredentialMention } from './secret-references.js';

/** The name for the authorities that the operating system trusts. */
const SYSTEM = 'system';

/** What the block is for and where it stands. */
export interface UpstreamTlsPlace {
  readonly node: ProxyNode;
  readonly findings: Findings;
  readonly service: MeshService;
  readonly port: number;
  readonly rule: EffectiveRule | undefined;
  readonly subset: RuleSubset | undefined;
}

/** Undefined for plaintext. `tls` is the block that the policy for this port and subset has come to. */
export function lowerUpstreamTls(tls: ClientTlsSpec | undefined, place: UpstreamTlsPlace): UpstreamTls | undefined {
  if (tls?.mode !== 'SIMPLE' && tls?.mode !== 'MUTUAL') return undefined;
  const { resource, path } = writtenAt(place);
  const { node, findings, rule } = place;
  const mention: CredentialMention = { node, findings, resource, path: `${path}.credentialName` };
  const secret = credentialOf(tls.credentialName ?? '', mention, rule);
  const certificate = tls.mode === 'MUTUAL' ? certificateOf(tls, secret) : undefined;
  return {
    ...(certificate === undefined ? {} : { certificate }),
    verifiesServer: tls.insecureSkipVerify !== true,
    authorities: tls.insecureSkipVerify === true ? [] : authoritiesOf(tls, secret),
    ...(tls.sni === undefined || tls.sni === '' ? {} : { sni: tls.sni }),
    subjectAltNames: tls.insecureSkipVerify === true ? [] : namesOf(tls, place.service),
    origin: originOf(resource, path),
  };
}

/**
 * Istio gives credentials to gateways, and to sidecars by rules that select them. One that can't be read stays named, without
 * a namespace, so that the cluster opens no connection rather than a less safe one.
 */
function credentialOf(
  name: string,
  mention: CredentialMention,
  rule: EffectiveRule | undefined,
): SecretReference | undefined {
  if (name === '') return undefined;
  const { node, findings, resource, path } = mention;
  const unreadable: SecretReference = { kind: 'secret', namespace: '', name };
  if (node.role === 'gateway' || rule?.selector !== undefined) return secretReference(mention, name) ?? unreadable;
  const message = `credentialName is read for gateways, and for sidecars when the rule has a workloadSelector (${name})`;
  findings.add('credential-not-found', resource, path, message, 'Add a workloadSelector, or name files.');
  return unreadable;
}

function certificateOf(tls: ClientTlsSpec, secret: SecretReference | undefined): CertificateSource {
  if (secret !== undefined) return secret;
  return { kind: 'file', certificate: tls.clientCertificate ?? '', privateKey: tls.privateKey ?? '' };
}

function authoritiesOf(tls: ClientTlsSpec, secret: SecretReference | undefined): AuthoritySource[] {
  if (secret !== undefined) return authorityReferences(secret);
  const { caCertificates = '', caCrl = '' } = tls;
  if ((caCertificates === '' || caCertificates === SYSTEM) && caCrl === '') return [];
  const authorities = caCertificates === SYSTEM ? '' : caCertificates;
  return [{ kind: 'file', authorities, revocations: caCrl }];
}

function namesOf(tls: ClientTlsSpec, { source }: MeshService): readonly string[] {
  if (tls.subjectAltNames !== undefined && tls.subjectAltNames.length > 0) return tls.subjectAltNames;
  return source.kind === 'ServiceEntry' ? (source.spec.subjectAltNames ?? []) : [];
}

/** The same order of levels as resolvePolicy has. */
function writtenAt({ service, port, rule, subset }: UpstreamTlsPlace): {
  resource: MeshService['source'] | DestinationRule;
  path: string;
} {
  if (subset !== undefined) {
    const inSubset = pathOfTls(subset.spec.trafficPolicy, port);
    if (inSubset !== undefined) return { resource: subset.resource, path: `${subset.path}.trafficPolicy${inSubset}` };
  }
  const policy = rule?.trafficPolicy;
  if (policy === undefined) return { resource: service.source, path: 'spec' };
  return { resource: policy.resource, path: `spec.trafficPolicy${pathOfTls(policy.spec, port) ?? ''}` };
}

function pathOfTls(policy: TrafficPolicySpec | undefined, port: number): string | undefined {
  const index = policy?.portLevelSettings?.findIndex((entry) => entry.port?.number === port) ?? -1;
  if (policy?.portLevelSettings?.[index]?.tls !== undefined) return `.portLevelSettings[${index}].tls`;
  return policy?.tls === undefined ? undefined : '.tls';
}
