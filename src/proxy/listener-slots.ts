// SPDX-License-Identifier: Apache-2.0
/**
 * Listener names -> slots of the shared memory. A name keeps its slot for as long as the process lives, also while it has no
 * listener: its old connections are still counted there, and counters must not go back.
 */
export class ListenerSlots {
  readonly #slots = new Map<string, number>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The slot of a listener; -1 when all are taken by others. */
  slotOf(name: string): number {
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    if (this.#slots.size >= this.#capacity) return -1;
    const slot = this.#slots.size;
    this.#slots.set(name, slot);
    return slot;
  }

  /** Every slot that is taken, by name. */
  get all(): ReadonlyMap<string, number> {
    return this.#slots;
  }
}
