// SPDX-License-Identifier: Apache-2.0
/** First-fit allocation of table blobs in the arena. Few, large and short-lived blocks: a sorted list of gaps suffices. */

interface Gap {
  offset: number;
  length: number;
}

export class Arena {
  #gaps: Gap[];
  readonly #used = new Map<number, number>();

  /** The range [start, end) in bytes. */
  constructor(start: number, end: number) {
    this.#gaps = [{ offset: start, length: end - start }];
  }

  /** Offset of a block of at least `length` bytes, 16-byte aligned; -1 when no gap is large enough. */
  allocate(length: number): number {
    const size = (length + 15) & ~15;
    const index = this.#gaps.findIndex((gap) => gap.length >= size);
    const gap = this.#gaps[index];
    if (!gap) return -1;
    const offset = gap.offset;
    gap.offset += size;
    gap.length -= size;
    if (gap.length === 0) this.#gaps.splice(index, 1);
    this.#used.set(offset, size);
    return offset;
  }

  /** Gives a block back. Throws RangeError for an offset that was not allocated. */
  free(offset: number): void {
    const length = this.#used.get(offset);
    if (length === undefined) throw new RangeError(`no block at ${offset}`);
    this.#used.delete(offset);
    this.#gaps.push({ offset, length });
    this.#gaps.sort((a, b) => a.offset - b.offset);
    const merged: Gap[] = [];
    for (const gap of this.#gaps) {
      const last = merged.at(-1);
      if (last && last.offset + last.length === gap.offset) last.length += gap.length;
      else merged.push(gap);
    }
    this.#gaps = merged;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const length of this.#used.values()) sum += length;
    return sum;
  }
}
