// SPDX-License-Identifier: Apache-2.0
/**
 * NFA -> DFA by subset construction. A DFA state is the set of NFA states after the last byte, with assertions not yet
 * decided: they need the next byte too, so they are decided when it is tried, or at the end of the text. What they need of
 * the previous byte is part of the state, and only where the set holds an assertion.
 *
 * The number of states can be exponential in the pattern, so states and work are bounded. Work is counted, not timed:
 * the same pattern gets the same answer on every machine.
 */
import type { Assertion } from './ast.js';
import { byteIntervals } from './byte-classes.js';
import type { ByteIntervals, ByteKind } from './byte-classes.js';
import { ACCEPT_STATE } from './nfa.js';
import type { Nfa, NfaState } from './nfa.js';

/** A complete DFA, not minimal. State 0 is dead, state 1 the start. */
export interface RawDfa {
  readonly stateCount: number;
  readonly classCount: number;
  readonly classOf: Uint8Array;
  /** `state * classCount + class` -> state. */
  readonly transitions: Uint32Array;
  readonly accepting: Uint8Array;
}

export const DEAD_STATE = 0;
export const RAW_START_STATE = 1;

/** NFA states visited, over all DFA states and byte intervals; a few tenths of a second. `(a?){1000}` needs most of it. */
const MAX_WORK = 3_000_000;

type Neighbour = ByteKind | 'edge';

const BYTE_KINDS: readonly ByteKind[] = ['newline', 'word', 'other'];

interface Subset {
  readonly members: readonly number[];
  readonly hasAssertion: boolean;
  readonly previous: Neighbour;
}

/** Builds the DFA, or gives the reason why that would exceed a bound. */
export function determinize(nfa: Nfa, maxStates: number): RawDfa | { readonly tooLarge: string } {
  const construction = new SubsetConstruction(nfa, byteIntervals(nfa));
  construction.start();
  for (let state = RAW_START_STATE; state < construction.stateCount; state++) {
    construction.expand(state);
    if (construction.stateCount > maxStates) return { tooLarge: `more than ${maxStates} states before minimisation` };
    if (construction.work > MAX_WORK) return { tooLarge: `more than ${MAX_WORK} steps of subset construction` };
  }
  return construction.finish();
}

class SubsetConstruction {
  work = 0;
  readonly #states: readonly NfaState[];
  readonly #nfaStart: number;
  readonly #intervals: ByteIntervals;
  readonly #subsets: Subset[] = [];
  readonly #numberOf = new Map<string, number>();
  readonly #transitions: number[] = [];
  /** Targets per byte interval while one state is expanded. */
  readonly #targets: number[][];
  /** The round in which an NFA state was last visited, in place of a set that is cleared. */
  readonly #visited: Uint32Array;
  #round = 0;

  constructor(nfa: Nfa, intervals: ByteIntervals) {
    this.#states = nfa.states;
    this.#nfaStart = nfa.start;
    this.#intervals = intervals;
    this.#targets = Array.from({ length: intervals.count }, () => []);
    this.#visited = new Uint32Array(nfa.states.length);
  }

  get stateCount(): number {
    return this.#subsets.length;
  }

  start(): void {
    this.#numberSubset([], 'other');
    for (let interval = 0; interval < this.#intervals.count; interval++) this.#transitions.push(DEAD_STATE);
    this.#numberSubset([this.#nfaStart], 'edge');
  }

  /** Computes the transitions of a state; its targets become states as they are met. */
  expand(state: number): void {
    const { count, kindOf } = this.#intervals;
    const subset = this.#subsets[state] as Subset;
    if (subset.hasAssertion) {
      for (const next of BYTE_KINDS) this.#collectTargets(this.#decide(subset, next), next);
    } else {
      this.#collectTargets(subset.members, undefined);
    }
    let previousTargets: readonly number[] | undefined;
    let previousKind: ByteKind | undefined;
    for (let interval = 0; interval < count; interval++) {
      const targets = this.#targets[interval] as number[];
      const kind = kindOf[interval] as ByteKind;
      if (previousTargets !== undefined && kind === previousKind && sameNumbers(targets, previousTargets)) {
        this.#transitions.push(this.#transitions.at(-1) as number);
      } else {
        this.#transitions.push(this.#numberSubset(targets, kind));
      }
      previousTargets = targets;
      previousKind = kind;
    }
    for (const targets of this.#targets) targets.length = 0;
  }

  finish(): RawDfa {
    return {
      stateCount: this.stateCount,
      classCount: this.#intervals.count,
      classOf: this.#intervals.intervalOf,
      transitions: Uint32Array.from(this.#transitions),
      accepting: Uint8Array.from(this.#subsets, (subset) => {
        const members = subset.hasAssertion ? this.#decide(subset, 'edge') : subset.members;
        return members.includes(ACCEPT_STATE) ? 1 : 0;
      }),
    };
  }

  /** Where the members go by each interval; with `only`, intervals of that kind alone. */
  #collectTargets(members: readonly number[], only: ByteKind | undefined): void {
    const { intervalOf, kindOf } = this.#intervals;
    for (const member of members) {
      const state = this.#states[member] as NfaState;
      if (state.kind !== 'bytes') continue;
      for (const { lo, hi, target } of state.edges) {
        const last = intervalOf[hi] as number;
        for (let interval = intervalOf[lo] as number; interval <= last; interval++) {
          this.work++;
          if (only === undefined || kindOf[interval] === only) (this.#targets[interval] as number[]).push(target);
        }
      }
    }
  }

  /** The number of the state reached by a byte of a kind into the given NFA states. */
  #numberSubset(roots: readonly number[], previous: Neighbour): number {
    const members = this.#closure(roots, () => false);
    const hasAssertion = members.some((member) => this.#states[member]?.kind === 'assert');
    const seen = hasAssertion ? previous : 'other';
    const key = `${seen}${textOf(members)}`;
    const known = this.#numberOf.get(key);
    if (known !== undefined) return known;
    const number = this.#subsets.length;
    this.#subsets.push({ members, hasAssertion, previous: seen });
    this.#numberOf.set(key, number);
    return number;
  }

  /** The members with those added that the assertions let through between the two neighbours. */
  #decide(subset: Subset, next: Neighbour): readonly number[] {
    return this.#closure(subset.members, (assertion) => holds(assertion, subset.previous, next));
  }

  /** All NFA states reached without reading, splits left out, ascending. */
  #closure(roots: readonly number[], passes: (assertion: Assertion) => boolean): readonly number[] {
    this.#round++;
    const members: number[] = [];
    const pending = [...roots];
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      this.work++;
      if (this.#visited[at] === this.#round) continue;
      this.#visited[at] = this.#round;
      const state = this.#states[at] as NfaState;
      if (state.kind === 'split') {
        for (const target of state.targets) pending.push(target);
        continue;
      }
      members.push(at);
      if (state.kind === 'assert' && passes(state.assertion)) pending.push(state.target);
    }
    return members.sort((left, right) => left - right);
  }
}

function holds(assertion: Assertion, previous: Neighbour, next: Neighbour): boolean {
  switch (assertion) {
    case 'begin-text':
      return previous === 'edge';
    case 'end-text':
      return next === 'edge';
    case 'begin-line':
      return previous === 'edge' || previous === 'newline';
    case 'end-line':
      return next === 'edge' || next === 'newline';
    case 'word-boundary':
      return (previous === 'word') !== (next === 'word');
    case 'not-word-boundary':
      return (previous === 'word') === (next === 'word');
  }
}

function sameNumbers(left: readonly number[], right: readonly number[]): boolean {
  return left.length === right.length && left.every((value, index) => value === right[index]);
}

/** NFA state numbers as UTF-16 units: a map key at two bytes a member. */
function textOf(members: readonly number[]): string {
  let text = '';
  for (const member of members) text += String.fromCharCode(member);
  return text;
}
