// SPDX-License-Identifier: Apache-2.0
/**
 * A Gateway server's TLS settings -> DownstreamTls. What a Secret or file holds is asked when it is used, since it changes
 * more often than routes.
 */
import type { AuthoritySource, CertificateSource, DownstreamTls, SecretReference, TlsVersion } from '../model/model.js';
import type { ServerTlsSpec, ServerTlsVersion } from '../resources/types.js';
import type { GatewayServer } from './gateway-servers.js';
import type { LowerContext } from './lower-context.js';
import { authorityReferences, secretReference } from './secret-references.js';

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
    return names.flatMap((name) => secretOf(context, entry, 'credentialName', name) ?? []);
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
    return [secretOf(context, entry, 'caCertCredentialName', tls.caCertCredentialName) ?? []].flat();
  }
  if (file !== undefined) return [{ kind: 'file', authorities: file, revocations }];
  const named = secretOf(context, entry, 'credentialName', tls.credentialName ?? tls.credentialNames?.[0] ?? '');
  return named === undefined ? [] : authorityReferences(named);
}

function secretOf(
  { node, findings }: LowerContext,
  { gateway, path }: GatewayServer,
  field: string,
  written: string,
): SecretReference | undefined {
  return secretReference({ node, findings, resource: gateway, path: `${path}.tls.${field}` }, written);
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
