// SPDX-License-Identifier: Apache-2.0
/** Exchange record -> the records of its generation's rule table that the head writers need. */
import {
  CONTROL_BASE,
  CONTROL_GENERATIONS,
  EXCHANGE_GENERATION,
  EXCHANGE_ROUTE,
  EXCHANGE_SIZE,
  EXCHANGE_WEIGHTED,
  GENERATION_BASE,
  GENERATION_SIZE,
  ROUTE_SIZE,
  TABLE_ROUTES,
  TABLE_WEIGHTED,
  WEIGHTED_SIZE,
} from './layout';
import { exchanges } from './thread';

/** Absolute offsets for the exchange bound last; 0 where it has no table, route or weighted cluster. */
export let exchangeRecord: usize = 0;
export let tableBase: usize = 0;
export let routeRecord: usize = 0;
export let weightedRecord: usize = 0;

/** Absolute offset of record `index` of a section; a negative index has none. */
function recordAt(section: i32, size: i32, index: i32): usize {
  if (tableBase == 0 || index < 0) return 0;
  assert(<u32>index < load<u32>(tableBase + section));
  return tableBase + load<u32>(tableBase + section, 4) + <usize>index * size;
}

export function bindExchange(exchange: u32): void {
  exchangeRecord = exchanges + <usize>exchange * EXCHANGE_SIZE;
  const generation = load<i32>(exchangeRecord, EXCHANGE_GENERATION);
  const slot = CONTROL_BASE + CONTROL_GENERATIONS + generation * GENERATION_SIZE;
  tableBase = generation < 0 ? 0 : <usize>load<u32>(slot, GENERATION_BASE);
  routeRecord = recordAt(TABLE_ROUTES, ROUTE_SIZE, load<i32>(exchangeRecord, EXCHANGE_ROUTE));
  weightedRecord = recordAt(TABLE_WEIGHTED, WEIGHTED_SIZE, load<i32>(exchangeRecord, EXCHANGE_WEIGHTED));
}
