// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../test/support/certificates.js';
import { bearsName } from './certificate-names.js';

const { certificate } = new Authority('authority').issue({
  commonName: 'common.example',
  dnsNames: ['Exact.example', '*.wild.example', 'f*.part.example'],
  uris: ['spiffe://td/ns/x/sa/y'],
});
const parsed = new X509Certificate(certificate);

describe('bearsName', () => {
  it.each(['exact.example', 'EXACT.example', 'a.wild.example', 'spiffe://td/ns/x/sa/y'])('finds %s', (name) => {
    expect(bearsName(parsed, name)).toBe(true);
  });

  it.each([
    'wild.example',
    'a.b.wild.example',
    '.wild.example',
    'fa.part.example',
    'common.example',
    'SPIFFE://td/ns/x/sa/y',
    '127.0.0.1',
    '',
  ])('does not find %s', (name) => {
    expect(bearsName(parsed, name)).toBe(false);
  });
});
