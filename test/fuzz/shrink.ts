// SPDX-License-Identifier: Apache-2.0
/** An input that shows something -> a small one that still does, by taking pieces out, large ones first. */

/** Inputs tried at most: each may take a second when the thing shown is a hang. */
const MAX_TRIES = 300;
const MAX_MS = 20_000;

export async function shrink(input: string, shows: (candidate: string) => Promise<boolean>): Promise<string> {
  let smallest = input;
  let tries = 0;
  const deadline = performance.now() + MAX_MS;
  for (let size = Math.ceil(input.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < smallest.length && tries < MAX_TRIES && performance.now() < deadline;) {
      const candidate = smallest.slice(0, start) + smallest.slice(start + size);
      tries++;
      if (await shows(candidate)) smallest = candidate;
      else start += size;
    }
  }
  return smallest;
}
