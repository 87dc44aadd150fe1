// SPDX-License-Identifier: Apache-2.0
/**
 * The credentials that filter chains and clusters name -> PEM texts, read and checked. A pair that is bad or gone is replaced by the last
 * good one of the same name, so that a bad renewal costs a line in the log and no handshake; a chain or cluster that never
 * had a good one refuses connections, and the others don't notice.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type {
  CertificatePair,
  CertificateSet,
  ChainCertificates,
  ClusterCertificates,
} from '../model/certificate-set.js';
import type {
  AuthoritySource,
  CertificateSource,
  DownstreamTls,
  Origin,
  SecretReference,
  UpstreamTls,
} from '../model/model.js';
import type { SecretData } from '../model/secret-data.js';
import type { Problem } from '../resources/problem.js';
import { LOWER_CODE_DESCRIPTIONS } from '../lower/problem-codes.js';
import type { LowerCode } from '../lower/problem-codes.js';
import type { HostData } from '../rules/encoded-tables.js';
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

/** Where operating systems keep the authorities that they trust: Debian and Alpine, Red Hat, SUSE. */
const SYSTEM_AUTHORITIES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
];

/** What names credentials. */
export type CredentialUsers = Pick<HostData, 'filterChains' | 'clusters'>;

export class CredentialResolver {
  readonly #goodPairs = new Map<string, CertificatePair>();
  readonly #goodAuthorities = new Map<string, Authorities>();

  /** Never rejects for what is wrong with credentials. `nowMs` is the time that certificates must be valid at. */
  async resolve(
    { filterChains, clusters }: CredentialUsers,
    secrets: readonly SecretData[],
    nowMs: number = Date.now(),
  ): Promise<ResolvedCredentials> {
    const pass = new Pass(secrets, nowMs, this.#goodPairs, this.#goodAuthorities);
    const ofChains = new Map<string, ChainCertificates>();
    for (const { name, tls, origin } of filterChains) {
      const found = tls === undefined ? undefined : await pass.chain(tls, origin);
      if (found !== undefined) ofChains.set(name, found);
    }
    const ofClusters = new Map<string, ClusterCertificates>();
    for (const { name, upstreamTls } of clusters) {
      const found = upstreamTls === undefined ? undefined : await pass.cluster(upstreamTls);
      if (found !== undefined) ofClusters.set(name, found);
    }
    const certificates = { chains: ofChains, clusters: ofClusters };
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
  /** Many clusters have the same settings: what each came to, by the settings. */
  readonly #clusters = new Map<string, ClusterCertificates | undefined>();

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

  /** Undefined for a chain that can't shake hands. */
  async chain(tls: DownstreamTls, origin: Origin): Promise<ChainCertificates | undefined> {
    const pairs: CertificatePair[] = [];
    for (const source of tls.certificates) {
      const pair = await this.#pair(source, origin);
      if (pair !== undefined) pairs.push(pair);
    }
    const authorities = await this.#clientAuthorities(tls, origin);
    return pairs.length > 0 && authorities !== undefined ? { pairs, ...authorities } : undefined;
  }

  /** Undefined for a cluster that can't open connections. */
  async cluster(tls: UpstreamTls): Promise<ClusterCertificates | undefined> {
    const { certificate, verifiesServer, authorities: sources } = tls;
    const key = JSON.stringify([certificate, verifiesServer, sources]);
    if (!this.#clusters.has(key)) this.#clusters.set(key, await this.#cluster(tls));
    return this.#clusters.get(key);
  }

  async #cluster({ certificate, verifiesServer, authorities: sources, origin }: UpstreamTls) {
    const pair = certificate === undefined ? undefined : await this.#pair(certificate, origin);
    const authorities = verifiesServer ? await this.#serverAuthorities(sources, origin) : NO_AUTHORITIES;
    if (authorities === undefined || (certificate !== undefined && pair === undefined)) return undefined;
    const found = { ...(pair === undefined ? {} : { pair }), ...authorities };
    return { ...found, fingerprint: createHash('sha256').update(JSON.stringify(found)).digest('hex') };
  }

  /** As it is now, or as it was when it was good. */
  async #pair(source: CertificateSource, origin: Origin): Promise<CertificatePair | undefined> {
    const key = JSON.stringify(source);
    const pair = (await this.#readPair(source, origin)) ?? this.#goodPairs.get(key);
    if (pair !== undefined) this.#goodPairs.set(key, pair);
    return pair;
  }

  /** Undefined when client certificates can't be verified, though they should be. */
  async #clientAuthorities(tls: DownstreamTls, origin: Origin): Promise<Authorities | undefined> {
    const isNamed = tls.clientAuthorities.length > 0;
    if (tls.clientCertificate === 'ignored' || (!isNamed && !tls.verifiesClient)) return NO_AUTHORITIES;
    const found = await this.#authorities(tls.clientAuthorities, origin);
    return found ?? (tls.verifiesClient ? undefined : NO_AUTHORITIES);
  }

  #serverAuthorities(sources: readonly AuthoritySource[], origin: Origin): Promise<Authorities | undefined> {
    const system: AuthoritySource = { kind: 'file', authorities: '', revocations: '' };
    return this.#authorities(sources.length === 0 ? [system] : sources, origin);
  }

  async #authorities(sources: readonly AuthoritySource[], origin: Origin): Promise<Authorities | undefined> {
    const key = JSON.stringify(sources);
    const before = this.#goodAuthorities.get(key);
    const found = (await this.#readAuthorities(sources, origin, before)) ?? before;
    if (found !== undefined) this.#goodAuthorities.set(key, found);
    return found;
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

  /** `before` is known to be good, and not checked again when nothing has changed. */
  async #readAuthorities(
    sources: readonly AuthoritySource[],
    origin: Origin,
    before: Authorities | undefined,
  ): Promise<Authorities | undefined> {
    for (const source of sources) {
      const found =
        source.kind === 'secret'
          ? this.#optionalEntry(source, KEYS.authorities)
          : source.authorities === ''
            ? await this.#systemAuthorities(origin)
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
      if (before?.authorities === authorities.authorities && before.revocations === authorities.revocations)
        return before;
      const fault = authoritiesFault(authorities.authorities, authorities.revocations);
      if (fault === undefined) return authorities;
      this.#report('invalid-certificate', found.origin, fault);
      return undefined;
    }
    const names = sources.flatMap((source) => (source.kind === 'secret' ? [`${source.namespace}/${source.name}`] : []));
    if (names.length > 0 && !sources.some(isUnreadable)) {
      const message = `no authorities to verify certificates with: ca.crt is in none of the Secrets ${names.join(', ')}`;
      this.#report('credential-not-found', origin, message);
    }
    return undefined;
  }

  /** '' where there is no such file: Node.js brings authorities of its own. */
  async #systemAuthorities(origin: Origin): Promise<SecretData['entries'][string]> {
    for (const path of SYSTEM_AUTHORITIES) {
      const text = await readFile(path, 'latin1').catch(() => '');
      if (text === '') continue;
      this.files.add(path);
      return { text, origin };
    }
    return { text: '', origin };
  }

  #entry(
    reference: SecretReference,
    keys: readonly string[],
    origin: Origin,
  ): SecretData['entries'][string] | undefined {
    if (isUnreadable(reference)) return undefined;
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

/** What lowering has found impossible to read, and reported. */
function isUnreadable(source: AuthoritySource | SecretReference): boolean {
  return source.kind === 'secret' && source.namespace === '';
}
