// SPDX-License-Identifier: Apache-2.0
/**
 * Patterns that have no DFA are run by the host: a call returns "ask", the host answers, and calls again. Matching goes
 * forward only, so the second call skips everything before the route and condition that asked; a ring of answers spares
 * the host from being asked the same twice. However many patterns a virtual host has, each repeated call gets further.
 */
import {
  ANSWER_CAPACITY,
  ANSWER_MATCHED,
  ANSWER_PATTERN,
  ANSWER_SIZE,
  ANSWER_SUBJECT_LENGTH,
  ANSWER_SUBJECT_OFFSET,
  MATCH_ANSWERS,
  MEMO_ANSWERED,
  MEMO_CONDITION,
  MEMO_COUNT,
  MEMO_OWNER,
  MEMO_ROUTE,
  RESULT_PATTERN,
  RESULT_SUBJECT_LENGTH,
  RESULT_SUBJECT_OFFSET,
  SLAB_MATCH,
  SLAB_MEMO,
  SLAB_RESULT,
} from './layout';
import { slab } from './thread';

/** Routes below this one have been refused by earlier calls. */
export let resumeRoute: u32 = 0;
/** Conditions of `resumeRoute` below this one (0 = path) have been met in earlier calls. */
export let resumeCondition: u32 = 0;

/** Starts a call for `owner`: goes on where it asked if it has been answered since, otherwise forgets all answers. */
// @ts-ignore: decorator
@inline
export function beginAnswers(owner: u32): void {
  const memo = slab + SLAB_MEMO;
  resumeRoute = 0;
  resumeCondition = 0;
  if (load<u32>(memo, MEMO_OWNER) == owner && load<u32>(memo, MEMO_ANSWERED) != 0) {
    resumeRoute = load<u32>(memo, MEMO_ROUTE);
    resumeCondition = load<u32>(memo, MEMO_CONDITION);
  } else {
    store<u32>(memo, 0, MEMO_COUNT);
  }
  store<u32>(memo, 0, MEMO_OWNER);
  store<u32>(memo, 0, MEMO_ANSWERED);
}

/** Remembers that `owner` asked while it tested a condition of a route. */
export function suspendAt(owner: u32, route: u32, condition: u32): void {
  const memo = slab + SLAB_MEMO;
  store<u32>(memo, owner, MEMO_OWNER);
  store<u32>(memo, route, MEMO_ROUTE);
  store<u32>(memo, condition, MEMO_CONDITION);
}

/** The host's answer for a pattern (its number in the host's list) and a subject: 0, 1, or 2 = not asked yet. */
export function findAnswer(pattern: u32, subject: usize, length: u32): i32 {
  const stored = load<u32>(slab + SLAB_MEMO, MEMO_COUNT);
  const known = min<u32>(stored, ANSWER_CAPACITY);
  let answer = slab + SLAB_MATCH + MATCH_ANSWERS;
  const end = answer + known * ANSWER_SIZE;
  for (; answer < end; answer += ANSWER_SIZE) {
    if (
      load<u32>(answer, ANSWER_PATTERN) == pattern &&
      load<u32>(answer, ANSWER_SUBJECT_OFFSET) == <u32>subject &&
      load<u32>(answer, ANSWER_SUBJECT_LENGTH) == length
    ) {
      return load<i32>(answer, ANSWER_MATCHED);
    }
  }
  const result = slab + SLAB_RESULT;
  store<u32>(result, pattern, RESULT_PATTERN);
  store<u32>(result, <u32>subject, RESULT_SUBJECT_OFFSET);
  store<u32>(result, length, RESULT_SUBJECT_LENGTH);
  return 2;
}

/**
 * The host's answer (0 or 1) to the last DECISION_ASK_HOST or TEST_ROUTE_ASK_HOST of this thread. The host repeats the
 * call with the same exchange before it makes any other routing call; without a question open this does nothing.
 */
export function answerPattern(matched: i32): void {
  const memo = slab + SLAB_MEMO;
  if (load<u32>(memo, MEMO_OWNER) == 0 || load<u32>(memo, MEMO_ANSWERED) != 0) return;
  const stored = load<u32>(memo, MEMO_COUNT);
  const answer = slab + SLAB_MATCH + MATCH_ANSWERS + (stored & (ANSWER_CAPACITY - 1)) * ANSWER_SIZE;
  const result = slab + SLAB_RESULT;
  store<u32>(answer, load<u32>(result, RESULT_PATTERN), ANSWER_PATTERN);
  store<u32>(answer, load<u32>(result, RESULT_SUBJECT_OFFSET), ANSWER_SUBJECT_OFFSET);
  store<u32>(answer, load<u32>(result, RESULT_SUBJECT_LENGTH), ANSWER_SUBJECT_LENGTH);
  store<u32>(answer, matched != 0 ? 1 : 0, ANSWER_MATCHED);
  store<u32>(memo, stored + 1, MEMO_COUNT);
  store<u32>(memo, 1, MEMO_ANSWERED);
}
