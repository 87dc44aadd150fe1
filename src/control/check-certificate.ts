// SPDX-License-Identifier: Apache-2.0
/** PEM texts -> what is wrong with them, in words; undefined when they can be used. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { CertificatePair } from '../model/certificate-set.js';
import type { LowerCode } from '../lower/problem-codes.js';

export interface CertificateFault {
  readonly code: LowerCode;
  readonly part: 'certificate' | 'private key';
  readonly message: string;
}

/** Never shows a part of a key. */
export function pairFault({ certificate, privateKey }: CertificatePair): CertificateFault | undefined {
  const fault = (part: CertificateFault['part'], message: string): CertificateFault => {
    return { code: 'invalid-certificate', part, message };
  };
  const parsed = attempt(() => new X509Certificate(certificate));
  if (parsed === undefined) return fault('certificate', 'the certificate is not PEM that can be parsed');
  const key = attempt(() => createPrivateKey(privateKey));
  if (key === undefined)
    return fault('private key', 'the private key is not PEM that can be parsed, or needs a passphrase');
  if (!parsed.checkPrivateKey(key)) {
    const message = `the private key does not belong to the certificate (${subjectOf(parsed)})`;
    return { code: 'key-mismatch', part: 'private key', message };
  }
  // What OpenSSL refuses beyond that: keys that are too small, chains with a bad certificate.
  const context = attempt(() => createSecureContext({ cert: certificate, key: privateKey }));
  return context === undefined
    ? fault('certificate', 'OpenSSL refuses the certificate, its chain or its key')
    : undefined;
}

/** A warning in words for a certificate that is not valid at `nowMs`, which clients see and Istio serves all the same. */
export function validityFault(certificate: string, nowMs: number): string | undefined {
  const parsed = new X509Certificate(certificate);
  if (nowMs > Date.parse(parsed.validTo))
    return `the certificate has expired on ${parsed.validTo} (${subjectOf(parsed)})`;
  if (nowMs < Date.parse(parsed.validFrom))
    return `the certificate is not valid before ${parsed.validFrom} (${subjectOf(parsed)})`;
  return undefined;
}

/** Empty texts stand for nothing: the authorities of Node.js, no list. */
export function authoritiesFault(authorities: string, revocations: string): string | undefined {
  if (authorities !== '' && attempt(() => new X509Certificate(authorities)) === undefined) {
    return 'the authorities are not PEM certificates that can be parsed';
  }
  const options = {
    ...(authorities === '' ? {} : { ca: authorities }),
    ...(revocations === '' ? {} : { crl: revocations }),
  };
  const context = attempt(() => createSecureContext(options));
  return context === undefined ? 'OpenSSL refuses the authorities or the revocation list' : undefined;
}

function subjectOf(certificate: X509Certificate): string {
  return (certificate.subject ?? certificate.subjectAltName ?? 'no subject').replaceAll('\n', ', ');
}

function attempt<Value>(run: () => Value): Value | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
