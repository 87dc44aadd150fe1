// SPDX-License-Identifier: Apache-2.0
/**
 * `host[:port]` of Host or a request target -> host, port, or refusal (RFC 9110 7.2, RFC 3986 3.2.2). User information,
 * percent-encoded hosts, IPv6 zone ids and future address forms are refused: nothing that a mesh routes by has them, and
 * parsers disagree about them.
 */
import { asciiLower, byteAt, COLON, DOT, hasClass } from './bytes';
import { CLASS_DIGIT, CLASS_HEX, CLASS_HOST } from './tables';

const OPEN_BRACKET: u32 = 0x5b;
const CLOSE_BRACKET: u32 = 0x5d;
const MAX_PORT: u32 = 65535;

/** Bytes of the host of the last authority parsed, brackets included. */
export let authorityHostLength: u32 = 0;
/** Port of the last authority parsed, -1 when absent or empty. */
export let authorityPort: i32 = -1;

/** Checks an authority and splits it into the two globals; false refuses it. */
export function parseAuthority(offset: usize, length: u32): bool {
  authorityPort = -1;
  if (length == 0) return false;
  const end = offset + length;
  const hostEnd = byteAt(offset) == OPEN_BRACKET ? skipIpLiteral(offset, end) : skipName(offset, end);
  if (hostEnd == offset) return false;
  authorityHostLength = <u32>(hostEnd - offset);
  if (hostEnd == end) return true;
  return byteAt(hostEnd) == COLON && parsePort(hostEnd + 1, end);
}

// @ts-ignore: decorator
@inline
function skipName(offset: usize, end: usize): usize {
  let cursor = offset;
  while (cursor < end && hasClass(byteAt(cursor), CLASS_HOST)) cursor++;
  return cursor;
}

/** End of `[…]`, or `offset` when it cannot be an IPv6 address: other bytes than hex, colon and dot, or too few colons. */
function skipIpLiteral(offset: usize, end: usize): usize {
  let cursor = offset + 1;
  let colons: u32 = 0;
  while (cursor < end && byteAt(cursor) != CLOSE_BRACKET) {
    const byte = byteAt(cursor);
    if (byte == COLON) colons++;
    else if (byte != DOT && !hasClass(byte, CLASS_HEX)) return offset;
    cursor++;
  }
  return cursor < end && colons >= 2 && colons <= 7 ? cursor + 1 : offset;
}

/** *DIGIT (RFC 3986 3.2.3), at most 65535; an empty port is an absent one. */
function parsePort(start: usize, end: usize): bool {
  let port: u32 = 0;
  for (let cursor = start; cursor < end; cursor++) {
    if (!hasClass(byteAt(cursor), CLASS_DIGIT)) return false;
    port = port * 10 + (byteAt(cursor) - 0x30);
    if (port > MAX_PORT) return false;
  }
  if (start < end) authorityPort = <i32>port;
  return true;
}

/**
 * Do two authorities name the same host and port? Hosts without case; an absent port is `defaultPort`. Both must have
 * parsed before.
 */
export function sameAuthority(first: usize, firstLength: u32, second: usize, secondLength: u32, defaultPort: i32): bool {
  if (!parseAuthority(first, firstLength)) return false;
  const hostLength = authorityHostLength;
  const port = authorityPort < 0 ? defaultPort : authorityPort;
  if (!parseAuthority(second, secondLength) || authorityHostLength != hostLength) return false;
  if ((authorityPort < 0 ? defaultPort : authorityPort) != port) return false;
  for (let index: u32 = 0; index < hostLength; index++) {
    if (asciiLower(byteAt(first + index)) != asciiLower(byteAt(second + index))) return false;
  }
  return true;
}
