// SPDX-License-Identifier: Apache-2.0
/**
 * The machine's cores -> who runs where. Two cores: load generator and origin share one, the proxy has the other. Four or
 * more: load and origin share two, since on one they may be slower than a fast proxy.
 */
import { availableParallelism, cpus } from 'node:os';

export interface CpuPlan {
  /** Undefined: not pinned. */
  readonly load: string | undefined;
  /** A CPU list for a proxy with so many threads; undefined when there are not enough cores. */
  readonly proxy: (threads: number) => string | undefined;
  readonly description: string;
}

/** Throws when there is one core only, unless `unpinned`. */
export function planCpus(unpinned: boolean, cores = Math.min(availableParallelism(), cpus().length)): CpuPlan {
  if (unpinned) {
    const all = cores === 1 ? '0' : `0-${cores - 1}`;
    return { load: undefined, proxy: () => all, description: 'nothing is pinned: load and proxy disturb each other' };
  }
  if (cores < 2) {
    throw new Error(
      'one core only: load and proxy would share it, and CPU per request would not hold; --unpinned runs anyway',
    );
  }
  const loadCores = cores >= 4 ? 2 : 1;
  const load = loadCores === 1 ? '0' : '0-1';
  return {
    load,
    proxy(threads) {
      if (threads === 1) return `${loadCores}`;
      return loadCores + threads <= cores ? `${loadCores}-${loadCores + threads - 1}` : undefined;
    },
    description: `load and origin on CPU ${load}, the proxy on CPU ${loadCores} and up, one for each of its threads`,
  };
}
