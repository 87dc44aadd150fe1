// SPDX-License-Identifier: Apache-2.0
/**
 * `credentialName` -> a reference to a Secret, and the Secrets that a model names. Only the proxy's own namespace is looked in,
 * as in Istio.
 */
import type { AuthoritySource, CertificateSource, RoutingModel, SecretReference } from '../model/model.js';
import type { SecretData } from '../model/secret-data.js';
import type { KnownResource, Resource, Secret } from '../resources/types.js';
import { originOf } from './findings.js';
import type { Findings } from './findings.js';
import type { ProxyNode } from './proxy-node.js';

/** Istio looks for the authorities of a credential in a Secret of this name first. */
const AUTHORITY_SUFFIX = '-cacert';

/** Where a credential is named, and by which proxy it is to be read. */
export interface CredentialMention {
  readonly node: ProxyNode;
  readonly findings: Findings;
  readonly resource: Resource;
  readonly path: string;
}

/** `name`, `namespace/name` or `kubernetes://` before one of them; undefined for what Weft can't look up. */
export function secretReference(mention: CredentialMention, written: string): SecretReference | undefined {
  const { node, findings, resource, path } = mention;
  const name = written.replace(/^kubernetes:\/\//, '');
  if (name === '') return undefined;
  if (name.includes('://')) {
    const message = `credentials are read from Secrets of the configuration only (${written})`;
    findings.add('credential-not-found', resource, path, message, 'Name a Secret, or files.');
    return undefined;
  }
  const slash = name.indexOf('/');
  const namespace = slash < 0 ? node.namespace : name.slice(0, slash);
  if (namespace !== node.namespace) {
    const message = `a Secret of another namespace needs a ReferenceGrant, which Weft does not read yet (${written})`;
    const hint = `Put the Secret into the namespace of the proxy (${node.namespace}).`;
    findings.add('credential-not-found', resource, path, message, hint);
    return undefined;
  }
  return { kind: 'secret', namespace, name: name.slice(slash + 1) };
}

/** Where the authorities that belong to a credential are looked for. */
export function authorityReferences(named: SecretReference): AuthoritySource[] {
  return [{ ...named, name: `${named.name}${AUTHORITY_SUFFIX}` }, named];
}

/** The Secrets that the model's chains and clusters name, as far as there are any. */
export function secretsOf(model: RoutingModel, resources: readonly KnownResource[]): SecretData[] {
  const wanted = new Set<string>();
  const add = (source: CertificateSource | AuthoritySource): void => {
    if (source.kind === 'secret') wanted.add(`${source.namespace}/${source.name}`);
  };
  for (const { tls } of model.listeners.flatMap(({ filterChains }) => filterChains)) {
    tls?.certificates.forEach(add);
    tls?.clientAuthorities.forEach(add);
  }
  for (const { upstreamTls } of model.clusters) {
    if (upstreamTls?.certificate !== undefined) add(upstreamTls.certificate);
    upstreamTls?.authorities.forEach(add);
  }
  if (wanted.size === 0) return [];
  return resources
    .filter((resource): resource is Secret => resource.kind === 'Secret')
    .filter(({ namespace, name }) => wanted.has(`${namespace}/${name}`))
    .map(secretData);
}

function secretData(secret: Secret): SecretData {
  const { data = {}, stringData = {} } = secret.spec;
  const entries: Record<string, SecretData['entries'][string]> = {};
  for (const [key, value] of Object.entries(data)) {
    const text = Buffer.from(value, 'base64').toString('latin1');
    entries[key] = { text, origin: originOf(secret, `data["${key}"]`) };
  }
  for (const [key, text] of Object.entries(stringData)) {
    entries[key] = { text, origin: originOf(secret, `stringData["${key}"]`) };
  }
  return { namespace: secret.namespace, name: secret.name, entries };
}
