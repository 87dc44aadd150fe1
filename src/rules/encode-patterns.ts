// SPDX-License-Identifier: Apache-2.0
/**
 * Regular expressions -> pattern records: one per pattern text, however many conditions use it. A pattern whose DFA is too
 * large, or comes after the table's budget for automata is spent, is left to the host (PATTERN_ASK).
 */
import * as layout from '../../assembly/layout.js';
import type { Automaton } from './combine-automata.js';
import type { Dfa } from './regex/dfa.js';
import { compileDfa } from './regex/dfa.js';
import type { LiteralPrefix } from './regex/literal-prefix.js';
import { literalPrefix } from './regex/literal-prefix.js';
import type { TableWriter } from './table-writer.js';

/** Matches nothing: what stands in for a pattern that is reported as invalid. */
const NOTHING: Dfa = {
  classCount: 1,
  stateCount: 1,
  classOf: new Uint8Array(256),
  transitions: new Uint16Array(1),
  start: 0,
  accepting: new Uint8Array(1),
  deadState: 0,
};

export interface PatternEntry {
  /** Pattern record. */
  readonly record: number;
  /** Absent when the host runs the pattern. */
  readonly dfa?: Dfa;
}

/** An automaton in the table. */
export interface AppendedAutomaton {
  /** Pattern record. */
  readonly record: number;
  /** Its states in the order of the table: the dead one, those that do not accept, those that do. */
  readonly order: readonly number[];
}

export class PatternTable {
  /** Texts of the patterns that the host runs. */
  readonly hostPatterns: string[] = [];
  /** Pattern text -> what is wrong with it. */
  readonly invalid = new Map<string, string>();
  readonly #writer: TableWriter;
  readonly #maxAutomataBytes: number;
  readonly #entries = new Map<string, PatternEntry>();
  readonly #prefixes = new Map<string, LiteralPrefix>();

  constructor(writer: TableWriter, maxAutomataBytes: number) {
    this.#writer = writer;
    this.#maxAutomataBytes = maxAutomataBytes;
  }

  entryOf(pattern: string): PatternEntry {
    const known = this.#entries.get(pattern);
    if (known) return known;
    const entry = this.#encode(pattern);
    this.#entries.set(pattern, entry);
    return entry;
  }

  prefixOf(pattern: string): LiteralPrefix {
    const known = this.#prefixes.get(pattern);
    if (known) return known;
    const prefix = literalPrefix(pattern);
    this.#prefixes.set(pattern, prefix);
    return prefix;
  }

  /** Whether the budget has room for an automaton. */
  hasRoomFor({ stateCount, classCount }: Automaton): boolean {
    return this.#writer.automata.count + 256 + stateCount * classCount * 4 <= this.#maxAutomataBytes;
  }

  /** Appends an automaton as a pattern record; `accepting` is above zero for the states that accept. */
  append(automaton: Automaton, accepting: Uint8Array | Uint32Array): AppendedAutomaton {
    const { automata, patterns } = this.#writer;
    const { classCount, stateCount, transitions } = automaton;
    const states = Array.from({ length: stateCount - 1 }, (_, index) => index + 1);
    const refusing = states.filter((state) => accepting[state] === 0);
    const order = [0, ...refusing, ...states.filter((state) => accepting[state] !== 0)];
    const rowOf = new Uint32Array(stateCount);
    order.forEach((state, number) => (rowOf[state] = number * classCount));
    const rows = new Uint32Array(stateCount * classCount);
    let position = 0;
    for (const state of order) {
      const first = state * classCount;
      for (let index = 0; index < classCount; index++) rows[position++] = rowOf[transitions[first + index] ?? 0] ?? 0;
    }
    const record = patterns.reserve(1);
    patterns.set(record, layout.PATTERN_KIND, layout.PATTERN_DFA);
    patterns.set(record, layout.PATTERN_CLASS_MAP, automata.append(automaton.classOf));
    patterns.set(record, layout.PATTERN_TRANSITIONS, automata.append(new Uint8Array(rows.buffer)));
    patterns.set(record, layout.PATTERN_CLASS_COUNT, classCount);
    patterns.set(record, layout.PATTERN_STATE_COUNT, stateCount);
    patterns.set(record, layout.PATTERN_START, rowOf[automaton.start] ?? 0);
    patterns.set(record, layout.PATTERN_ACCEPT_FROM, (refusing.length + 1) * classCount);
    return { record, order };
  }

  #encode(pattern: string): PatternEntry {
    const compiled = compileDfa(pattern);
    if (compiled.kind === 'invalid') {
      this.invalid.set(pattern, compiled.message);
      return { record: this.append(NOTHING, NOTHING.accepting).record };
    }
    if (compiled.kind === 'dfa' && this.hasRoomFor(compiled.dfa)) {
      return { record: this.append(compiled.dfa, compiled.dfa.accepting).record, dfa: compiled.dfa };
    }
    const record = this.#writer.patterns.reserve(1);
    this.#writer.patterns.set(record, layout.PATTERN_KIND, layout.PATTERN_ASK);
    this.#writer.patterns.set(record, layout.PATTERN_ASK_INDEX, this.hostPatterns.push(pattern) - 1);
    return { record };
  }
}
