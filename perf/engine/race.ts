// SPDX-License-Identifier: Apache-2.0
/**
 * Contenders -> nanoseconds per turn, measured in one process in short rounds that take turns. On a shared machine the speed
 * of a core changes from second to second; rivals that alternate every few milliseconds meet the same changes, so the median
 * of the ratios within a round holds still where two times measured one after the other don't.
 */

export interface Contender {
  readonly name: string;
  /** Called before each round, outside the measured time. */
  prepare?(): void;
  /** Does the work so many times; what it returns is kept, so that the work can't be optimised away. */
  run(turns: number): number;
}

export interface RaceOptions {
  /** At least 3. */
  readonly rounds?: number;
  /** How long one contender runs in one round, ms. */
  readonly roundMs?: number;
}

/** Nanoseconds per turn, one for each round. */
export type Times = readonly number[];

const DEFAULT_ROUNDS = 15;
/** Long enough for the clock, short enough that a neighbour's burst of work hits all contenders of a round alike. */
const DEFAULT_ROUND_MS = 5;
/** Until V8 has compiled the loop with its last tier. */
const WARM_UP_MS = 80;

/** The results of all turns end here. */
let sink = 0;

/** Runs all contenders in alternating order. Throws when fewer than three rounds or no contender are asked for. */
export function race(contenders: readonly Contender[], options: RaceOptions = {}): Map<string, Times> {
  const rounds = options.rounds ?? DEFAULT_ROUNDS;
  if (contenders.length === 0 || rounds < 3) throw new RangeError('a race needs a contender and three rounds');
  const turns = contenders.map((contender) => turnsFor(contender, options.roundMs ?? DEFAULT_ROUND_MS));
  const times = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let place = 0; place < contenders.length; place++) {
      // Everybody starts a round once, so that nobody always runs on what the same neighbour left in the caches.
      const index = (round + place) % contenders.length;
      const contender = contenders[index];
      if (contender !== undefined) times[index]?.push(nanosecondsPerTurn(contender, turns[index] ?? 1));
    }
  }
  return new Map(contenders.map(({ name }, index) => [name, times[index] ?? []]));
}

function nanosecondsPerTurn(contender: Contender, turns: number): number {
  contender.prepare?.();
  const startedMs = performance.now();
  sink = (sink + contender.run(turns)) | 0;
  return ((performance.now() - startedMs) * 1e6) / turns;
}

/** How many turns take about `roundMs`, after a warm-up. */
function turnsFor(contender: Contender, roundMs: number): number {
  const untilMs = performance.now() + WARM_UP_MS;
  let turns = 1;
  let best = Infinity;
  while (performance.now() < untilMs || best === Infinity) {
    const perTurn = nanosecondsPerTurn(contender, turns);
    best = Math.min(best, perTurn);
    if (perTurn * turns < 2e6) turns *= 2;
  }
  return Math.max(1, Math.round((roundMs * 1e6) / best));
}

/** The middle value, or the upper of two; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? NaN;
}

/** The median over the rounds of `name`'s time divided by `rival`'s in the same round. Throws for a name that did not run. */
export function ratioOf(times: ReadonlyMap<string, Times>, name: string, rival: string): number {
  const own = timesOf(times, name);
  const other = timesOf(times, rival);
  return median(own.map((time, round) => time / (other[round] ?? NaN)));
}

/** The median time in nanoseconds per turn. Throws for a name that did not run. */
export function medianOf(times: ReadonlyMap<string, Times>, name: string): number {
  return median(timesOf(times, name));
}

function timesOf(times: ReadonlyMap<string, Times>, name: string): Times {
  const found = times.get(name);
  if (found === undefined) throw new Error(`${name} did not run`);
  return found;
}
