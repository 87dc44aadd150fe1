// SPDX-License-Identifier: Apache-2.0
/**
 * Rounds of two builds -> worse or not. A round is a set of new processes (base, head, and base again) under load at the same
 * time, several turns of it; its value for each is the median of its turns. New processes in each round, because two processes
 * of one build differ for their whole life by how V8 happened to compile them: only several starts tell that from a change.
 *
 * Worse means all of:
 *   1. in every round head costs more than both base instances. By chance alone, that is one round in three, so one run in
 *      243 with 5 rounds;
 *   2. the median over the rounds of head / mean(base, base again) is above 1 + bound, where bound is the larger of
 *      MINIMUM_CHANGE and twice the noise: the median over the rounds of |base again / base - 1|.
 * Both together pass a build that differs by luck and still see 2 µs in 20.
 */
import { median } from '../measure/statistics.js';

/** A change below this is not worth a red build, nor safe to tell on shared machines. */
export const MINIMUM_CHANGE = 0.03;
/** With fewer, "all rounds agree" says too little. */
export const MINIMUM_ROUNDS = 4;

/** Cost of each instance in one round: CPU µs per request, say; more is worse. */
export interface ComparedRound {
  readonly base: number;
  readonly head: number;
  readonly baseAgain: number;
}

export interface Verdict {
  readonly worse: boolean;
  /** Median over the rounds of head / mean(base, base again). */
  readonly ratio: number;
  readonly noise: number;
  /** What `ratio` - 1 must exceed. */
  readonly bound: number;
  /** Rounds in which head cost more than both, and in all. */
  readonly roundsWorse: number;
  readonly rounds: number;
}

/** Throws when there are too few rounds, or one is no measurement: then nothing can be said. */
export function judge(rounds: readonly ComparedRound[]): Verdict {
  if (rounds.length < MINIMUM_ROUNDS) {
    throw new Error(`${rounds.length} rounds were measured, and ${MINIMUM_ROUNDS} are needed`);
  }
  if (rounds.some((round) => Object.values(round).some((value) => !(value > 0) || !Number.isFinite(value)))) {
    throw new Error('a round has no figure');
  }
  const ratio = median(rounds.map(({ base, head, baseAgain }) => head / ((base + baseAgain) / 2)));
  const noise = median(rounds.map(({ base, baseAgain }) => Math.abs(baseAgain / base - 1)));
  const bound = Math.max(MINIMUM_CHANGE, 2 * noise);
  const roundsWorse = rounds.filter(({ base, head, baseAgain }) => head > Math.max(base, baseAgain)).length;
  const worse = roundsWorse === rounds.length && ratio > 1 + bound;
  return { worse, ratio, noise, bound, roundsWorse, rounds: rounds.length };
}
