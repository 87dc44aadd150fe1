// SPDX-License-Identifier: Apache-2.0
/**
 * The codes of Problems that only lowering can find, because they depend on one proxy; all others are those of
 * resources/problem-codes.ts, so that a reference that leads nowhere has one code wherever it is noticed.
 */
import { PROBLEM_CODES } from '../resources/problem-codes.js';
import type { CodeDescription, ProblemCode } from '../resources/problem-codes.js';

export const LOWER_CODES = {
  'listen-port-conflict': {
    severity: 'warning',
    meaning: 'Two ports are mapped to one listening port; the higher one is left out.',
  },
  'port-shared': {
    severity: 'info',
    meaning: 'Services share a port on which connections can not be told apart; the first one gets them.',
  },
  'delegate-conflict': {
    severity: 'warning',
    meaning: 'A rule of a delegate matches what no block of its root matches; the rule is left out.',
  },
  'credential-not-found': {
    severity: 'error',
    meaning: 'A Secret or file that TLS settings name is missing; handshakes that need it fail.',
  },
  'invalid-certificate': {
    severity: 'error',
    meaning: 'A certificate, key, authority or revocation list cannot be used; the last good stays.',
  },
  'key-mismatch': {
    severity: 'error',
    meaning: 'A private key does not belong to its certificate; the last good pair stays in force.',
  },
  'expired-certificate': {
    severity: 'warning',
    meaning: 'A certificate has expired or is not valid yet; clients will refuse it.',
  },
  'unknown-cipher-suite': {
    severity: 'warning',
    meaning: 'Cipher suites are unknown or not configurable; they are ignored.',
  },
} as const satisfies Record<string, CodeDescription>;

export type LowerCode = ProblemCode | keyof typeof LOWER_CODES;

export const LOWER_CODE_DESCRIPTIONS: Readonly<Record<LowerCode, CodeDescription>> = {
  ...PROBLEM_CODES,
  ...LOWER_CODES,
};
