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
  'port-protocol-not-declared': {
    severity: 'info',
    meaning: 'A service port declares no protocol, and no listener is opened for it.',
  },
} as const satisfies Record<string, CodeDescription>;

export type LowerCode = ProblemCode | keyof typeof LOWER_CODES;

export const LOWER_CODE_DESCRIPTIONS: Readonly<Record<LowerCode, CodeDescription>> = {
  ...PROBLEM_CODES,
  ...LOWER_CODES,
};
