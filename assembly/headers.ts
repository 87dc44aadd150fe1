// SPDX-License-Identifier: Apache-2.0
/**
 * The header table: rows of (name, hash, value, id) that codecs fill and that matching and rewriting read. A name that the
 * codecs treat specially has an id, found by a perfect hash and then compared byte for byte, so that a crafted hash
 * collision cannot pass for `content-length`.
 */
import { copyBytes, sameBytes } from './bytes';
import {
  HEADER_FLAGS,
  HEADER_ID_CONNECTION,
  HEADER_ID_CONTENT_LENGTH,
  HEADER_ID_HOST,
  HEADER_ID_HTTP2_SETTINGS,
  HEADER_ID_KEEP_ALIVE,
  HEADER_ID_PROXY_CONNECTION,
  HEADER_ID_TE,
  HEADER_ID_TRAILER,
  HEADER_ID_TRANSFER_ENCODING,
  HEADER_ID_UPGRADE,
  HEADER_NAME_HASH,
  HEADER_NAME_ID,
  HEADER_NAME_LENGTH,
  HEADER_NAME_OFFSET,
  HEADER_ROW_SIZE,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
} from './layout';
import { NAME_MULTIPLIER, NAME_ROW_SIZE, NAME_ROWS, NAME_SLOTS } from './tables';

// @ts-ignore: decorator
@inline
export function nameHashOf(id: u32): u32 {
  return load<u32>(NAME_ROWS + <usize>id * NAME_ROW_SIZE);
}

// @ts-ignore: decorator
@inline
export function nameLengthOf(id: u32): u32 {
  return load<u32>(NAME_ROWS + <usize>id * NAME_ROW_SIZE, 4);
}

// @ts-ignore: decorator
@inline
export function nameTextOf(id: u32): usize {
  return NAME_ROWS + <usize>id * NAME_ROW_SIZE + 8;
}

/** HEADER_ID_* of a lower-case name, 0 when it is none of those. */
export function findNameId(hash: u32, offset: usize, length: u32): u32 {
  const id = <u32>load<u8>(NAME_SLOTS + <usize>((hash * NAME_MULTIPLIER) >> 23));
  if (id == 0 || nameHashOf(id) != hash) return 0;
  return sameBytes(offset, length, nameTextOf(id), nameLengthOf(id)) ? id : 0;
}

// @ts-ignore: decorator
@inline
export function storeRow(row: usize, name: usize, nameLength: u32, hash: u32, id: u32, value: usize, valueLength: u32): void {
  store<u32>(row, <u32>name, HEADER_NAME_OFFSET);
  store<u32>(row, nameLength, HEADER_NAME_LENGTH);
  store<u32>(row, hash, HEADER_NAME_HASH);
  store<u32>(row, <u32>value, HEADER_VALUE_OFFSET);
  store<u32>(row, valueLength, HEADER_VALUE_LENGTH);
  store<u32>(row, id, HEADER_NAME_ID);
  store<u32>(row, 0, HEADER_FLAGS);
}

/** The first row from `first` on with this lower-case name, 0 when there is none. `count` rows are in the table. */
export function findRow(table: usize, count: u32, hash: u32, name: usize, nameLength: u32): usize {
  const end = table + <usize>count * HEADER_ROW_SIZE;
  for (let row = table; row < end; row += HEADER_ROW_SIZE) {
    if (load<u32>(row, HEADER_NAME_HASH) != hash) continue;
    if (sameBytes(load<u32>(row, HEADER_NAME_OFFSET), load<u32>(row, HEADER_NAME_LENGTH), name, nameLength)) return row;
  }
  return 0;
}

/** Fields that belong to one connection, or that the writers put in themselves: never copied, never set by a header op. */
// @ts-ignore: decorator
@inline
export function isConnectionField(id: u32): bool {
  switch (id) {
    case HEADER_ID_HOST:
    case HEADER_ID_CONTENT_LENGTH:
    case HEADER_ID_TRANSFER_ENCODING:
    case HEADER_ID_CONNECTION:
    case HEADER_ID_KEEP_ALIVE:
    case HEADER_ID_PROXY_CONNECTION:
    case HEADER_ID_UPGRADE:
    case HEADER_ID_HTTP2_SETTINGS:
    case HEADER_ID_TE:
    // Which trailers go on is known when they come, so nothing may announce them.
    case HEADER_ID_TRAILER:
      return true;
    default:
      return false;
  }
}

/** Writes the range in lower case at `to`. */
export function copyLower(to: usize, from: usize, length: u32): void {
  copyBytes(to, from, length);
  for (let index: u32 = 0; index < length; index++) {
    const byte = <u32>load<u8>(to + index);
    if (byte - 0x41 < 26) store<u8>(to + index, byte | 0x20);
  }
}
