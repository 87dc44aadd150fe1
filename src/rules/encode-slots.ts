// SPDX-License-Identifier: Apache-2.0
/**
 * Keys with values -> hash slots (open addressing, at most half full, so that a miss ends after two or so probes). Used for
 * exact domains and exact paths.
 */
import * as layout from '../../assembly/layout.js';
import { hashKey } from './key-hash.js';
import type { RecordSection, TextPool } from './table-writer.js';

/** `count` is 0 or a power of two. */
export interface SlotRange {
  readonly first: number;
  readonly count: number;
}

/** Appends slots for the keys (byte strings); values are record numbers. */
export function encodeSlots(keys: ReadonlyMap<string, number>, slots: RecordSection, text: TextPool): SlotRange {
  if (keys.size === 0) return { first: 0, count: 0 };
  let count = 2;
  while (count < keys.size * 2) count *= 2;
  const first = slots.reserve(count);
  for (let slot = 0; slot < count; slot++) slots.set(first + slot, layout.SLOT_VALUE, -1);
  for (const [key, value] of keys) {
    const hash = hashKey(key);
    let position = hash & (count - 1);
    while (slots.get(first + position, layout.SLOT_VALUE) !== 0xffffffff) position = (position + 1) & (count - 1);
    const slot = first + position;
    slots.set(slot, layout.SLOT_HASH, hash);
    slots.set(slot, layout.SLOT_TEXT_OFFSET, text.offsetOf(key));
    slots.set(slot, layout.SLOT_TEXT_LENGTH, key.length);
    slots.set(slot, layout.SLOT_VALUE, value);
  }
  return { first, count };
}
