// SPDX-License-Identifier: Apache-2.0
/**
 * A Gateway server's TLS settings -> DownstreamTls, and the Secrets that models name. Only the proxy's own namespace is
 * looked in for Secrets, as in Istio; what a Secret holds is asked when it is used, since it changes more often than routes.
 */
import type {
  AuthoritySource,
  CertificateSource,
  DownstreamTls,
  RoutingModel,
  SecretReference,
  TlsVersion,
} from '../model/model.js';
import type { SecretData } from '../model/secret-data.js';
import type { KnownResource, Secret, ServerTlsSpec, ServerTlsVersion } from '../resources/types.js';
import { originOf } from './findings.js';
import type { GatewayServer } from './gateway-servers.js';
import type { LowerContext } from './lower-context.js';

/** Istio looks for the authorities of a credential in a Secret of this name first. */
const AUTHORITY_SUFFIX = '-cacert';

const VERSIONS: Readonly<Record<Exclude<ServerTlsVersion, 'TLS_AUTO'>, TlsVersion>> = {
  TLSV1_0: 'TLSv1',
  TLSV1_1: 'TLSv1.1',
  TLSV1_2: 'TLSv1.2',
  TLSV1_3: 'TLSv1.3',
};

/** The suites that Istio lets one choose; those of TLS 1.3 are always on. */
const CIPHER_SUITES: ReadonlySet<string> = new Set([
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
  'ECDHE-ECDSA-AES128-SHA',
  'ECDHE-RSA-AES128-SHA',
  'ECDHE-ECDSA-AES256-SHA',
  'ECDHE-RSA-AES256-SHA',
  'AES128-GCM-SHA256',
  'AES256-GCM-SHA384',
  'AES128-SHA',
  'AES256-SHA',
]);

export function lowerDownstreamTls(context: LowerContext, entry: GatewayServer): DownstreamTls {
  const tls = entry.server.tls ?? {};
  const asksClient = tls.mode !== 'SIMPLE';
  return {
    certificates: certificatesOf(context, entry, tls),
    clientCertificate: asksClient ? (tls.mode === 'MUTUAL' ? 'required' : 'optional') : 'ignored',
    verifiesClient: tls.insecureSkipVerify !== true,
    clientAuthorities: asksClient ? authoritiesOf(context, entry, tls) : [],
    subjectAltNames: asksClient ? (tls.subjectAltNames ?? []) : [],
    spkiHashes: asksClient ? (tls.verifyCertificateSpki ?? []) : [],
    certificateHashes: asksClient ? (tls.verifyCertificateHash ?? []).map(plainHash) : [],
    minVersion: versionOf(tls.minProtocolVersion, 'TLSv1.2'),
    maxVersion: versionOf(tls.maxProtocolVersion, 'TLSv1.3'),
    cipherSuites: cipherSuitesOf(context, entry, tls.cipherSuites ?? []),
    curves: tls.ecdhCurves ?? [],
    alpn: ['http/1.1'],
  };
}

function certificatesOf(context: LowerContext, entry: GatewayServer, tls: ServerTlsSpec): CertificateSource[] {
  const names = tls.credentialName === undefined ? (tls.credentialNames ?? []) : [tls.credentialName];
  if (names.length > 0) {
    return names.flatMap((name) => secretReference(context, entry, 'credentialName', name) ?? []);
  }
  const own = { serverCertificate: tls.serverCertificate ?? '', privateKey: tls.privateKey ?? '' };
  return (tls.tlsCertificates ?? [own]).map(({ serverCertificate, privateKey }) => {
    return { kind: 'file', certificate: serverCertificate, privateKey };
  });
}

function authoritiesOf(context: LowerContext, entry: GatewayServer, tls: ServerTlsSpec): AuthoritySource[] {
  const revocations = tls.caCrl ?? '';
  const file = tls.caCertificates ?? tls.tlsCertificates?.find((pair) => pair.caCertificates)?.caCertificates;
  if (tls.caCertCredentialName !== undefined) {
    return [secretReference(context, entry, 'caCertCredentialName', tls.caCertCredentialName) ?? []].flat();
  }
  if (file !== undefined) return [{ kind: 'file', authorities: file, revocations }];
  const named = secretReference(context, entry, 'credentialName', tls.credentialName ?? tls.credentialNames?.[0] ?? '');
  return named === undefined ? [] : [{ ...named, name: `${named.name}${AUTHORITY_SUFFIX}` }, named];
}

/** `name`, `namespace/name` or `kubernetes://` before one of them; undefined for what Weft can't look up. */
function secretReference(
  context: LowerContext,
  entry: GatewayServer,
  field: string,
  written: string,
): SecretReference | undefined {
  const name = written.replace(/^kubernetes:\/\//, '');
  const path = `${entry.path}.tls.${field}`;
  if (name === '') return undefined;
  if (name.includes('://')) {
    const message = `credentials are read from Secrets of the configuration only (${written})`;
    context.findings.add('credential-not-found', entry.gateway, path, message, 'Name a Secret, or files.');
    return undefined;
  }
  const slash = name.indexOf('/');
  const namespace = slash < 0 ? context.node.namespace : name.slice(0, slash);
  if (namespace !== context.node.namespace) {
    const message = `a Secret of another namespace needs a ReferenceGrant, which Weft does not read yet (${written})`;
    const hint = `Put the Secret into the namespace of the gateway proxy (${context.node.namespace}).`;
    context.findings.add('credential-not-found', entry.gateway, path, message, hint);
    return undefined;
  }
  return { kind: 'secret', namespace, name: name.slice(slash + 1) };
}

function versionOf(version: ServerTlsVersion | undefined, fallback: TlsVersion): TlsVersion {
  return version === undefined || version === 'TLS_AUTO' ? fallback : VERSIONS[version];
}

function cipherSuitesOf(context: LowerContext, entry: GatewayServer, suites: readonly string[]): string[] {
  const unknown = suites.filter((suite) => !CIPHER_SUITES.has(suite));
  if (unknown.length > 0) {
    const message = `cipher suites are ignored: ${unknown.join(', ')}`;
    const hint = 'Suites up to TLS 1.2 have names such as ECDHE-RSA-AES128-GCM-SHA256; those of TLS 1.3 are always on.';
    context.findings.add('unknown-cipher-suite', entry.gateway, `${entry.path}.tls.cipherSuites`, message, hint);
  }
  return [...new Set(suites.filter((suite) => CIPHER_SUITES.has(suite)))];
}

/** Colons and case do not matter. */
function plainHash(hash: string): string {
  return hash.replaceAll(':', '').toLowerCase();
}

/** The Secrets that the model's chains name, as far as there are any. */
export function secretsOf(model: RoutingModel, resources: readonly KnownResource[]): SecretData[] {
  const wanted = new Set<string>();
  for (const { tls } of model.listeners.flatMap(({ filterChains }) => filterChains)) {
    for (const source of [...(tls?.certificates ?? []), ...(tls?.clientAuthorities ?? [])])
      if (source.kind === 'secret') wanted.add(`${source.namespace}/${source.name}`);
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
