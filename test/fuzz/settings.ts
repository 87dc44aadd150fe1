// SPDX-License-Identifier: Apache-2.0
/** What `npm run fuzz` was called with, handed on by tools/fuzz.mjs in the environment. */
export interface FuzzSettings {
  /** Time for each of the fuzzers. */
  readonly seconds: number;
  readonly seed: number;
  readonly peers: readonly string[];
}

export function fuzzSettings(read: (name: string) => string | undefined = (name) => process.env[name]): FuzzSettings {
  return {
    seconds: Number(read('WEFT_FUZZ_SECONDS') ?? 5),
    seed: Number(read('WEFT_FUZZ_SEED') ?? 1),
    peers: (read('WEFT_FUZZ_PEERS') ?? 'llhttp').split(',').filter((name) => name !== ''),
  };
}
