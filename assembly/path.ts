// SPDX-License-Identifier: Apache-2.0
/**
 * REQUEST_PATH -> its normal form, before matching (Istio's `pathNormalization`, RFC 3986 6.2.2). A path that is normal
 * already, which is nearly every path, is only looked at. Others are written to scratch.
 *
 * Refused rather than guessed at: `..` above the root, an incomplete or malformed percent-escape, and `%00`, as what comes
 * after those is read differently by the server behind.
 */
import { BACKSLASH, byteAt, DOT, hasClass, PERCENT, SLASH } from './bytes';
import {
  FAILURE_PATH_NORMALIZATION,
  REQUEST_PATH_LENGTH,
  REQUEST_PATH_OFFSET,
  SCRATCH_PATH,
  SLAB_REQUEST,
  SLAB_SCRATCH,
} from './layout';
import { CLASS_DIGIT, CLASS_HEX, CLASS_UNRESERVED } from './tables';
import { slab } from './thread';

const MODE_NONE: u32 = 0;
const MODE_MERGE_SLASHES: u32 = 2;
const MODE_DECODE_AND_MERGE_SLASHES: u32 = 3;

/**
 * Normalises REQUEST_PATH: 0 NONE, 1 BASE (dot segments, unreserved escapes decoded, hex in upper case, `\` is `/`),
 * 2 MERGE_SLASHES (BASE, then `//` is `/`), 3 DECODE_AND_MERGE_SLASHES (`%2F` and `%5C` are `/` first). Returns 0 or
 * FAILURE_PATH_NORMALIZATION. Paths that do not begin with a slash (`*`, CONNECT) are left alone.
 */
export function normalizePath(mode: u32): i32 {
  const record = slab + SLAB_REQUEST;
  const path = <usize>load<u32>(record, REQUEST_PATH_OFFSET);
  const length = load<u32>(record, REQUEST_PATH_LENGTH);
  if (mode == MODE_NONE || length == 0 || byteAt(path) != SLASH) return 0;
  if (isNormal(path, length, mode >= MODE_MERGE_SLASHES)) return 0;
  const out = slab + SLAB_SCRATCH + SCRATCH_PATH;
  let normal = canonicalize(path, length, out, mode == MODE_DECODE_AND_MERGE_SLASHES);
  if (normal > 0) normal = removeDotSegments(out, normal);
  if (normal <= 0) return FAILURE_PATH_NORMALIZATION;
  if (mode >= MODE_MERGE_SLASHES) normal = mergeSlashes(out, normal);
  store<u32>(record, <u32>out, REQUEST_PATH_OFFSET);
  store<u32>(record, <u32>normal, REQUEST_PATH_LENGTH);
  return 0;
}

/** No escape, backslash or dot segment, and no empty segment where those are merged. */
function isNormal(path: usize, length: u32, merge: bool): bool {
  let previous: u32 = 0;
  for (let index: u32 = 0; index < length; index++) {
    const byte = byteAt(path + index);
    if (byte == PERCENT || byte == BACKSLASH) return false;
    if (previous == SLASH && (byte == DOT || (merge && byte == SLASH))) return false;
    previous = byte;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function hexValue(byte: u32): u32 {
  return hasClass(byte, CLASS_DIGIT) ? byte - 0x30 : (byte | 0x20) - 0x57;
}

// @ts-ignore: decorator
@inline
function upperHex(byte: u32): u32 {
  return byte - 0x61 < 6 ? byte - 0x20 : byte;
}

/** Escapes and backslashes; the result is never longer than the source. Returns its length, or -1 for a bad escape. */
function canonicalize(path: usize, length: u32, out: usize, decodeSlashes: bool): i32 {
  let written: u32 = 0;
  for (let index: u32 = 0; index < length; index++) {
    const byte = byteAt(path + index);
    if (byte != PERCENT) {
      store<u8>(out + written++, byte == BACKSLASH ? SLASH : byte);
      continue;
    }
    if (index + 2 >= length) return -1;
    const high = byteAt(path + index + 1);
    const low = byteAt(path + index + 2);
    if (!hasClass(high, CLASS_HEX) || !hasClass(low, CLASS_HEX)) return -1;
    index += 2;
    const value = (hexValue(high) << 4) | hexValue(low);
    if (value == 0) return -1;
    if (decodeSlashes && (value == SLASH || value == BACKSLASH)) {
      store<u8>(out + written++, SLASH);
    } else if (hasClass(value, CLASS_UNRESERVED)) {
      store<u8>(out + written++, value);
    } else {
      store<u8>(out + written++, PERCENT);
      store<u8>(out + written++, upperHex(high));
      store<u8>(out + written++, upperHex(low));
    }
  }
  return <i32>written;
}

/** RFC 3986 5.2.4, in place. Returns the new length, or -1 when `..` climbs above the root. */
function removeDotSegments(path: usize, length: i32): i32 {
  let written = 0;
  let cursor = 0;
  while (cursor < length) {
    let end = cursor + 1;
    while (end < length && byteAt(path + end) != SLASH) end++;
    const size = end - cursor - 1;
    const dots = size > 0 && size <= 2 && byteAt(path + cursor + 1) == DOT && byteAt(path + end - 1) == DOT;
    if (!dots) {
      if (written != cursor) memory.copy(path + written, path + cursor, end - cursor);
      written += end - cursor;
    } else {
      if (size == 2) {
        if (written == 0) return -1;
        do written--;
        while (byteAt(path + written) != SLASH);
      }
      if (end == length) store<u8>(path + written++, SLASH);
    }
    cursor = end;
  }
  return written;
}

/** Runs of slashes to one, in place. Returns the new length. */
function mergeSlashes(path: usize, length: i32): i32 {
  let written = 0;
  for (let cursor = 0; cursor < length; cursor++) {
    const byte = byteAt(path + cursor);
    if (byte == SLASH && written > 0 && byteAt(path + written - 1) == SLASH) continue;
    store<u8>(path + written++, byte);
  }
  return written;
}
