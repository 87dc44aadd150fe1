// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ListenerSlots } from './listener-slots.js';

describe('ListenerSlots', () => {
  it('gives every name a slot of its own and keeps it', () => {
    const slots = new ListenerSlots(3);
    expect(['a', 'b', 'a', 'c'].map((name) => slots.slotOf(name))).toEqual([0, 1, 0, 2]);
    expect([...slots.all]).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
  });

  it('has none for a name too many', () => {
    const slots = new ListenerSlots(1);
    slots.slotOf('a');
    expect([slots.slotOf('b'), slots.slotOf('a')]).toEqual([-1, 0]);
    expect(slots.all.size).toBe(1);
  });
});
