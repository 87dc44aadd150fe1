// SPDX-License-Identifier: Apache-2.0
/**
 * Values of the fields that decide where a message ends and what happens to its connection -> flags and lengths of the
 * message being parsed (globals: a head is parsed in one call). The note functions return false where RFC 9112 6.3 calls
 * the framing invalid; where it lets a recipient repair (equal Content-Length lines, `5, 5`, codings before chunked), Weft
 * refuses too, since the next hop may repair differently.
 */
import { asciiLower, byteAt, COMMA, hashLower, hasClass, isSpace, SEMICOLON, sameIgnoringCase, tokenLower } from './bytes';
import {
  HEADER_FLAG_HOP_BY_HOP,
  HEADER_FLAGS,
  HEADER_ID_CONNECTION,
  HEADER_NAME_HASH,
  HEADER_NAME_ID,
  HEADER_NAME_LENGTH,
  HEADER_NAME_OFFSET,
  HEADER_ROW_SIZE,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
} from './layout';
import {
  CLASS_DIGIT,
  TEXT_CHUNKED,
  TEXT_CHUNKED_LENGTH,
  TEXT_CLOSE,
  TEXT_CLOSE_LENGTH,
  TEXT_CONTINUE,
  TEXT_CONTINUE_LENGTH,
  TEXT_GRPC,
  TEXT_GRPC_LENGTH,
  TEXT_H2C,
  TEXT_H2C_LENGTH,
  TEXT_KEEP_ALIVE,
  TEXT_KEEP_ALIVE_LENGTH,
  TEXT_TE,
  TEXT_TE_LENGTH,
  TEXT_TRAILERS,
  TEXT_TRAILERS_LENGTH,
  TEXT_UPGRADE,
  TEXT_UPGRADE_LENGTH,
  TEXT_WEBSOCKET,
  TEXT_WEBSOCKET_LENGTH,
} from './tables';

export const FIELD_HOST: u32 = 1;
export const FIELD_CONTENT_LENGTH: u32 = 2;
export const FIELD_CHUNKED: u32 = 4;
export const FIELD_CLOSE: u32 = 8;
export const FIELD_KEEP_ALIVE: u32 = 16;
/** Connection has the option `upgrade`. */
export const FIELD_UPGRADE_OPTION: u32 = 32;
/** Connection names fields to be dropped. */
export const FIELD_NAMED_OPTIONS: u32 = 64;
export const FIELD_UPGRADE: u32 = 128;
export const FIELD_WEBSOCKET: u32 = 256;
export const FIELD_CONTINUE: u32 = 512;
export const FIELD_TE_TRAILERS: u32 = 1024;
export const FIELD_GRPC: u32 = 2048;
/** A second Host line. */
export const FIELD_SECOND_HOST: u32 = 4096;
/** Max-Forwards is zero. */
export const FIELD_LAST_HOP: u32 = 8192;

/** Field names that Connection may list; more is refused, because each is looked for in the whole table. */
const MAX_NAMED_OPTIONS: u32 = 32;
/** Lengths above 2^53 - 1 are not exact in JavaScript; no body is that long. */
const MAX_CONTENT_LENGTH: u64 = 9007199254740991;

export let fieldFlags: u32 = 0;
export let contentLength: u64 = 0;
export let hostValue: usize = 0;
export let hostValueLength: u32 = 0;
let namedOptions: u32 = 0;

export function resetFraming(): void {
  fieldFlags = 0;
  contentLength = 0;
  hostValueLength = 0;
  namedOptions = 0;
}

export function noteHost(value: usize, length: u32): bool {
  if ((fieldFlags & FIELD_HOST) != 0) fieldFlags |= FIELD_SECOND_HOST;
  fieldFlags |= FIELD_HOST;
  hostValue = value;
  hostValueLength = length;
  return true;
}

/** RFC 9110 8.6: 1*DIGIT, once. */
export function parseContentLength(value: usize, length: u32): bool {
  if ((fieldFlags & FIELD_CONTENT_LENGTH) != 0 || length == 0) return false;
  let total: u64 = 0;
  for (let index: u32 = 0; index < length; index++) {
    const byte = byteAt(value + index);
    if (!hasClass(byte, CLASS_DIGIT)) return false;
    total = total * 10 + (byte - 0x30);
    if (total > MAX_CONTENT_LENGTH) return false;
  }
  contentLength = total;
  fieldFlags |= FIELD_CONTENT_LENGTH;
  return true;
}

/** Transfer-Encoding: exactly one line that is exactly `chunked`. */
export function noteCodings(value: usize, length: u32): bool {
  if ((fieldFlags & FIELD_CHUNKED) != 0) return false;
  fieldFlags |= FIELD_CHUNKED;
  return sameIgnoringCase(value, length, TEXT_CHUNKED, TEXT_CHUNKED_LENGTH);
}

/** Connection: options that Weft knows become flags, others name fields (RFC 9110 7.6.1). */
export function noteConnection(value: usize, length: u32): bool {
  const end = value + length;
  for (let start = nextOption(value, end); start < end; start = nextOption(optionEnd(start, end), end)) {
    const optionLength = <u32>(optionEnd(start, end) - start);
    if (sameIgnoringCase(start, optionLength, TEXT_KEEP_ALIVE, TEXT_KEEP_ALIVE_LENGTH)) {
      // In doubt the connection closes: `keep-alive x` is no option at all.
      if (isWholeElement(start, start + optionLength, value, end)) fieldFlags |= FIELD_KEEP_ALIVE;
    } else if (sameIgnoringCase(start, optionLength, TEXT_CLOSE, TEXT_CLOSE_LENGTH)) fieldFlags |= FIELD_CLOSE;
    else if (sameIgnoringCase(start, optionLength, TEXT_UPGRADE, TEXT_UPGRADE_LENGTH)) fieldFlags |= FIELD_UPGRADE_OPTION;
    else if (!sameIgnoringCase(start, optionLength, TEXT_TE, TEXT_TE_LENGTH)) {
      fieldFlags |= FIELD_NAMED_OPTIONS;
      if (++namedOptions > MAX_NAMED_OPTIONS) return false;
    }
  }
  return true;
}

/** Whether nothing but white space stands between [start, stop) and the commas or ends of the list around it. */
function isWholeElement(start: usize, stop: usize, value: usize, end: usize): bool {
  let before = start;
  while (before > value && isSpace(byteAt(before - 1))) before--;
  if (before > value && byteAt(before - 1) != COMMA) return false;
  let after = stop;
  while (after < end && isSpace(byteAt(after))) after++;
  return after == end || byteAt(after) == COMMA;
}

/** Start of the next list element at or after `start`: commas and white space skipped. */
function nextOption(start: usize, end: usize): usize {
  let cursor = start;
  while (cursor < end && (byteAt(cursor) == COMMA || isSpace(byteAt(cursor)))) cursor++;
  return cursor;
}

/** End of the element at `start`; one that is no token ends with its first other byte, which then counts as its own. */
function optionEnd(start: usize, end: usize): usize {
  let cursor = start;
  while (cursor < end && tokenLower(byteAt(cursor)) != 0) cursor++;
  return cursor == start ? cursor + 1 : cursor;
}

/** Marks the rows that Connection lines name, so that writers leave them out. */
export function markConnectionOptions(table: usize, count: u32): void {
  const tableEnd = table + <usize>count * HEADER_ROW_SIZE;
  for (let row = table; row < tableEnd; row += HEADER_ROW_SIZE) {
    if (load<u32>(row, HEADER_NAME_ID) != HEADER_ID_CONNECTION) continue;
    const value = <usize>load<u32>(row, HEADER_VALUE_OFFSET);
    const end = value + load<u32>(row, HEADER_VALUE_LENGTH);
    for (let start = nextOption(value, end); start < end; start = nextOption(optionEnd(start, end), end)) {
      markNamed(table, tableEnd, start, <u32>(optionEnd(start, end) - start));
    }
  }
}

function markNamed(table: usize, tableEnd: usize, option: usize, length: u32): void {
  const hash = hashLower(option, length);
  for (let row = table; row < tableEnd; row += HEADER_ROW_SIZE) {
    if (load<u32>(row, HEADER_NAME_HASH) != hash) continue;
    if (!sameIgnoringCase(option, length, load<u32>(row, HEADER_NAME_OFFSET), load<u32>(row, HEADER_NAME_LENGTH))) continue;
    store<u32>(row, HEADER_FLAG_HOP_BY_HOP, HEADER_FLAGS);
  }
}

/** Upgrade: an h2c offer counts as none (it is ignored, not refused), as Envoy treats it. */
export function noteUpgrade(value: usize, length: u32): bool {
  if (sameIgnoringCase(value, length, TEXT_H2C, TEXT_H2C_LENGTH)) return true;
  const again = (fieldFlags & FIELD_UPGRADE) != 0;
  fieldFlags |= FIELD_UPGRADE;
  if (!again && sameIgnoringCase(value, length, TEXT_WEBSOCKET, TEXT_WEBSOCKET_LENGTH)) fieldFlags |= FIELD_WEBSOCKET;
  else fieldFlags &= ~FIELD_WEBSOCKET;
  return true;
}

export function noteExpect(value: usize, length: u32): bool {
  if (sameIgnoringCase(value, length, TEXT_CONTINUE, TEXT_CONTINUE_LENGTH)) fieldFlags |= FIELD_CONTINUE;
  return true;
}

export function noteMaxForwards(value: usize, length: u32): bool {
  let zeros: u32 = 0;
  while (zeros < length && byteAt(value + zeros) == 0x30) zeros++;
  if (length != 0 && zeros == length) fieldFlags |= FIELD_LAST_HOP;
  return true;
}

export function isTrailersOnly(value: usize, length: u32): bool {
  return sameIgnoringCase(value, length, TEXT_TRAILERS, TEXT_TRAILERS_LENGTH);
}

export function noteTe(value: usize, length: u32): bool {
  if (isTrailersOnly(value, length)) fieldFlags |= FIELD_TE_TRAILERS;
  return true;
}

/** `application/grpc`, `application/grpc+proto`, `application/grpc; …`, but not `application/grpc-web`. */
export function noteContentType(value: usize, length: u32): bool {
  if (length < TEXT_GRPC_LENGTH || asciiLower(byteAt(value)) != 0x61) return true;
  if (!sameIgnoringCase(value, TEXT_GRPC_LENGTH, TEXT_GRPC, TEXT_GRPC_LENGTH)) return true;
  const next = length == TEXT_GRPC_LENGTH ? SEMICOLON : byteAt(value + TEXT_GRPC_LENGTH);
  if (next == SEMICOLON || next == 0x2b || isSpace(next)) fieldFlags |= FIELD_GRPC;
  return true;
}
