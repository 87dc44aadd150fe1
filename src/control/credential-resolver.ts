// SPDX-License-Identifier: Apache-2.0
/**
 * The credentials that filter chains name -> PEM texts, read and checked. A pair that is bad or gone is replaced by the last
 * good one of the same name, so that a bad renewal costs a line in the log and no handshake; a chain that never had a good
 * one refuses handshakes, and the other chains don't notice.
 */
import { readFile } from 'node:fs/promises';
import type { CertificatePair, CertificateSet } from '../model/certificate-set.js';
import type { AuthoritySource, CertificateSource, DownstreamTls, Origin, SecretReference } from '../model/model.js';
import type { SecretData } from '../model/secret-data.js';
import type { Problem } from '../resources/problem.js';
import { LOWER_CODE_DESCRIPTIONS } from '../lower/problem-codes.js';
import type { LowerCode } from '../lower/problem-codes.js';
import type { FilterChainData } from '../rules/encoded-tables.js';
import { authoritiesFault, pairFault, validityFault } from './check-certificate.js';

export interface ResolvedCredentials {
  readonly certificates: CertificateSet;
  readonly problems: readonly Problem[];
  /** That were read, or should have been. */
  readonly files: readonly string[];
}

interface Authorities {
  readonly authorities: string;
  readonly revocations: string;
}

const NO_AUTHORITIES: Authorities = { authorities: '', revocations: '' };
/** Istio's two spellings of each key of a Secret. */
const KEYS = {
  certificate: ['tls.crt', 'cert'],
  privateKey: ['tls.key', 'key'],
  authorities: ['ca.crt', 'cacert'],
  revocations: ['ca.crl', 'crl'],
} as const;

export class CredentialResolver {
  readonly #goodPairs = new Map<string, CertificatePair>();
  readonly #goodAuthorities = new Map<string, Authorities>();

  /** Never rejects for what is wrong with credentials. `nowMs` is the time that certificates must be valid at. */
  async resolve(
    chains: readonly FilterChainData[],
    secrets: readonly SecretData[],
    nowMs: number = Date.now(),
  ): Promise<ResolvedCredentials> {
    const pass = new Pass(secrets, nowMs, this.#goodPairs, this.#goodAuthorities);
    const certificates = new Map<string, CertificateSet extends ReadonlyMap<string, infer Value> ? Value : never>();
    for (const { name, tls, origin } of chains) {
      if (tls === undefined) continue;
      const pairs = await pass.pairs(tls, origin);
      const authorities = await pass.authorities(tls, origin);
      if (pairs.length > 0 && authorities !== undefined) certificates.set(name, { pairs, ...authorities });
    }
    return { certificates, problems: pass.problems, files: [...pass.files].sort() };
  }
}

class Pass {
  readonly problems: Problem[] = [];
  readonly files = new Set<string>();
  readonly #secrets: ReadonlyMap<string, SecretData>;
  readonly #nowMs: number;
  readonly #goodPairs: Map<string, CertificatePair>;
  readonly #goodAuthorities: Map<string, Authorities>;

  constructor(
    secrets: readonly SecretData[],
    nowMs: number,
    goodPairs: Map<string, CertificatePair>,
    goodAuthorities: Map<string, Authorities>,
  ) {
    this.#secrets = new Map(secrets.map((secret) => [`${secret.namespace}/${secret.name}`, secret]));
    this.#nowMs = nowMs;
    this.#goodPairs = goodPairs;
    this.#goodAuthorities = goodAuthorities;
  }

  async pairs(tls: DownstreamTls, origin: Origin): Promise<CertificatePair[]> {
    const pairs: CertificatePair[] = [];
    for (const source of tls.certificates) {
      const key = JSON.stringify(source);
      const pair = (await this.#readPair(source, origin)) ?? this.#goodPairs.get(key);
      if (pair === undefined) continue;
      this.#goodPairs.set(key, pair);
      pairs.push(pair);
    }
    return pairs;
  }

  /** Undefined when client certificates can't be verified, though they should be. */
  async authorities(tls: DownstreamTls, origin: Origin): Promise<Authorities | undefined> {
    const first = tls.clientAuthorities[0];
    if (tls.clientCertificate === 'ignored' || (first === undefined && !tls.verifiesClient)) return NO_AUTHORITIES;
    const key = JSON.stringify(tls.clientAuthorities);
    const found = (await this.#readAuthorities(tls.clientAuthorities, origin)) ?? this.#goodAuthorities.get(key);
    if (found !== undefined) this.#goodAuthorities.set(key, found);
    return found ?? (tls.verifiesClient ? undefined : NO_AUTHORITIES);
  }

  async #readPair(source: CertificateSource, origin: Origin): Promise<CertificatePair | undefined> {
    const subject = source.kind === 'secret' ? `Secret ${source.namespace}/${source.name}` : source.certificate;
    const certificate =
      source.kind === 'secret'
        ? this.#entry(source, KEYS.certificate, origin)
        : await this.#file(source.certificate, origin);
    const privateKey =
      source.kind === 'secret'
        ? this.#entry(source, KEYS.privateKey, origin)
        : await this.#file(source.privateKey, origin);
    if (certificate === undefined || privateKey === undefined) return undefined;
    const pair = { certificate: certificate.text, privateKey: privateKey.text };
    const fault = pairFault(pair);
    if (fault !== undefined) {
      const at = fault.part === 'certificate' ? certificate.origin : privateKey.origin;
      this.#report(fault.code, at, `${subject}: ${fault.message}`);
      return undefined;
    }
    const validity = validityFault(pair.certificate, this.#nowMs);
    if (validity !== undefined) this.#report('expired-certificate', certificate.origin, `${subject}: ${validity}`);
    return pair;
  }

  async #readAuthorities(sources: readonly AuthoritySource[], origin: Origin): Promise<Authorities | undefined> {
    for (const source of sources) {
      const found =
        source.kind === 'secret'
          ? this.#optionalEntry(source, KEYS.authorities)
          : await this.#file(source.authorities, origin);
      if (found === undefined) continue;
      const list =
        source.kind === 'secret'
          ? this.#optionalEntry(source, KEYS.revocations)
          : source.revocations === ''
            ? undefined
            : await this.#file(source.revocations, origin);
      if (source.kind === 'file' && source.revocations !== '' && list === undefined) return undefined;
      const authorities = { authorities: found.text, revocations: list?.text ?? '' };
      const fault = authoritiesFault(authorities.authorities, authorities.revocations);
      if (fault === undefined) return authorities;
      this.#report('invalid-certificate', found.origin, fault);
      return undefined;
    }
    const names = sources.flatMap((source) => (source.kind === 'secret' ? [`${source.namespace}/${source.name}`] : []));
    if (names.length > 0) {
      const message = `no authorities for client certificates: ca.crt is in none of the Secrets ${names.join(', ')}`;
      this.#report('credential-not-found', origin, message);
    }
    return undefined;
  }

  #entry(
    reference: SecretReference,
    keys: readonly string[],
    origin: Origin,
  ): SecretData['entries'][string] | undefined {
    const name = `${reference.namespace}/${reference.name}`;
    if (!this.#secrets.has(name)) {
      this.#report('credential-not-found', origin, `no such Secret (${name}): TLS handshakes that need it are refused`);
      return undefined;
    }
    const entry = this.#optionalEntry(reference, keys);
    if (entry === undefined) {
      this.#report('invalid-certificate', origin, `Secret ${name} has none of the keys ${keys.join(', ')}`);
    }
    return entry;
  }

  #optionalEntry(reference: SecretReference, keys: readonly string[]): SecretData['entries'][string] | undefined {
    const entries = this.#secrets.get(`${reference.namespace}/${reference.name}`)?.entries ?? {};
    const key = keys.find((candidate) => Object.hasOwn(entries, candidate));
    return key === undefined ? undefined : entries[key];
  }

  async #file(path: string, origin: Origin): Promise<SecretData['entries'][string] | undefined> {
    this.files.add(path);
    try {
      return { text: await readFile(path, 'latin1'), origin };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#report('credential-not-found', origin, `cannot read ${path}: ${reason}`);
      return undefined;
    }
  }

  /** One bad Secret may be named by several chains, and is one problem. */
  #report(code: LowerCode, { kind, namespace, name, file, line, path }: Origin, message: string): void {
    if (this.problems.some((problem) => problem.code === code && problem.message === message)) return;
    this.problems.push({
      severity: LOWER_CODE_DESCRIPTIONS[code].severity,
      code,
      message,
      hint: '',
      path,
      position: { file, line, column: 1 },
      resource: { kind, namespace, name },
    });
  }
}
