// SPDX-License-Identifier: Apache-2.0
/** Credentials that have been read and checked, by the name of the filter chain that uses them. All texts are PEM. */
export type CertificateSet = ReadonlyMap<string, ChainCertificates>;

export interface ChainCertificates {
  /** At least one; each certificate has its chain behind it. */
  readonly pairs: readonly CertificatePair[];
  /** '' = none. */
  readonly authorities: string;
  /** '' = none. */
  readonly revocations: string;
}

export interface CertificatePair {
  readonly certificate: string;
  readonly privateKey: string;
}
