// SPDX-License-Identifier: Apache-2.0
/** The arena never hands out overlapping blocks, and gives back all that it was given. */
import { describe, expect, it } from 'vitest';
import { RandomSource } from '../../test/support/random.js';
import { Arena } from './arena.js';

describe('the arena', () => {
  it('rounds blocks up to 16 bytes and lays them side by side', () => {
    const arena = new Arena(4096, 4096 + 64);
    expect([arena.allocate(1), arena.allocate(17), arena.allocate(16)]).toEqual([4096, 4112, 4144]);
    expect(arena.usedBytes).toBe(64);
  });

  it('says -1 when no gap is large enough, and keeps what it has', () => {
    const arena = new Arena(0, 64);
    expect(arena.allocate(48)).toBe(0);
    expect(arena.allocate(17)).toBe(-1);
    expect(arena.allocate(16)).toBe(48);
  });

  it('joins neighbouring gaps whatever the order of freeing', () => {
    const arena = new Arena(0, 96);
    const blocks = [arena.allocate(32), arena.allocate(32), arena.allocate(32)];
    for (const block of [blocks[0], blocks[2], blocks[1]]) arena.free(block ?? -1);
    expect(arena.usedBytes).toBe(0);
    expect(arena.allocate(96)).toBe(0);
  });

  it('refuses to free what is not allocated, also a second time', () => {
    const arena = new Arena(0, 64);
    const block = arena.allocate(16);
    arena.free(block);
    expect(() => arena.free(block)).toThrow(RangeError);
    expect(() => arena.free(8)).toThrow(RangeError);
  });

  it('keeps blocks apart over random allocations and frees', () => {
    const random = new RandomSource(7);
    const size = 1 << 16;
    const arena = new Arena(0, size);
    const blocks = new Map<number, number>();
    for (let step = 0; step < 3000; step++) {
      if (blocks.size > 0 && random.chance(0.5)) {
        const offset = random.pick([...blocks.keys()]);
        arena.free(offset);
        blocks.delete(offset);
        continue;
      }
      const length = 1 + random.below(4000);
      const offset = arena.allocate(length);
      if (offset >= 0) blocks.set(offset, length);
    }
    const sorted = [...blocks].sort(([left], [right]) => left - right);
    expect(sorted.length).toBeGreaterThan(1);
    sorted.forEach(([offset, length], index) => {
      expect(offset % 16).toBe(0);
      expect(offset + length).toBeLessThanOrEqual(sorted[index + 1]?.[0] ?? size);
    });
    for (const offset of blocks.keys()) arena.free(offset);
    expect(arena.allocate(size)).toBe(0);
  });
});
