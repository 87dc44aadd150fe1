// SPDX-License-Identifier: Apache-2.0
/** An X.509 certificate -> its names as data, and whether it bears one of those that are wanted. */
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export interface SubjectAltName {
  /** `DNS`, `URI`, `IP Address` or `email`. */
  readonly type: string;
  readonly value: string;
}

/** Node.js quotes, as a JSON string, a value that could be taken for several. */
export function namesOf(certificate: X509Certificate): SubjectAltName[] {
  const names: SubjectAltName[] = [];
  const pattern = /(DNS|URI|IP Address|email):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g;
  for (const [, type = '', written = ''] of (certificate.subjectAltName ?? '').matchAll(pattern)) {
    names.push({ type, value: written.startsWith('"') ? unquoted(written) : written });
  }
  return names;
}

function unquoted(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

/** As in RFC 2253: the most specific part first. Node.js has escaped quotes and control characters by it already. */
export function subjectOf({ subject }: X509Certificate): string {
  return distinguishedName(subject);
}

export function issuerOf({ issuer }: X509Certificate): string {
  return distinguishedName(issuer);
}

/** Node.js gives undefined for an empty one, whatever its types say. */
function distinguishedName(lines: string | undefined): string {
  return (lines ?? '').split('\n').reverse().join(',');
}

/**
 * Whether one of the subject alternative names is `name`. A DNS name may be covered by a wildcard that is its first label, as
 * Envoy has it; all others are compared as they stand. The common name does not count.
 */
export function bearsName(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  return namesOf(certificate).some(({ type, value }) => (type === 'DNS' ? covers(value, name) : value === name));
}

/** RFC 6125 6.4: without regard to case; `*` stands for one label and no part of one. */
function covers(pattern: string, name: string): boolean {
  const wanted = name.toLowerCase();
  const given = pattern.toLowerCase();
  if (!given.startsWith('*.')) return given === wanted;
  const dot = wanted.indexOf('.');
  return dot > 0 && wanted.slice(dot) === given.slice(1);
}
