// SPDX-License-Identifier: Apache-2.0
/**
 * Where the records of the rule table in force lie. An exchange holds one generation from its start to its end, so every
 * entry point opens the table of its exchange first; the records are then addressed by section and index.
 */
import { TABLE_STRINGS } from './layout';
import { exchangeRecord } from './breaker';
import { tableOf } from './generation';

/** Absolute offset of the table that the running call works on. */
export let table: usize = 0;

/** Makes the exchange's table the one that `section`, `count` and `recordOf` speak of. */
// @ts-ignore: decorator
@inline
export function openTable(exchange: u32): void {
  table = tableOf(exchangeRecord(exchange));
}

/** The same for a blob that no generation holds yet. */
// @ts-ignore: decorator
@inline
export function openBlob(base: usize): void {
  table = base;
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
