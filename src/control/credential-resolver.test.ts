// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Authority } from '../../test/support/certificates.js';
import { ORIGIN } from '../../test/support/model-factory.js';
import type { DownstreamTls } from '../model/model.js';
import type { SecretData } from '../model/secret-data.js';
import type { FilterChainData } from '../rules/encoded-tables.js';
import { CredentialResolver } from './credential-resolver.js';

const authority = new Authority('ca');
const good = authority.issue({ commonName: 'good' });
const other = authority.issue({ commonName: 'other' });
const expired = authority.issue({ commonName: 'late', notAfter: new Date(Date.now() - 60_000) });

function secret(name: string, entries: Readonly<Record<string, string>>): SecretData {
  const withOrigin = Object.entries(entries).map(
    ([key, text]) => [key, { text, origin: { ...ORIGIN, kind: 'Secret', name, path: `data["${key}"]` } }] as const,
  );
  return { namespace: 'edge', name, entries: Object.fromEntries(withOrigin) };
}

function chain(certificate: string, more: Partial<DownstreamTls> = {}): FilterChainData {
  const tls: DownstreamTls = {
    certificates: [{ kind: 'secret', namespace: 'edge', name: certificate }],
    clientCertificate: 'ignored',
    verifiesClient: true,
    clientAuthorities: [],
    subjectAltNames: [],
    spkiHashes: [],
    certificateHashes: [],
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    cipherSuites: [],
    curves: [],
    alpn: ['http/1.1'],
    ...more,
  };
  return { name: certificate, listener: 0, match: { serverNames: [] }, tls, routeConfigName: '', origin: ORIGIN };
}

const pair = { 'tls.crt': good.certificate, 'tls.key': good.privateKey };

describe('CredentialResolver', () => {
  it('takes both spellings of the keys', async () => {
    const generic = secret('b', { cert: good.certificate, key: good.privateKey });
    const resolved = await new CredentialResolver().resolve({ filterChains: [chain('a'), chain('b')], clusters: [] }, [
      secret('a', pair),
      generic,
    ]);
    expect(resolved.problems).toEqual([]);
    expect([...resolved.certificates.chains.keys()]).toEqual(['a', 'b']);
  });

  it.each([
    ['credential-not-found', 'spec', []],
    ['invalid-certificate', 'spec', [secret('a', { 'tls.key': good.privateKey })]],
    ['invalid-certificate', 'data["tls.crt"]', [secret('a', { ...pair, 'tls.crt': 'nothing' })]],
    ['invalid-certificate', 'data["tls.key"]', [secret('a', { ...pair, 'tls.key': 'nothing' })]],
    ['key-mismatch', 'data["tls.key"]', [secret('a', { ...pair, 'tls.key': other.privateKey })]],
  ])('reports %s at %s, names the Secret, and keeps the last good pair', async (code, path, secrets) => {
    const resolver = new CredentialResolver();
    expect(
      (await resolver.resolve({ filterChains: [chain('a')], clusters: [] }, secrets)).certificates.chains.size,
    ).toBe(0);
    const before = await resolver.resolve({ filterChains: [chain('a')], clusters: [] }, [secret('a', pair)]);
    const { certificates, problems } = await resolver.resolve({ filterChains: [chain('a')], clusters: [] }, secrets);
    expect(problems).toMatchObject([{ severity: 'error', code, path }]);
    expect(problems[0]?.message).toContain('edge/a');
    expect(certificates).toEqual(before.certificates);
  });

  it('never shows a private key', async () => {
    const [line = ''] = good.privateKey.split('\n').slice(1);
    const { problems } = await new CredentialResolver().resolve({ filterChains: [chain('a')], clusters: [] }, [
      secret('a', { ...pair, 'tls.crt': good.privateKey }),
    ]);
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain(line);
  });

  it('warns of an expired certificate and serves it', async () => {
    const late = secret('a', { 'tls.crt': expired.certificate, 'tls.key': expired.privateKey });
    const { certificates, problems } = await new CredentialResolver().resolve(
      { filterChains: [chain('a')], clusters: [] },
      [late],
    );
    expect(problems).toMatchObject([{ severity: 'warning', code: 'expired-certificate', path: 'data["tls.crt"]' }]);
    expect(certificates.chains.has('a')).toBe(true);
  });

  it('leaves a chain out whose clients cannot be verified', async () => {
    const mutual = chain('a', {
      clientCertificate: 'required',
      clientAuthorities: [{ kind: 'secret', namespace: 'edge', name: 'a' }],
    });
    const { certificates, problems } = await new CredentialResolver().resolve(
      { filterChains: [mutual], clusters: [] },
      [secret('a', pair)],
    );
    expect(problems).toMatchObject([{ code: 'credential-not-found' }]);
    expect(certificates.chains.size).toBe(0);
    const complete = secret('a', { ...pair, 'ca.crt': authority.certificate });
    expect(
      (await new CredentialResolver().resolve({ filterChains: [mutual], clusters: [] }, [complete])).certificates.chains
        .size,
    ).toBe(1);
  });
});
