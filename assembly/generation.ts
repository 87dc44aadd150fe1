// SPDX-License-Identifier: Apache-2.0
/**
 * Generations of rule tables. A request holds the generation it began with until it ends, so that a reload never changes
 * a request under way, and the main thread frees a generation when its last holder is gone.
 *
 * The holder counts itself in first and looks at the current generation again afterwards: had the main thread flipped
 * to another one in between, it might have seen a count of zero and freed the blob, so the holder backs out and retries.
 */
import {
  CONTROL_BASE,
  CONTROL_CURRENT_GENERATION,
  CONTROL_GENERATIONS,
  EXCHANGE_GENERATION,
  GENERATION_BASE,
  GENERATION_REFERENCES,
  GENERATION_SIZE,
} from './layout';

// @ts-ignore: decorator
@inline
function generationSlot(slot: i32): usize {
  return <usize>(CONTROL_BASE + CONTROL_GENERATIONS) + <usize>slot * GENERATION_SIZE;
}

/** Start of the table blob that an exchange runs on. */
// @ts-ignore: decorator
@inline
export function tableOf(exchange: usize): usize {
  return <usize>load<u32>(generationSlot(load<i32>(exchange, EXCHANGE_GENERATION)), GENERATION_BASE);
}

/** The slot of the current generation, now held once more; -1 when nothing has been published. */
export function holdCurrentGeneration(): i32 {
  while (true) {
    const slot = atomic.load<i32>(CONTROL_BASE + CONTROL_CURRENT_GENERATION);
    if (slot < 0) return -1;
    atomic.add<i32>(generationSlot(slot) + GENERATION_REFERENCES, 1);
    if (atomic.load<i32>(CONTROL_BASE + CONTROL_CURRENT_GENERATION) == slot) return slot;
    atomic.sub<i32>(generationSlot(slot) + GENERATION_REFERENCES, 1);
  }
}

export function dropGeneration(slot: i32): void {
  atomic.sub<i32>(generationSlot(slot) + GENERATION_REFERENCES, 1);
}
