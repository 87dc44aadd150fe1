// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes -> request record and header table: the head of an HTTP/1.1 request (RFC 9112 3, 5, 6). Strict: what is ambiguous
 * is refused, never repaired. An incomplete head is parsed again from its start when more has come; heads come whole
 * nearly always, and the limit of maxHeadBytes bounds the cost.
 */
import { authorityHostLength, authorityPort, parseAuthority, sameAuthority } from './authority';
import { byteAt, CR, hasClass, SPACE } from './bytes';
import { fieldCount, parseCrlf, parseFields, stop, STOP_INCOMPLETE, STOP_MALFORMED, STOP_TOO_MANY, stopParse } from './fields';
import {
  contentLength,
  FIELD_CHUNKED,
  FIELD_CLOSE,
  FIELD_CONTENT_LENGTH,
  FIELD_CONTINUE,
  FIELD_GRPC,
  FIELD_HOST,
  FIELD_KEEP_ALIVE,
  FIELD_LAST_HOP,
  FIELD_SECOND_HOST,
  FIELD_TE_TRAILERS,
  FIELD_UPGRADE,
  FIELD_UPGRADE_OPTION,
  FIELD_NAMED_OPTIONS,
  FIELD_WEBSOCKET,
  fieldFlags,
  hostValue,
  hostValueLength,
} from './framing';
import { copyLower } from './headers';
import {
  BODY_CHUNKED,
  BODY_LENGTH,
  BODY_NONE,
  FACT_DOWNSTREAM_TLS,
  FAILURE_BAD_REQUEST,
  FAILURE_HEAD_TOO_LARGE,
  FAILURE_MISSING_HOST,
  METHOD_CONNECT,
  METHOD_DELETE,
  METHOD_GET,
  METHOD_HEAD,
  METHOD_OPTIONS,
  METHOD_PATCH,
  METHOD_POST,
  METHOD_PUT,
  METHOD_TRACE,
  REQUEST_AUTHORITY_LENGTH,
  REQUEST_AUTHORITY_OFFSET,
  REQUEST_BODY_KIND,
  REQUEST_CONTENT_LENGTH,
  REQUEST_FLAG_CLOSE,
  REQUEST_FLAG_EXPECT_CONTINUE,
  REQUEST_FLAG_GRPC,
  REQUEST_FLAG_LAST_HOP,
  REQUEST_FLAG_TE_TRAILERS,
  REQUEST_FLAG_NAMED_OPTIONS,
  REQUEST_FLAG_UPGRADE,
  REQUEST_FLAG_WEBSOCKET,
  REQUEST_FLAGS,
  REQUEST_HEAD_LENGTH,
  REQUEST_HEADER_COUNT,
  REQUEST_HOST_LENGTH,
  REQUEST_HOST_OFFSET,
  REQUEST_METHOD_ID,
  REQUEST_METHOD_LENGTH,
  REQUEST_METHOD_OFFSET,
  REQUEST_SCHEME,
  REQUEST_VERSION,
  SCRATCH_HOST,
  SLAB_FACTS,
  SLAB_REQUEST,
  SLAB_REQUEST_HEADERS,
  SLAB_SCRATCH,
} from './layout';
import { CLASS_TOKEN, TEXT_HTTP_10, TEXT_HTTP_11 } from './tables';
import { skipTarget, splitTarget, targetAuthority, targetAuthorityLength, targetDefaultPort } from './target';
import { maxHeadBytes, maxRequestHeaders, slab } from './thread';

/**
 * Parses the request head at `offset`; `length` bytes are there. Returns the bytes of the head (one empty line before it
 * included, RFC 9112 2.2), 0 when it is not complete yet, FAILURE_BAD_REQUEST, FAILURE_MISSING_HOST (HTTP/1.1 without a
 * Host or with an empty one), or FAILURE_HEAD_TOO_LARGE (more than the control block's maxHeadBytes or maxRequestHeaders).
 *
 * HTTP/1.0 parses as version 10, whether or not the caller serves it. Host may be missing then. REQUEST_SCHEME is what the
 * connection says (FACT_DOWNSTREAM_TLS, set before this call), not what an absolute target claims. The record and the table
 * point into the bytes at `offset`: they hold as long as those stay.
 */
export function parseRequestHead(offset: usize, length: u32): i32 {
  const end = offset + min<u32>(length, maxHeadBytes);
  const record = slab + SLAB_REQUEST;
  let cursor = offset;
  if (cursor < end && byteAt(cursor) == CR) cursor = parseCrlf(cursor, end);
  else if (cursor == end) return 0;
  if (cursor != 0) cursor = parseRequestLine(record, cursor, end);
  if (cursor != 0) cursor = parseFields(cursor, end, slab + SLAB_REQUEST_HEADERS, maxRequestHeaders);
  if (cursor == 0) return refuse(length);
  const failure = finishHost(record);
  if (failure != 0) return failure;
  if (!finishFraming(record)) return FAILURE_BAD_REQUEST;
  store<u32>(record, fieldCount, REQUEST_HEADER_COUNT);
  store<u32>(record, <u32>(cursor - offset), REQUEST_HEAD_LENGTH);
  return <i32>(cursor - offset);
}

function refuse(length: u32): i32 {
  if (stop == STOP_TOO_MANY) return FAILURE_HEAD_TOO_LARGE;
  if (stop == STOP_MALFORMED) return FAILURE_BAD_REQUEST;
  return length >= maxHeadBytes ? FAILURE_HEAD_TOO_LARGE : 0;
}

/** `method SP target SP HTTP/1.x CRLF`, single spaces only. Returns the byte after it, or 0 with the reason in `stop`. */
function parseRequestLine(record: usize, start: usize, end: usize): usize {
  let cursor = start;
  while (cursor < end && hasClass(byteAt(cursor), CLASS_TOKEN)) cursor++;
  if (cursor >= end) return stopParse(STOP_INCOMPLETE);
  if (cursor == start || byteAt(cursor) != SPACE) return stopParse(STOP_MALFORMED);
  const methodLength = <u32>(cursor - start);
  const method = methodId(start, methodLength);
  store<u32>(record, <u32>start, REQUEST_METHOD_OFFSET);
  store<u32>(record, methodLength, REQUEST_METHOD_LENGTH);
  store<u32>(record, method, REQUEST_METHOD_ID);
  const target = cursor + 1;
  cursor = skipTarget(target, end);
  if (cursor >= end) return stopParse(STOP_INCOMPLETE);
  if (cursor == target || byteAt(cursor) != SPACE) return stopParse(STOP_MALFORMED);
  if (!splitTarget(record, target, cursor, method)) return stopParse(STOP_MALFORMED);
  const version = cursor + 1;
  for (let index: u32 = 0; index < 7; index++) {
    if (version + index >= end) return stopParse(STOP_INCOMPLETE);
    if (byteAt(version + index) != byteAt(TEXT_HTTP_11 + index)) return stopParse(STOP_MALFORMED);
  }
  if (version + 7 >= end) return stopParse(STOP_INCOMPLETE);
  if (byteAt(version + 7) == byteAt(TEXT_HTTP_11 + 7)) store<u32>(record, 11, REQUEST_VERSION);
  else if (byteAt(version + 7) == byteAt(TEXT_HTTP_10 + 7)) store<u32>(record, 10, REQUEST_VERSION);
  else return stopParse(STOP_MALFORMED);
  return parseCrlf(version + 8, end);
}

/** METHOD_* by the method's bytes (case-sensitive, RFC 9110 9.1), 0 for another. */
function methodId(offset: usize, length: u32): u32 {
  if (length < 3 || length > 7) return 0;
  const start = <u32>load<u16>(offset) | (<u32>load<u8>(offset, 2) << 16);
  if (length == 3) return start == 0x544547 ? METHOD_GET : start == 0x545550 ? METHOD_PUT : 0;
  const word = start | (<u32>load<u8>(offset, 3) << 24);
  if (length == 4) return word == 0x44414548 ? METHOD_HEAD : word == 0x54534f50 ? METHOD_POST : 0;
  const fifth = <u32>load<u8>(offset, 4);
  if (length == 5) {
    if (word == 0x43544150 && fifth == 0x48) return METHOD_PATCH;
    return word == 0x43415254 && fifth == 0x45 ? METHOD_TRACE : 0;
  }
  const sixth = <u32>load<u8>(offset, 5);
  if (length == 6) return word == 0x454c4544 && fifth == 0x54 && sixth == 0x45 ? METHOD_DELETE : 0;
  const tail = fifth | (sixth << 8) | (<u32>load<u8>(offset, 6) << 16);
  if (word == 0x4954504f && tail == 0x534e4f) return METHOD_OPTIONS;
  return word == 0x4e4e4f43 && tail == 0x544345 ? METHOD_CONNECT : 0;
}

/**
 * Settles authority and host; 0 or a failure. The target's authority replaces Host (RFC 9112 3.2.2), but only when both
 * say the same: a disagreement is how one request is routed by one hop and judged by another.
 */
function finishHost(record: usize): i32 {
  const version = load<u32>(record, REQUEST_VERSION);
  if ((fieldFlags & FIELD_SECOND_HOST) != 0) return FAILURE_BAD_REQUEST;
  if (version == 11 && ((fieldFlags & FIELD_HOST) == 0 || hostValueLength == 0)) return FAILURE_MISSING_HOST;
  let authority = hostValue;
  let length = hostValueLength;
  if (targetAuthorityLength != 0) {
    if (!parseAuthority(targetAuthority, targetAuthorityLength)) return FAILURE_BAD_REQUEST;
    const connect = targetDefaultPort < 0;
    if (connect && authorityPort <= 0) return FAILURE_BAD_REQUEST;
    // CONNECT names the tunnel's port; its Host may leave it out.
    const defaultPort = connect ? authorityPort : targetDefaultPort;
    const agrees = length == 0 || sameAuthority(targetAuthority, targetAuthorityLength, authority, length, defaultPort);
    if (!agrees) return FAILURE_BAD_REQUEST;
    authority = targetAuthority;
    length = targetAuthorityLength;
  }
  if (length != 0 && !parseAuthority(authority, length)) return FAILURE_BAD_REQUEST;
  const hostLength = length == 0 ? 0 : authorityHostLength;
  const host = slab + SLAB_SCRATCH + SCRATCH_HOST;
  copyLower(host, authority, hostLength);
  store<u32>(record, <u32>authority, REQUEST_AUTHORITY_OFFSET);
  store<u32>(record, length, REQUEST_AUTHORITY_LENGTH);
  store<u32>(record, <u32>host, REQUEST_HOST_OFFSET);
  store<u32>(record, hostLength, REQUEST_HOST_LENGTH);
  store<u32>(record, load<u32>(slab + SLAB_FACTS, FACT_DOWNSTREAM_TLS), REQUEST_SCHEME);
  return 0;
}

/**
 * Body and connection flags (RFC 9112 6.3, 9.3); false refuses. Both framings together, Transfer-Encoding in HTTP/1.0, and
 * any framing on CONNECT are refused. WEBSOCKET asks for a GET without a body (RFC 6455 4.1); other upgrades have UPGRADE
 * only, and HTTP/1.0 has neither (RFC 9110 7.8).
 */
function finishFraming(record: usize): bool {
  const seen = fieldFlags;
  const method = load<u32>(record, REQUEST_METHOD_ID);
  const old = load<u32>(record, REQUEST_VERSION) == 10;
  const chunked = (seen & FIELD_CHUNKED) != 0;
  const sized = (seen & FIELD_CONTENT_LENGTH) != 0;
  if (chunked && (sized || old)) return false;
  if (method == METHOD_CONNECT && (chunked || sized)) return false;
  store<u32>(record, chunked ? BODY_CHUNKED : sized ? BODY_LENGTH : BODY_NONE, REQUEST_BODY_KIND);
  store<f64>(record, sized ? <f64>contentLength : 0, REQUEST_CONTENT_LENGTH);
  let flags: u32 = 0;
  if ((seen & FIELD_CLOSE) != 0 || (old && (seen & FIELD_KEEP_ALIVE) == 0)) flags |= REQUEST_FLAG_CLOSE;
  if ((seen & FIELD_CONTINUE) != 0 && !old) flags |= REQUEST_FLAG_EXPECT_CONTINUE;
  if ((seen & FIELD_NAMED_OPTIONS) != 0) flags |= REQUEST_FLAG_NAMED_OPTIONS;
  if ((seen & FIELD_LAST_HOP) != 0 && method == METHOD_OPTIONS) flags |= REQUEST_FLAG_LAST_HOP;
  if ((seen & FIELD_GRPC) != 0) flags |= REQUEST_FLAG_GRPC;
  if ((seen & FIELD_TE_TRAILERS) != 0) flags |= REQUEST_FLAG_TE_TRAILERS;
  if ((seen & FIELD_UPGRADE) != 0 && (seen & FIELD_UPGRADE_OPTION) != 0 && !old) {
    flags |= REQUEST_FLAG_UPGRADE;
    const bodyless = !chunked && contentLength == 0;
    if ((seen & FIELD_WEBSOCKET) != 0 && method == METHOD_GET && bodyless) flags |= REQUEST_FLAG_WEBSOCKET;
  }
  store<u32>(record, flags, REQUEST_FLAGS);
  return true;
}
