// SPDX-License-Identifier: Apache-2.0
/**
 * Patterns over a subject: a DFA is walked here, one load per byte, stopping in the dead state; a pattern without one is
 * the host's (answers.ts). Groups are DFAs that answer for several path patterns of a virtual host in one walk.
 */
import {
  GROUP_ACCEPTS_FIRST,
  GROUP_PATTERN,
  PATTERN_ACCEPT_FROM,
  PATTERN_ASK,
  PATTERN_ASK_INDEX,
  PATTERN_CLASS_COUNT,
  PATTERN_CLASS_MAP,
  PATTERN_KIND,
  PATTERN_SIZE,
  PATTERN_START,
  PATTERN_TRANSITIONS,
  TABLE_AUTOMATA,
  TABLE_GROUP_ACCEPTS,
  TABLE_PATTERNS,
} from './layout';
import { findAnswer } from './answers';
import { recordOf, section } from './table';

/** The row in which the automaton ends; 0 = dead. */
// @ts-ignore: decorator
@inline
function runAutomaton(pattern: usize, subject: usize, length: u32): u32 {
  const automata = section(TABLE_AUTOMATA);
  const classMap = automata + load<u32>(pattern, PATTERN_CLASS_MAP);
  const transitions = automata + load<u32>(pattern, PATTERN_TRANSITIONS);
  const end = subject + length;
  let row = load<u32>(pattern, PATTERN_START);
  while (subject < end && row != 0) {
    row = load<u32>(transitions + ((row + <u32>load<u8>(classMap + <usize>load<u8>(subject))) << 2));
    subject++;
  }
  return row;
}

/** Whether the pattern matches the whole subject: 0, 1, or 2 = the host has to be asked. */
export function testPattern(index: u32, subject: usize, length: u32): i32 {
  const pattern = recordOf(TABLE_PATTERNS, index, PATTERN_SIZE);
  if (load<u32>(pattern, PATTERN_KIND) == PATTERN_ASK) {
    return findAnswer(load<u32>(pattern, PATTERN_ASK_INDEX), subject, length);
  }
  return runAutomaton(pattern, subject, length) >= load<u32>(pattern, PATTERN_ACCEPT_FROM) ? 1 : 0;
}

/** First candidate of the routes whose patterns match the whole path, -1 when there is none. */
export function runGroup(group: usize, subject: usize, length: u32): i32 {
  const pattern = recordOf(TABLE_PATTERNS, load<u32>(group, GROUP_PATTERN), PATTERN_SIZE);
  const row = runAutomaton(pattern, subject, length);
  if (row < load<u32>(pattern, PATTERN_ACCEPT_FROM)) return -1;
  const state = row / load<u32>(pattern, PATTERN_CLASS_COUNT);
  return load<i32>(section(TABLE_GROUP_ACCEPTS) + ((load<u32>(group, GROUP_ACCEPTS_FIRST) + state) << 2));
}
