// SPDX-License-Identifier: Apache-2.0
/**
 * Client connections open per thread -> whether this thread should let the others accept for a while. Threads that accept
 * from one socket race for each connection, and one that is still cold or busy loses all of a burst: measured 61 to 3 of 64
 * connections, for as long as the clients keep them. Where the kernel spreads connections (`reusePort`), nobody asks.
 */
import * as layout from '../../../assembly/layout.js';
import type { Engine } from '../../engine/engine.js';

/** More than the average by a quarter and one is ahead: less would be noise, more would be felt. */
const TOLERANCE = 1.25;
const TOLERATED_COUNT = 1;

/** The count of one thread, and its view of the others'. Costs nothing per request. */
export class AcceptBalance {
  readonly #words: Uint32Array;
  readonly #own: number;
  readonly #first: number;
  readonly #stride: number;
  readonly #threadCount: number;
  #accepting = false;
  #connectionCount = 0;

  constructor(engine: Engine) {
    const field = layout.SLAB_CLIENT_CONNECTIONS;
    this.#words = engine.words;
    this.#own = (engine.slab + field) >> 2;
    this.#first = (engine.control(layout.CONTROL_SLABS) + field) >> 2;
    this.#stride = engine.control(layout.CONTROL_SLAB_SIZE) >> 2;
    this.#threadCount = engine.control(layout.CONTROL_THREAD_CAPACITY);
  }

  /** The thread begins or ends to accept; the others count on those only that do. */
  setAccepting(accepting: boolean): void {
    this.#accepting = accepting;
    this.#publish();
  }

  opened(): void {
    this.#connectionCount++;
    this.#publish();
  }

  closed(): void {
    this.#connectionCount--;
    this.#publish();
  }

  /** This thread has clearly more connections than the average of those that accept. */
  get isAhead(): boolean {
    let total = 0;
    let accepting = 0;
    for (let thread = 0; thread < this.#threadCount; thread++) {
      const published = this.#words[this.#first + thread * this.#stride] ?? 0;
      if (published === 0) continue;
      total += published - 1;
      accepting++;
    }
    return accepting > 1 && this.#connectionCount > (total / accepting) * TOLERANCE + TOLERATED_COUNT;
  }

  #publish(): void {
    this.#words[this.#own] = this.#accepting ? this.#connectionCount + 1 : 0;
  }
}
