// SPDX-License-Identifier: Apache-2.0
/**
 * Rounds of two builds -> worse or not. A round is a set of new processes (two of base, two of head) under load at the same
 * time, several turns of it; the value of each process is the median of its turns. New processes in each round, because two
 * processes of one build differ for their whole life by how V8 happened to compile them: only several starts tell that from a
 * change.
 *
 * Worse means both of:
 *   1. in every round the mean of head's two processes is above the mean of base's two;
 *   2. the median over the rounds of mean(head) / mean(base) is above 1 + bound, where bound is the larger of MINIMUM_CHANGE
 *      and the noise: the median, over all rounds and both builds, of how far the two processes of one build were apart.
 * The first alone happens by chance in one run of 32 with 5 rounds; the second asks for more than one build differs from
 * itself in one pair of processes, although the median of five means of two varies less than half as much.
 */
import { median } from '../measure/statistics.js';

/** A change below this is not worth a red build, nor safe to tell on shared machines. */
export const MINIMUM_CHANGE = 0.03;
/** With fewer, "all rounds agree" says too little. */
export const MINIMUM_ROUNDS = 4;

/** Cost of each process in one round: CPU µs per request, say; more is worse. */
export interface ComparedRound {
  readonly base: number;
  readonly baseAgain: number;
  readonly head: number;
  readonly headAgain: number;
}

export interface Verdict {
  readonly worse: boolean;
  /** Median over the rounds of mean(head) / mean(base). */
  readonly ratio: number;
  readonly noise: number;
  /** What `ratio` - 1 must exceed. */
  readonly bound: number;
  /** Rounds in which head cost more, and in all. */
  readonly roundsWorse: number;
  readonly rounds: number;
}

/** mean(head) / mean(base) of one round. */
export function ratioOfRound({ base, baseAgain, head, headAgain }: ComparedRound): number {
  return (head + headAgain) / (base + baseAgain);
}

/** Throws when there are too few rounds, or one is no measurement: then nothing can be said. */
export function judge(rounds: readonly ComparedRound[]): Verdict {
  if (rounds.length < MINIMUM_ROUNDS) {
    throw new Error(`${rounds.length} rounds were measured, and ${MINIMUM_ROUNDS} are needed`);
  }
  if (rounds.some((round) => Object.values(round).some((value) => !(value > 0) || !Number.isFinite(value)))) {
    throw new Error('a round has no figure');
  }
  const ratios = rounds.map(ratioOfRound);
  const ratio = median(ratios);
  const noise = median(
    rounds.flatMap(({ base, baseAgain, head, headAgain }) => [
      Math.abs(baseAgain / base - 1),
      Math.abs(headAgain / head - 1),
    ]),
  );
  const bound = Math.max(MINIMUM_CHANGE, noise);
  const roundsWorse = ratios.filter((value) => value > 1).length;
  return {
    worse: roundsWorse === rounds.length && ratio > 1 + bound,
    ratio,
    noise,
    bound,
    roundsWorse,
    rounds: rounds.length,
  };
}
