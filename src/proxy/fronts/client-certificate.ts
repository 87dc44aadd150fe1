// SPDX-License-Identifier: Apache-2.0
/** A client's certificate -> whether a filter chain takes it, and what x-forwarded-client-cert says of it. */
import type { X509Certificate } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { DownstreamTls } from '../../model/model.js';
import { namesOf, subjectOf } from '../certificate-names.js';

/** What fits into the thread's facts; names beyond it are left out. */
export const MAX_FORWARDED_BYTES = 2000;

/** True when the pins and names of the chain let the certificate pass; whether its signature is good was asked before. */
export function isAccepted(tls: DownstreamTls, certificate: X509Certificate): boolean {
  const { spkiHashes, certificateHashes, subjectAltNames } = tls;
  if (spkiHashes.length + certificateHashes.length > 0) {
    const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
    const isPinned =
      spkiHashes.includes(createHash('sha256').update(key).digest('base64')) ||
      certificateHashes.includes(createHash('sha256').update(certificate.raw).digest('hex'));
    if (!isPinned) return false;
  }
  return subjectAltNames.length === 0 || namesOf(certificate).some(({ value }) => subjectAltNames.includes(value));
}

/** The value in Envoy's order of elements and with its escapes; only visible ASCII, whatever the certificate holds. */
export function forwardedClientCertificate(certificate: X509Certificate): string {
  const names = namesOf(certificate);
  const of = (wanted: string): string[] => names.filter(({ type }) => type === wanted).map(({ value }) => value);
  const elements = [
    `Hash=${createHash('sha256').update(certificate.raw).digest('hex')}`,
    `Subject="${visible(subjectOf(certificate))}"`,
  ];
  const uris = of('URI');
  for (const uri of uris.length === 0 ? [''] : uris) elements.push(`URI=${quoted(uri)}`);
  for (const name of of('DNS')) elements.push(`DNS=${quoted(name)}`);
  while (elements.length > 1 && elements.join(';').length > MAX_FORWARDED_BYTES) elements.pop();
  return elements.join(';');
}

/** `,`, `;`, `=` and quotes divide elements, so a value that has one is quoted. */
function quoted(value: string): string {
  const text = visible(value);
  return /[,;="]/.test(text) ? `"${text.replaceAll(/["\\]/g, '\\$&')}"` : text;
}

/** A control character in a name must not end the header line. */
function visible(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}
