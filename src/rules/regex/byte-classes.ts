// SPDX-License-Identifier: Apache-2.0
/**
 * NFA -> the intervals of bytes between which it never distinguishes, so that the subset construction tries one byte of
 * each instead of 256. Intervals rather than arbitrary classes: an NFA edge then covers consecutive intervals. Classes
 * that turn out equal in the finished table are merged there.
 */
import type { Assertion } from './ast.js';
import type { Nfa } from './nfa.js';

/** What an assertion can see of the byte beside it. */
export type ByteKind = 'newline' | 'word' | 'other';

export interface ByteIntervals {
  readonly count: number;
  /** Interval of each of the 256 bytes. */
  readonly intervalOf: Uint8Array;
  readonly kindOf: readonly ByteKind[];
}

const NEWLINE = 0x0a;
const BYTE_VALUES = 256;

/** The first and last bytes of the runs of word characters (ASCII, as in RE2). */
const WORD_RUNS: readonly (readonly [number, number])[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];

/** The assertions that occur in the NFA. */
export function assertionsOf(nfa: Nfa): ReadonlySet<Assertion> {
  const found = new Set<Assertion>();
  for (const state of nfa.states) if (state.kind === 'assert') found.add(state.assertion);
  return found;
}

export function byteIntervals(nfa: Nfa): ByteIntervals {
  const startsInterval = new Uint8Array(BYTE_VALUES + 1);
  startsInterval[0] = 1;
  const cut = (lo: number, hi: number): void => {
    startsInterval[lo] = 1;
    startsInterval[hi + 1] = 1;
  };
  for (const state of nfa.states) {
    if (state.kind === 'bytes') for (const { lo, hi } of state.edges) cut(lo, hi);
  }
  const assertions = assertionsOf(nfa);
  if (assertions.has('begin-line') || assertions.has('end-line')) cut(NEWLINE, NEWLINE);
  if (assertions.has('word-boundary') || assertions.has('not-word-boundary')) {
    for (const [lo, hi] of WORD_RUNS) cut(lo, hi);
  }
  const intervalOf = new Uint8Array(BYTE_VALUES);
  const kindOf: ByteKind[] = [];
  for (let byte = 0; byte < BYTE_VALUES; byte++) {
    if (startsInterval[byte] === 1) kindOf.push(kindOfByte(byte));
    intervalOf[byte] = kindOf.length - 1;
  }
  return { count: kindOf.length, intervalOf, kindOf };
}

function kindOfByte(byte: number): ByteKind {
  if (byte === NEWLINE) return 'newline';
  return WORD_RUNS.some(([lo, hi]) => lo <= byte && byte <= hi) ? 'word' : 'other';
}
