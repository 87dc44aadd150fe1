// SPDX-License-Identifier: Apache-2.0
/** A generator and a check -> as many inputs as time allows, and for the first that fails a small one and how to repeat it. */
import { RandomSource } from '../support/random.js';
import { fuzzSettings } from './settings.js';
import { shrink } from './shrink.js';

/** What is wrong with an input; undefined when nothing is. */
export type Check = (input: string, random: RandomSource) => Promise<string | undefined>;

/** Runs until the time is over. Throws with the seed, the input and its smallest form. Returns the number of inputs. */
export async function runInputs(generate: (random: RandomSource) => string, check: Check): Promise<number> {
  const { seconds, seed } = fuzzSettings();
  const deadline = performance.now() + seconds * 1000;
  for (let count = 0; ; count++) {
    if (performance.now() > deadline) return count;
    // Each input has a seed of its own, so that one can be repeated without those before it.
    const inputSeed = (seed + count) >>> 0;
    const input = generate(new RandomSource(inputSeed));
    const fault = await check(input, new RandomSource(~inputSeed));
    if (fault === undefined) continue;
    const smallest = await shrink(input, async (candidate) => {
      const other = await check(candidate, new RandomSource(~inputSeed));
      return other !== undefined && kindOf(other) === kindOf(fault);
    });
    const again = await check(smallest, new RandomSource(~inputSeed));
    const lines = [`${fault}`, `seed ${inputSeed} (input ${count})`, `input ${JSON.stringify(input)}`];
    throw new Error(
      [...lines, `smallest ${JSON.stringify(smallest)}`, `which shows: ${again ?? 'nothing any more'}`].join('\n'),
    );
  }
}

/** Two faults are of one kind when they begin with the same words; details follow behind a colon. */
function kindOf(fault: string): string {
  return fault.split(':')[0] ?? '';
}
