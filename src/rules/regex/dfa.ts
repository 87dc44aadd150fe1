// SPDX-License-Identifier: Apache-2.0
/**
 * RE2 pattern -> DFA table over UTF-8 bytes for a match of the whole text, which is what Istio's `regex` means. A table
 * walk costs one load per byte whatever the pattern; patterns whose table would be too large are left to host-regex.ts.
 *
 * Text that is not well-formed UTF-8 never matches, not even `.*`. RE2 does the same for stray bytes, since its `.` is a
 * UTF-8 sequence; it lets some overlong forms and encoded surrogates pass as a shortcut, which Weft does not copy.
 */
import { determinize } from './determinize.js';
import { minimize } from './minimize.js';
import { buildNfa } from './nfa.js';
import { parseRegex } from './parse.js';

/** Plain data. A text matches when the state after its last byte is accepting. */
export interface Dfa {
  /** 1..256. */
  readonly classCount: number;
  /** 1..65 535. */
  readonly stateCount: number;
  /** Class of each of the 256 byte values. */
  readonly classOf: Uint8Array;
  /** Next state, at `state * classCount + class`. */
  readonly transitions: Uint16Array;
  readonly start: number;
  /** 1 for each accepting state. */
  readonly accepting: Uint8Array;
  /** The state that leads to itself only and does not accept: the walk may stop there. */
  readonly deadState: 0;
}

export interface DfaBounds {
  /** Of the minimal DFA, at most 65 535. */
  readonly maxStates?: number;
  /** Of `classOf`, `transitions` and `accepting` together. */
  readonly maxTableBytes?: number;
}

export type CompiledDfa =
  | { readonly kind: 'dfa'; readonly dfa: Dfa }
  | { readonly kind: 'too-large'; readonly reason: string }
  | { readonly kind: 'invalid'; readonly message: string; readonly index: number };

const DEFAULT_MAX_STATES = 2048;

/** 2048 states of 64 classes; `/api/v[12]/.*` takes 0.9 KB. */
const DEFAULT_MAX_TABLE_BYTES = 256 * 1024;

const STATE_NUMBERS = 0xffff;

/** How much larger than its minimal form a DFA may be while it is built. */
const CONSTRUCTION_FACTOR = 4;

/**
 * Compiles a pattern. The time is bounded too (by a count of steps, so that the answer is the same everywhere): a pattern
 * whose DFA explodes gives `too-large` after some tenths of a second at most.
 */
export function compileDfa(pattern: string, bounds: DfaBounds = {}): CompiledDfa {
  const maxStates = bounds.maxStates ?? DEFAULT_MAX_STATES;
  const maxTableBytes = bounds.maxTableBytes ?? DEFAULT_MAX_TABLE_BYTES;
  if (maxStates > STATE_NUMBERS) throw new RangeError(`maxStates is at most ${STATE_NUMBERS}, got ${maxStates}`);
  const parsed = parseRegex(pattern);
  if ('error' in parsed) return { kind: 'invalid', ...parsed.error };
  const nfa = buildNfa(parsed.ast);
  if (nfa === undefined) return { kind: 'too-large', reason: 'the repetitions, copied out, have too many states' };
  const raw = determinize(nfa, maxStates * CONSTRUCTION_FACTOR);
  if ('tooLarge' in raw) return { kind: 'too-large', reason: raw.tooLarge };
  const minimal = minimize(raw);
  const { classCount, classOf, stateCount, start, accepting } = minimal;
  if (stateCount > maxStates) return { kind: 'too-large', reason: `${stateCount} states, above ${maxStates}` };
  const transitions = Uint16Array.from(minimal.transitions);
  const tableBytes = classOf.byteLength + transitions.byteLength + accepting.byteLength;
  if (tableBytes > maxTableBytes) {
    return { kind: 'too-large', reason: `a table of ${tableBytes} bytes, above ${maxTableBytes}` };
  }
  return { kind: 'dfa', dfa: { classCount, stateCount, classOf, transitions, start, accepting, deadState: 0 } };
}

/** Walks the table over the whole text; the reference for the engine's walk. */
export function runDfa(dfa: Dfa, bytes: Uint8Array): boolean {
  let state = dfa.start;
  for (const byte of bytes) {
    state = dfa.transitions[state * dfa.classCount + (dfa.classOf[byte] as number)] as number;
    if (state === dfa.deadState) return false;
  }
  return dfa.accepting[state] === 1;
}
