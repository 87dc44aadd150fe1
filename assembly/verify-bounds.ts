// SPDX-License-Identifier: Apache-2.0
/** Bounds of the fields of a table under examination: text, ranges and indexes inside their sections. */
import { TABLE_HEADER_LENGTH, TABLE_HEADER_SIZE, TABLE_STRINGS } from './layout';
import { count, table } from './table';

/** Whether (offset, length) at these fields is text of the string pool. */
// @ts-ignore: decorator
@inline
export function hasText(record: usize, offsetField: u32, lengthField: u32): bool {
  const offset = <u64>load<u32>(record + offsetField);
  const pool = <u64>load<u32>(table + TABLE_STRINGS + 4);
  return offset >= pool && offset + <u64>load<u32>(record + lengthField) <= pool + <u64>count(TABLE_STRINGS);
}

/** Whether (first, count) at these fields is a range of the section's records. */
// @ts-ignore: decorator
@inline
export function hasRange(record: usize, firstField: u32, countField: u32, pair: u32): bool {
  return <u64>load<u32>(record + firstField) + <u64>load<u32>(record + countField) <= <u64>count(pair);
}

/** Whether the field is a record of the section, or -1 for none. */
// @ts-ignore: decorator
@inline
export function hasIndexOrNone(record: usize, field: u32, pair: u32): bool {
  const index = load<u32>(record + field);
  return index == 0xffffffff || index < count(pair);
}

/** Whether `records` records of a section lie behind the header, aligned, and inside the blob. */
export function fits(pair: u32, size: u32): bool {
  const offset = load<u32>(table + pair + 4);
  const length = <u64>load<u32>(table + TABLE_HEADER_LENGTH);
  return (
    offset >= <u32>TABLE_HEADER_SIZE && (offset & 3) == 0 && <u64>offset + <u64>count(pair) * <u64>size <= length
  );
}
