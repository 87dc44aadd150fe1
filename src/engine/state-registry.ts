// SPDX-License-Identifier: Apache-2.0
/**
 * Names -> slots of the shared state, so that counters survive a reload: a cluster keeps its slot by name, an endpoint by
 * (cluster, address), a workload by what metrics say of it. Main thread only.
 *
 * A slot whose owner is in no live generation stays reserved for that owner until slots run short, because its counters
 * are still shown; then the one retired longest is taken, once nothing on it is active.
 */

export class SlotSpace {
  readonly #slots = new Map<string, number>();
  readonly #owners: (string | undefined)[] = [];
  /** Owners in no live generation, longest retired first. */
  readonly #retired = new Map<string, number>();
  readonly #capacity: number;
  readonly #isIdle: (slot: number) => boolean;
  readonly #clear: (slot: number) => void;

  /** `isIdle` tells whether a retired slot may be given away, `clear` makes it as new. */
  constructor(capacity: number, isIdle: (slot: number) => boolean, clear: (slot: number) => void) {
    this.#capacity = capacity;
    this.#isIdle = isIdle;
    this.#clear = clear;
  }

  /** The owner's slot, a new one if it has none; -1 when all slots are taken by live owners. */
  acquire(owner: string): number {
    const known = this.#slots.get(owner);
    if (known !== undefined) {
      this.#retired.delete(owner);
      return known;
    }
    const slot = this.#owners.length < this.#capacity ? this.#owners.length : this.#reclaim();
    if (slot < 0) return -1;
    this.#owners[slot] = owner;
    this.#slots.set(owner, slot);
    return slot;
  }

  /** Says which owners are in a live generation; all others count as retired from now on. */
  retainOnly(live: ReadonlySet<string>): void {
    for (const [owner, slot] of this.#slots) {
      if (live.has(owner)) this.#retired.delete(owner);
      else if (!this.#retired.has(owner)) this.#retired.set(owner, slot);
    }
  }

  ownerOf(slot: number): string | undefined {
    return this.#owners[slot];
  }

  slotOf(owner: string): number | undefined {
    return this.#slots.get(owner);
  }

  get size(): number {
    return this.#owners.length;
  }

  #reclaim(): number {
    for (const [owner, slot] of this.#retired) {
      if (!this.#isIdle(slot)) continue;
      this.#retired.delete(owner);
      this.#slots.delete(owner);
      this.#clear(slot);
      return slot;
    }
    return -1;
  }
}
