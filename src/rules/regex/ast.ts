// SPDX-License-Identifier: Apache-2.0
/**
 * The syntax tree of an RE2 pattern. Flags are gone: the parser has put case folding and `(?s)` into the character sets and
 * `(?m)` into the assertions. Laziness is gone too, because it decides what a search prefers, and a match of the whole
 * string has nothing to prefer.
 */
import type { CodePointSet } from './code-point-set.js';

export type RegexNode =
  /** Matches the empty string. */
  | { readonly kind: 'empty' }
  /** One character out of a set; the empty set never matches. */
  | { readonly kind: 'chars'; readonly set: CodePointSet }
  | { readonly kind: 'assertion'; readonly assertion: Assertion }
  | { readonly kind: 'concat'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'alternate'; readonly branches: readonly RegexNode[] }
  /** `max` is Infinity where the pattern gives none. */
  | { readonly kind: 'repeat'; readonly body: RegexNode; readonly min: number; readonly max: number }
  /** A capturing group; `index` counts from 1, `name` is '' when it has none. */
  | { readonly kind: 'group'; readonly body: RegexNode; readonly index: number; readonly name: string };

/** Conditions without width. A line ends at `\n` only; a word is of ASCII letters, digits and `_`. */
export type Assertion = 'begin-text' | 'end-text' | 'begin-line' | 'end-line' | 'word-boundary' | 'not-word-boundary';

/** Why a pattern was refused; `index` is the offset in UTF-16 units of the part that is wrong. */
export interface RegexError {
  readonly message: string;
  readonly index: number;
}

export const EMPTY: RegexNode = { kind: 'empty' };

export function concatOf(parts: readonly RegexNode[]): RegexNode {
  const [only] = parts;
  if (only === undefined) return EMPTY;
  return parts.length === 1 ? only : { kind: 'concat', parts };
}

export function alternateOf(branches: readonly RegexNode[]): RegexNode {
  const [only] = branches;
  if (only === undefined) return EMPTY;
  return branches.length === 1 ? only : { kind: 'alternate', branches };
}
