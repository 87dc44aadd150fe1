// SPDX-License-Identifier: Apache-2.0
/**
 * Request target -> path, query, authority (RFC 9112 3.2): origin-form, absolute-form, authority-form for CONNECT and `*`
 * for OPTIONS. What fits none of them is refused.
 */
import { asciiLower, byteAt, COLON, hasClass, sameIgnoringCase, SLASH } from './bytes';
import {
  METHOD_CONNECT,
  METHOD_OPTIONS,
  REQUEST_HAS_QUERY,
  REQUEST_PATH_LENGTH,
  REQUEST_PATH_OFFSET,
  REQUEST_QUERY_LENGTH,
  REQUEST_QUERY_OFFSET,
  REQUEST_TARGET_LENGTH,
  REQUEST_TARGET_OFFSET,
} from './layout';
import {
  CLASS_PATH,
  CLASS_TARGET,
  TEXT_ASTERISK,
  TEXT_HTTP,
  TEXT_HTTP_LENGTH,
  TEXT_HTTPS,
  TEXT_HTTPS_LENGTH,
  TEXT_SLASH,
} from './tables';

const ASTERISK: u32 = 0x2a;

/** Authority in the target (absolute-form, CONNECT); length 0 = the target has none. */
export let targetAuthority: usize = 0;
export let targetAuthorityLength: u32 = 0;
/** Port that the target's scheme implies; -1 for CONNECT, which has to name one. */
export let targetDefaultPort: i32 = 0;

let pathEnd: usize = 0;

/** End of the run of target bytes at `start`; the end of its path part goes to `pathEnd`. */
export function skipTarget(start: usize, end: usize): usize {
  let cursor = start;
  while (cursor < end && hasClass(byteAt(cursor), CLASS_PATH)) cursor++;
  pathEnd = cursor;
  while (cursor < end && hasClass(byteAt(cursor), CLASS_TARGET)) cursor++;
  return cursor;
}

/** Splits the target that skipTarget has just walked over into the request record; false refuses it. */
export function splitTarget(record: usize, start: usize, end: usize, method: u32): bool {
  targetAuthorityLength = 0;
  const hasQuery = pathEnd < end;
  store<u32>(record, <u32>start, REQUEST_TARGET_OFFSET);
  store<u32>(record, <u32>(end - start), REQUEST_TARGET_LENGTH);
  store<u32>(record, <u32>hasQuery, REQUEST_HAS_QUERY);
  store<u32>(record, <u32>(hasQuery ? pathEnd + 1 : end), REQUEST_QUERY_OFFSET);
  store<u32>(record, hasQuery ? <u32>(end - pathEnd - 1) : 0, REQUEST_QUERY_LENGTH);
  if (method == METHOD_CONNECT) return takeConnectTarget(record, start, end);
  if (byteAt(start) == SLASH) return storePath(record, start, <u32>(pathEnd - start));
  if (byteAt(start) == ASTERISK) {
    return end - start == 1 && method == METHOD_OPTIONS && storePath(record, start, 1);
  }
  return splitAbsoluteForm(record, start, method);
}

// @ts-ignore: decorator
@inline
function storePath(record: usize, path: usize, length: u32): bool {
  store<u32>(record, <u32>path, REQUEST_PATH_OFFSET);
  store<u32>(record, length, REQUEST_PATH_LENGTH);
  return true;
}

/** Authority-form (RFC 9112 3.2.3). It has no path; to routes it is `/`, so that what matches every path matches it. */
function takeConnectTarget(record: usize, start: usize, end: usize): bool {
  targetAuthority = start;
  targetAuthorityLength = <u32>(end - start);
  targetDefaultPort = -1;
  return storePath(record, TEXT_SLASH, 1);
}

/** `http://authority[/path]` or https; an empty path is `/`, and `*` for OPTIONS (RFC 9112 3.2.4). */
function splitAbsoluteForm(record: usize, start: usize, method: u32): bool {
  let cursor = start;
  while (cursor < pathEnd && asciiLower(byteAt(cursor)) - 0x61 < 26) cursor++;
  const schemeLength = <u32>(cursor - start);
  if (sameIgnoringCase(start, schemeLength, TEXT_HTTP, TEXT_HTTP_LENGTH)) targetDefaultPort = 80;
  else if (sameIgnoringCase(start, schemeLength, TEXT_HTTPS, TEXT_HTTPS_LENGTH)) targetDefaultPort = 443;
  else return false;
  if (pathEnd - cursor < 4 || byteAt(cursor) != COLON || byteAt(cursor + 1) != SLASH || byteAt(cursor + 2) != SLASH) {
    return false;
  }
  targetAuthority = cursor + 3;
  cursor = targetAuthority;
  while (cursor < pathEnd && byteAt(cursor) != SLASH) cursor++;
  targetAuthorityLength = <u32>(cursor - targetAuthority);
  if (targetAuthorityLength == 0) return false;
  if (cursor < pathEnd) return storePath(record, cursor, <u32>(pathEnd - cursor));
  const asterisk = method == METHOD_OPTIONS && load<u32>(record, REQUEST_HAS_QUERY) == 0;
  return storePath(record, asterisk ? TEXT_ASTERISK : TEXT_SLASH, 1);
}
