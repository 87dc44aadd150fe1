// SPDX-License-Identifier: Apache-2.0
/**
 * Where the records of the rule table in force lie. An exchange holds one generation from its start to its end, so every
 * entry point opens the table of its exchange first; the records are then addressed by section and index.
 */
import {
  CONTROL_BASE,
  CONTROL_GENERATIONS,
  EXCHANGE_GENERATION,
  EXCHANGE_SIZE,
  GENERATION_BASE,
  GENERATION_SIZE,
  TABLE_STRINGS,
} from './layout';
import { exchanges } from './thread';

/** Absolute offset of the table that the running call works on. */
export let table: usize = 0;

/** Absolute offset of an exchange's record. */
// @ts-ignore: decorator
@inline
export function exchangeRecord(exchange: u32): usize {
  return exchanges + exchange * EXCHANGE_SIZE;
}

/** Absolute offset of the table that the exchange holds; its EXCHANGE_GENERATION must be a slot in use. */
// @ts-ignore: decorator
@inline
export function tableBase(exchange: u32): usize {
  const slot = load<u32>(exchangeRecord(exchange) + EXCHANGE_GENERATION);
  return load<u32>(CONTROL_BASE + CONTROL_GENERATIONS + slot * GENERATION_SIZE + GENERATION_BASE);
}

/** Makes the exchange's table the one that `section`, `count` and `recordOf` speak of. */
// @ts-ignore: decorator
@inline
export function openTable(exchange: u32): void {
  table = tableBase(exchange);
}

// @ts-ignore: decorator
@inline
export function count(pair: u32): u32 {
  return load<u32>(table + pair);
}

/** Absolute offset of a section's first record. */
// @ts-ignore: decorator
@inline
export function section(pair: u32): usize {
  return table + load<u32>(table + pair + 4);
}

// @ts-ignore: decorator
@inline
export function recordOf(pair: u32, index: u32, size: u32): usize {
  return section(pair) + index * size;
}

/** Absolute offset of the five bytes `https` that open the string pool; the first four are the other scheme. */
// @ts-ignore: decorator
@inline
export function schemeText(): usize {
  return section(TABLE_STRINGS);
}
