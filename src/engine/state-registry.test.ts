// SPDX-License-Identifier: Apache-2.0
/** Slots stay with their owners as long as there is room, and are taken over in the order of retirement. */
import { describe, expect, it } from 'vitest';
import { SlotSpace } from './state-registry.js';

/** A space in which the slots in `busy` are not idle; `cleared` records what was made new. */
function spaceOf(capacity: number): { space: SlotSpace; busy: Set<number>; cleared: number[] } {
  const busy = new Set<number>();
  const cleared: number[] = [];
  const space = new SlotSpace(
    capacity,
    (slot) => !busy.has(slot),
    (slot) => cleared.push(slot),
  );
  return { space, busy, cleared };
}

describe('slots of the shared state', () => {
  it('gives an owner the same slot each time', () => {
    const { space } = spaceOf(4);
    expect([space.acquire('a'), space.acquire('b'), space.acquire('a')]).toEqual([0, 1, 0]);
    expect(space.ownerOf(1)).toBe('b');
    expect(space.size).toBe(2);
  });

  it('keeps the slot of a retired owner for its return while there is room', () => {
    const { space, cleared } = spaceOf(4);
    space.acquire('a');
    space.retainOnly(new Set());
    expect(space.acquire('b')).toBe(1);
    expect(space.acquire('a')).toBe(0);
    expect(cleared).toEqual([]);
  });

  it('takes the slot retired longest when slots run short, and clears it', () => {
    const { space, cleared } = spaceOf(2);
    space.acquire('a');
    space.acquire('b');
    space.retainOnly(new Set(['b']));
    space.retainOnly(new Set());
    expect(space.acquire('c')).toBe(0);
    expect(cleared).toEqual([0]);
    expect(space.slotOf('a')).toBeUndefined();
    expect(space.ownerOf(0)).toBe('c');
  });

  it('passes over a retired slot on which something is still active', () => {
    const { space, busy, cleared } = spaceOf(2);
    space.acquire('a');
    space.acquire('b');
    space.retainOnly(new Set());
    busy.add(0);
    expect(space.acquire('c')).toBe(1);
    expect(cleared).toEqual([1]);
    expect(space.acquire('d')).toBe(-1);
    busy.clear();
    expect(space.acquire('d')).toBe(0);
  });

  it('never takes the slot of a live owner', () => {
    const { space } = spaceOf(1);
    space.acquire('a');
    space.retainOnly(new Set(['a']));
    expect(space.acquire('b')).toBe(-1);
    expect(space.slotOf('a')).toBe(0);
  });

  it('counts a returning owner as live again', () => {
    const { space } = spaceOf(1);
    space.acquire('a');
    space.retainOnly(new Set());
    space.acquire('a');
    expect(space.acquire('b')).toBe(-1);
  });
});
