// SPDX-License-Identifier: Apache-2.0
/**
 * Regular expressions -> pattern records: one per pattern text, however many conditions use it. A pattern whose DFA is too
 * large, or comes after the table's budget for automata is spent, is left to the host (PATTERN_ASK).
 */
import * as layout from '../../assembly/layout.js';
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

/** States of an automaton in the order of the table: the dead one, those that do not accept, those that do. */
export function tableOrder(dfa: Dfa): { order: number[]; acceptFrom: number } {
  const order = [0];
  for (let state = 1; state < dfa.stateCount; state++) if (dfa.accepting[state] !== 1) order.push(state);
  const acceptFrom = order.length;
  for (let state = 1; state < dfa.stateCount; state++) if (dfa.accepting[state] === 1) order.push(state);
  return { order, acceptFrom };
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

  /** Bytes that an automaton takes in the table. */
  static automatonBytes(dfa: Dfa): number {
    return dfa.classOf.length + dfa.stateCount * dfa.classCount * 4;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#writer.automata.count + bytes <= this.#maxAutomataBytes;
  }

  /** Appends a DFA as a pattern record. */
  append(dfa: Dfa): number {
    const { automata, patterns } = this.#writer;
    const { order, acceptFrom } = tableOrder(dfa);
    const newNumber = new Uint32Array(dfa.stateCount);
    order.forEach((state, number) => (newNumber[state] = number));
    const rows = new Uint32Array(dfa.stateCount * dfa.classCount);
    let position = 0;
    for (const state of order) {
      for (let byteClass = 0; byteClass < dfa.classCount; byteClass++) {
        const next = dfa.transitions[state * dfa.classCount + byteClass] ?? 0;
        rows[position++] = (newNumber[next] ?? 0) * dfa.classCount;
      }
    }
    const record = patterns.reserve(1);
    patterns.set(record, layout.PATTERN_KIND, layout.PATTERN_DFA);
    patterns.set(record, layout.PATTERN_CLASS_MAP, automata.append(dfa.classOf));
    patterns.set(record, layout.PATTERN_TRANSITIONS, automata.append(new Uint8Array(rows.buffer)));
    patterns.set(record, layout.PATTERN_CLASS_COUNT, dfa.classCount);
    patterns.set(record, layout.PATTERN_STATE_COUNT, dfa.stateCount);
    patterns.set(record, layout.PATTERN_START, (newNumber[dfa.start] ?? 0) * dfa.classCount);
    patterns.set(record, layout.PATTERN_ACCEPT_FROM, acceptFrom * dfa.classCount);
    return record;
  }

  #encode(pattern: string): PatternEntry {
    const compiled = compileDfa(pattern);
    if (compiled.kind === 'invalid') {
      this.invalid.set(pattern, compiled.message);
      return { record: this.append(NOTHING) };
    }
    if (compiled.kind === 'dfa' && this.hasRoomFor(PatternTable.automatonBytes(compiled.dfa))) {
      return { record: this.append(compiled.dfa), dfa: compiled.dfa };
    }
    const record = this.#writer.patterns.reserve(1);
    this.#writer.patterns.set(record, layout.PATTERN_KIND, layout.PATTERN_ASK);
    this.#writer.patterns.set(record, layout.PATTERN_ASK_INDEX, this.hostPatterns.push(pattern) - 1);
    return { record };
  }
}
