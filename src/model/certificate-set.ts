// SPDX-License-Identifier: Apache-2.0
/** Credentials that have been read and checked, by the name of the filter chain or cluster that uses them. All texts are PEM. */
export interface CertificateSet {
  readonly chains: ReadonlyMap<string, ChainCertificates>;
  readonly clusters: ReadonlyMap<string, ClusterCertificates>;
}

export const NO_CERTIFICATES: CertificateSet = { chains: new Map(), clusters: new Map() };

export interface ChainCertificates {
  /** At least one; each certificate has its chain behind it. */
  readonly pairs: readonly CertificatePair[];
  /** '' = none. */
  readonly authorities: string;
  /** '' = none. */
  readonly revocations: string;
}

/** Clusters with the same contents share one object. */
export interface ClusterCertificates {
  /** Of all that stands here: equal for equal contents. */
  readonly fingerprint: string;
  /** What servers are shown; absent = nothing. */
  readonly pair?: CertificatePair;
  /** '' = those that Node.js brings. */
  readonly authorities: string;
  /** '' = none. */
  readonly revocations: string;
}

export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}
