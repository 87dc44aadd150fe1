// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration changes -> a trimmed heap of the main thread, once changes have settled. The main thread carries no
 * traffic, so its pauses delay nobody's request; but a change that comes during one waits for it, hence only after a quiet
 * moment, and only when there is something to win.
 */
import { trimHeap } from '../proxy/trim-heap.js';

/** Files that change together do so within a fraction of this. */
const QUIET_MS = 500;
/** Less is not worth a pause; five reloads of 10,000 routes left 54 MiB behind. */
const MIN_GROWTH_BYTES = 8 * 1024 * 1024;

export class HeapTrimmer {
  #timer: NodeJS.Timeout | undefined;
  #trimmedBytes = 0;

  /** Something may have left garbage behind. */
  onChange(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#trim(), QUIET_MS);
    this.#timer.unref();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #trim(): Promise<void> {
    if (process.memoryUsage().heapTotal - this.#trimmedBytes < MIN_GROWTH_BYTES) return;
    await trimHeap();
    this.#trimmedBytes = process.memoryUsage().heapTotal;
  }
}
