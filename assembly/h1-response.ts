// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes -> response record and header table: the head of an HTTP/1.1 response (RFC 9112 4, 5, 6.3). As strict as the
 * request parser, but every failure is the upstream's: FAILURE_UPSTREAM_PROTOCOL.
 */
import { byteAt, CR, hasClass, sameIgnoringCase, skipValue, SPACE } from './bytes';
import { fieldCount, parseCrlf, parseFields, stop, STOP_INCOMPLETE, STOP_MALFORMED, stopParse } from './fields';
import {
  contentLength,
  FIELD_CHUNKED,
  FIELD_CLOSE,
  FIELD_CONTENT_LENGTH,
  FIELD_KEEP_ALIVE,
  FIELD_NAMED_OPTIONS,
  FIELD_UPGRADE_OPTION,
  FIELD_WEBSOCKET,
  fieldFlags,
} from './framing';
import { findRow, nameHashOf, nameLengthOf, nameTextOf } from './headers';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  BODY_TUNNEL,
  BODY_UNTIL_CLOSE,
  DEFAULT_MAX_HEADERS,
  FAILURE_UPSTREAM_PROTOCOL,
  HEADER_ID_KEEP_ALIVE,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
  MAX_HEAD_BYTES,
  METHOD_CONNECT,
  METHOD_HEAD,
  RESPONSE_BODY_KIND,
  RESPONSE_CONTENT_LENGTH,
  RESPONSE_HEAD_LENGTH,
  RESPONSE_HEADER_COUNT,
  RESPONSE_KEEP_ALIVE,
  RESPONSE_KEEP_ALIVE_TIMEOUT,
  RESPONSE_NAMED_OPTIONS,
  RESPONSE_REASON_LENGTH,
  RESPONSE_REASON_OFFSET,
  RESPONSE_STATUS,
  RESPONSE_VERSION,
  SLAB_RESPONSE,
  SLAB_RESPONSE_HEADERS,
} from './layout';
import { CLASS_DIGIT, TEXT_HTTP_11, TEXT_TIMEOUT, TEXT_TIMEOUT_LENGTH } from './tables';
import { slab } from './thread';

const SWITCHING_PROTOCOLS: u32 = 101;
/** What a 101 must say to be a switch to WebSocket (RFC 9110 7.8, RFC 6455 4.2.2). */
const SWITCHED: u32 = FIELD_UPGRADE_OPTION | FIELD_WEBSOCKET;
/** Longest `Keep-Alive: timeout` taken at its word: a day. */
const MAX_KEEP_ALIVE_SECONDS: u32 = 86400;

/**
 * Parses the response head at `offset`; `length` bytes are there; `method` is the METHOD_* that it answers. Returns the
 * bytes of the head, 0 when it is not complete yet, or FAILURE_UPSTREAM_PROTOCOL (also for more than MAX_HEAD_BYTES or
 * DEFAULT_MAX_HEADERS fields). A 1xx head of HTTP/1.1 parses like any other; whether it was asked for is the caller's to know.
 */
export function parseResponseHead(offset: usize, length: u32, method: u32): i32 {
  const end = offset + min<u32>(length, MAX_HEAD_BYTES);
  const record = slab + SLAB_RESPONSE;
  const table = slab + SLAB_RESPONSE_HEADERS;
  let cursor = parseStatusLine(record, offset, end);
  if (cursor != 0) cursor = parseFields(cursor, end, table, DEFAULT_MAX_HEADERS);
  if (cursor == 0) return stop != STOP_INCOMPLETE || length >= <u32>MAX_HEAD_BYTES ? FAILURE_UPSTREAM_PROTOCOL : 0;
  if (!finishResponse(record, method)) return FAILURE_UPSTREAM_PROTOCOL;
  store<u32>(record, fieldCount, RESPONSE_HEADER_COUNT);
  store<u32>(record, <u32>(cursor - offset), RESPONSE_HEAD_LENGTH);
  store<u32>(record, keepAliveTimeout(table), RESPONSE_KEEP_ALIVE_TIMEOUT);
  return <i32>(cursor - offset);
}

/**
 * `HTTP/1.x SP 3DIGIT [SP reason] CRLF`; the reason may be missing with its space, as some servers send it. Codes from 600
 * on pass (RFC 9110 15 leaves them to the client); below 100 there is no class to treat them by.
 */
function parseStatusLine(record: usize, start: usize, end: usize): usize {
  for (let index: u32 = 0; index < 13; index++) {
    if (start + index >= end) return stopParse(STOP_INCOMPLETE);
    if (!fitsStatusLine(byteAt(start + index), index)) return stopParse(STOP_MALFORMED);
  }
  const hundreds = byteAt(start + 9) - 0x30;
  if (hundreds == 0) return stopParse(STOP_MALFORMED);
  store<u32>(record, hundreds * 100 + (byteAt(start + 10) - 0x30) * 10 + (byteAt(start + 11) - 0x30), RESPONSE_STATUS);
  store<u32>(record, 10 + byteAt(start + 7) - 0x30, RESPONSE_VERSION);
  const spaced = byteAt(start + 12) == SPACE;
  const reason = spaced ? start + 13 : start + 12;
  const reasonEnd = skipValue(reason, end);
  store<u32>(record, <u32>reason, RESPONSE_REASON_OFFSET);
  store<u32>(record, <u32>(reasonEnd - reason), RESPONSE_REASON_LENGTH);
  return parseCrlf(reasonEnd, end);
}

/** May this byte stand at `index` of a status line's first 13 bytes? */
// @ts-ignore: decorator
@inline
function fitsStatusLine(byte: u32, index: u32): bool {
  if (index < 7) return byte == byteAt(TEXT_HTTP_11 + index);
  if (index == 7) return byte - 0x30 < 2;
  if (index == 8) return byte == SPACE;
  if (index < 12) return hasClass(byte, CLASS_DIGIT);
  return byte == SPACE || byte == CR;
}

/**
 * Body and reuse by RFC 9112 6.3; false refuses. A response that may have no body but announces one leaves the connection
 * unusable: who sent `204` with chunks cannot be trusted to mean their absence.
 */
function finishResponse(record: usize, method: u32): bool {
  const seen = fieldFlags;
  const status = load<u32>(record, RESPONSE_STATUS);
  const old = load<u32>(record, RESPONSE_VERSION) == 10;
  const chunked = (seen & FIELD_CHUNKED) != 0;
  const sized = (seen & FIELD_CONTENT_LENGTH) != 0;
  if (chunked && (sized || old)) return false;
  // HTTP/1.0 has no interim answers (RFC 9110 15.2): one parser waits for the final one, another takes it for that.
  if (old && status < 200) return false;
  const tunnel = method == METHOD_CONNECT && status >= 200 && status < 300;
  const empty = status < 200 || status == 204 || tunnel;
  let keepAlive = (seen & FIELD_CLOSE) == 0 && (!old || (seen & FIELD_KEEP_ALIVE) != 0);
  let kind: u32 = BODY_UNTIL_CLOSE;
  if (empty || status == 304 || method == METHOD_HEAD) {
    kind = BODY_NONE;
    if (empty && (chunked || contentLength != 0)) keepAlive = false;
    if (status == SWITCHING_PROTOCOLS && (seen & SWITCHED) == SWITCHED) kind = BODY_TUNNEL;
  } else if (chunked) {
    kind = BODY_CHUNKED;
  } else if (sized) {
    kind = BODY_LENGTH;
  } else {
    keepAlive = false;
  }
  store<u32>(record, kind, RESPONSE_BODY_KIND);
  // What may have no content has no length to announce either (RFC 9110 8.6).
  store<f64>(record, sized && !empty ? <f64>contentLength : -1, RESPONSE_CONTENT_LENGTH);
  store<u32>(record, <u32>keepAlive, RESPONSE_KEEP_ALIVE);
  store<u32>(record, <u32>((seen & FIELD_NAMED_OPTIONS) != 0), RESPONSE_NAMED_OPTIONS);
  return true;
}

/** Seconds of `Keep-Alive: timeout=N` (RFC 2068 19.7.1), 0 when not said. */
function keepAliveTimeout(table: usize): u32 {
  const id = HEADER_ID_KEEP_ALIVE;
  const row = findRow(table, fieldCount, nameHashOf(id), nameTextOf(id), nameLengthOf(id));
  if (row == 0) return 0;
  const value = <usize>load<u32>(row, HEADER_VALUE_OFFSET);
  const end = value + load<u32>(row, HEADER_VALUE_LENGTH);
  for (let start = value; start + TEXT_TIMEOUT_LENGTH < end; start++) {
    if (!sameIgnoringCase(start, TEXT_TIMEOUT_LENGTH, TEXT_TIMEOUT, TEXT_TIMEOUT_LENGTH)) continue;
    let seconds: u32 = 0;
    for (let cursor = start + TEXT_TIMEOUT_LENGTH; cursor < end && hasClass(byteAt(cursor), CLASS_DIGIT); cursor++) {
      seconds = min<u32>(seconds * 10 + (byteAt(cursor) - 0x30), MAX_KEEP_ALIVE_SECONDS);
    }
    return seconds;
  }
  return 0;
}
