// SPDX-License-Identifier: Apache-2.0
/**
 * The field section of an HTTP/1.1 message (RFC 9112 5) -> header table, and what framing needs to know of it. One pass:
 * each line is checked, lower-cased in place, hashed and noted. Anything that two recipients could read differently stops
 * the parse: bare CR or LF, obs-fold, white space before the colon, control bytes, empty names. Lone LF is not taken as
 * a line end, which RFC 9112 2.2 allows but does not ask for.
 */
import { byteAt, COLON, CR, FNV_BASIS, FNV_PRIME, isSpace, LF, skipValue, tokenLower } from './bytes';
import { markConnectionOptions, noteConnection, parseContentLength, FIELD_NAMED_OPTIONS } from './framing';
import { resetFraming, fieldFlags, noteCodings, noteHost, noteUpgrade, noteExpect, noteTe, noteContentType, noteMaxForwards } from './framing';
import { findNameId, storeRow } from './headers';
import {
  HEADER_ID_CONNECTION,
  HEADER_ID_CONTENT_LENGTH,
  HEADER_ID_CONTENT_TYPE,
  HEADER_ID_EXPECT,
  HEADER_ID_HOST,
  HEADER_ID_MAX_FORWARDS,
  HEADER_ID_TE,
  HEADER_ID_TRANSFER_ENCODING,
  HEADER_ID_UPGRADE,
  HEADER_ROW_SIZE,
} from './layout';

/** Why a parse step returned 0: the bytes end too early, are wrong, or are too many fields. */
export const STOP_INCOMPLETE: i32 = 0;
export const STOP_MALFORMED: i32 = 1;
export const STOP_TOO_MANY: i32 = 2;
export let stop: i32 = 0;
export let fieldCount: u32 = 0;

/** Ends a parse step: notes the reason and is the 0 to return. */
export function stopParse(reason: i32): usize {
  stop = reason;
  return 0;
}

/** Byte after the CRLF at `cursor`, or 0 with the reason in `stop`. */
export function parseCrlf(cursor: usize, end: usize): usize {
  if (cursor >= end) return stopParse(STOP_INCOMPLETE);
  if (byteAt(cursor) != CR) return stopParse(STOP_MALFORMED);
  if (cursor + 1 >= end) return stopParse(STOP_INCOMPLETE);
  return byteAt(cursor + 1) == LF ? cursor + 2 : stopParse(STOP_MALFORMED);
}

/** Takes note of a field that framing or connection handling depends on; false refuses the message. */
// @ts-ignore: decorator
@inline
function noteField(id: u32, value: usize, length: u32): bool {
  switch (id) {
    case HEADER_ID_HOST:
      return noteHost(value, length);
    case HEADER_ID_CONTENT_LENGTH:
      return parseContentLength(value, length);
    case HEADER_ID_TRANSFER_ENCODING:
      return noteCodings(value, length);
    case HEADER_ID_CONNECTION:
      return noteConnection(value, length);
    case HEADER_ID_UPGRADE:
      return noteUpgrade(value, length);
    case HEADER_ID_EXPECT:
      return noteExpect(value, length);
    case HEADER_ID_TE:
      return noteTe(value, length);
    case HEADER_ID_CONTENT_TYPE:
      return noteContentType(value, length);
    case HEADER_ID_MAX_FORWARDS:
      return noteMaxForwards(value, length);
    default:
      return true;
  }
}

/**
 * Parses field lines and the empty line after them. Returns the byte after the head, or 0 with the reason in `stop`.
 * At most `maxRows` rows are written to `table`.
 */
export function parseFields(start: usize, end: usize, table: usize, maxRows: u32): usize {
  resetFraming();
  const lastRow = table + <usize>maxRows * HEADER_ROW_SIZE;
  let row = table;
  let cursor = start;
  while (cursor < end) {
    if (byteAt(cursor) == CR) {
      fieldCount = <u32>((row - table) / HEADER_ROW_SIZE);
      if ((fieldFlags & FIELD_NAMED_OPTIONS) != 0) markConnectionOptions(table, fieldCount);
      return parseCrlf(cursor, end);
    }
    const name = cursor;
    let hash = FNV_BASIS;
    while (cursor < end) {
      const lower = tokenLower(byteAt(cursor));
      if (lower == 0) break;
      store<u8>(cursor, lower);
      hash = (hash ^ lower) * FNV_PRIME;
      cursor++;
    }
    if (cursor >= end) return stopParse(STOP_INCOMPLETE);
    const nameLength = <u32>(cursor - name);
    if (nameLength == 0 || byteAt(cursor) != COLON) return stopParse(STOP_MALFORMED);
    cursor++;
    while (cursor < end && isSpace(byteAt(cursor))) cursor++;
    const value = cursor;
    const valueEnd = skipValue(cursor, end);
    cursor = parseCrlf(valueEnd, end);
    if (cursor == 0) return 0;
    if (row == lastRow) return stopParse(STOP_TOO_MANY);
    const valueLength = <u32>(trimEnd(value, valueEnd) - value);
    const id = findNameId(hash, name, nameLength);
    if (id != 0 && !noteField(id, value, valueLength)) return stopParse(STOP_MALFORMED);
    storeRow(row, name, nameLength, hash, id, value, valueLength);
    row += HEADER_ROW_SIZE;
  }
  return stopParse(STOP_INCOMPLETE);
}

// @ts-ignore: decorator
@inline
function trimEnd(start: usize, end: usize): usize {
  let cursor = end;
  while (cursor > start && isSpace(byteAt(cursor - 1))) cursor--;
  return cursor;
}
