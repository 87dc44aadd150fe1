// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { trimHeap } from './trim-heap.js';

/** Long enough for V8 to have grown its heap for it. */
const OBJECTS = 400_000;

function fillHeap(): number {
  const objects = Array.from({ length: OBJECTS }, (_, index) => ({ index, next: { index } }));
  return objects.length;
}

describe('trimming the heap', () => {
  it('gives back what nothing refers to any more', async () => {
    fillHeap();
    const before = process.memoryUsage();
    await expect(trimHeap()).resolves.toBe(true);
    const after = process.memoryUsage();
    expect(after.heapUsed).toBeLessThan(before.heapUsed);
    expect(after.heapTotal).toBeLessThan(before.heapTotal);
  });

  it('works again and again', async () => {
    for (let round = 0; round < 3; round++) await expect(trimHeap()).resolves.toBe(true);
  });
});
