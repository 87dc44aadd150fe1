// SPDX-License-Identifier: Apache-2.0
/** Checks of pattern and group records with their automata; part of verifyTable. Patterns are checked before groups. */
import {
  GROUP_ACCEPTS_FIRST,
  GROUP_PATTERN,
  PATTERN_ACCEPT_FROM,
  PATTERN_ASK,
  PATTERN_CLASS_COUNT,
  PATTERN_CLASS_MAP,
  PATTERN_DFA,
  PATTERN_KIND,
  PATTERN_SIZE,
  PATTERN_START,
  PATTERN_STATE_COUNT,
  PATTERN_TRANSITIONS,
  TABLE_AUTOMATA,
  TABLE_GROUP_ACCEPTS,
  TABLE_PATTERNS,
} from './layout';
import { count, recordOf, section } from './table';

/** First byte of the automata that the next pattern may use: patterns take theirs in order, without overlap. */
let nextAutomaton: u64 = 0;

export function startAutomata(): void {
  nextAutomaton = 0;
}

/** Whether the field is the first transition of a state. */
// @ts-ignore: decorator
@inline
function isRow(row: u32, rows: u32, classes: u32): bool {
  return row < rows && row % classes == 0;
}

function checkClassMap(classMap: usize, classes: u32): bool {
  for (let byte: usize = 0; byte < 256; byte++) {
    if (<u32>load<u8>(classMap + byte) >= classes) return false;
  }
  return true;
}

function checkTransitions(transitions: usize, rows: u32, classes: u32): bool {
  for (let index: u32 = 0; index < rows; index++) {
    if (!isRow(load<u32>(transitions + (index << 2)), rows, classes)) return false;
  }
  return true;
}

export function checkAutomaton(pattern: usize): i32 {
  const kind = load<u32>(pattern, PATTERN_KIND);
  if (kind == PATTERN_ASK) return 0;
  const classes = load<u32>(pattern, PATTERN_CLASS_COUNT);
  if (kind != PATTERN_DFA || classes == 0 || classes > 256) return -36;
  const rows = <u64>load<u32>(pattern, PATTERN_STATE_COUNT) * <u64>classes;
  const classMap = <u64>load<u32>(pattern, PATTERN_CLASS_MAP);
  const transitions = <u64>load<u32>(pattern, PATTERN_TRANSITIONS);
  const end = transitions + rows * 4;
  if (classMap < nextAutomaton || transitions < classMap + 256 || end > <u64>count(TABLE_AUTOMATA)) return -36;
  nextAutomaton = end;
  const rowCount = <u32>rows;
  const acceptFrom = load<u32>(pattern, PATTERN_ACCEPT_FROM);
  if (!isRow(load<u32>(pattern, PATTERN_START), rowCount, classes) || acceptFrom == 0 || acceptFrom > rowCount) return -37;
  const automata = section(TABLE_AUTOMATA);
  if (!checkClassMap(automata + <usize>classMap, classes)) return -37;
  return checkTransitions(automata + <usize>transitions, rowCount, classes) ? 0 : -37;
}

export function checkGroup(group: usize): i32 {
  const index = load<u32>(group, GROUP_PATTERN);
  if (index >= count(TABLE_PATTERNS)) return -38;
  const pattern = recordOf(TABLE_PATTERNS, index, PATTERN_SIZE);
  if (load<u32>(pattern, PATTERN_KIND) != PATTERN_DFA) return -38;
  const end = <u64>load<u32>(group, GROUP_ACCEPTS_FIRST) + <u64>load<u32>(pattern, PATTERN_STATE_COUNT);
  return end <= <u64>count(TABLE_GROUP_ACCEPTS) ? 0 : -38;
}
