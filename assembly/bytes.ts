// SPDX-License-Identifier: Apache-2.0
/**
 * Byte ranges -> answers: character classes, comparison, hash, copy. Ranges are (absolute offset, length in bytes). Nothing
 * here reads or writes outside the range it is given, so ranges may end where memory ends.
 */
import { CHARACTER_CLASS, CLASS_VALUE, TOKEN_LOWER } from './tables';

export const HTAB: u32 = 9;
export const LF: u32 = 10;
export const CR: u32 = 13;
export const SPACE: u32 = 32;
export const PERCENT: u32 = 0x25;
export const COMMA: u32 = 0x2c;
export const DOT: u32 = 0x2e;
export const SLASH: u32 = 0x2f;
export const COLON: u32 = 0x3a;
export const SEMICOLON: u32 = 0x3b;
export const QUESTION: u32 = 0x3f;
export const BACKSLASH: u32 = 0x5c;

/** FNV-1a, 32 bits. */
export const FNV_BASIS: u32 = 0x811c9dc5;
export const FNV_PRIME: u32 = 0x01000193;

/**
 * Moves bytes within memory; the ranges may overlap. For the host, because V8's own copies between views of a shared memory
 * go by single words.
 */
export function moveBytes(to: usize, from: usize, length: u32): void {
  memory.copy(to, from, length);
}

const EACH_BYTE: u64 = 0x0101010101010101;
const TOP_BITS: u64 = 0x8080808080808080;

// @ts-ignore: decorator
@inline
export function byteAt(offset: usize): u32 {
  return load<u8>(offset);
}

// @ts-ignore: decorator
@inline
export function hasClass(byte: u32, bits: u32): bool {
  return ((<u32>load<u8>(CHARACTER_CLASS + byte)) & bits) != 0;
}

/** The byte in lower case when it is a token character (RFC 9110 5.6.2), else 0. */
// @ts-ignore: decorator
@inline
export function tokenLower(byte: u32): u32 {
  return load<u8>(TOKEN_LOWER + byte);
}

// @ts-ignore: decorator
@inline
export function isSpace(byte: u32): bool {
  return byte == SPACE || byte == HTAB;
}

// @ts-ignore: decorator
@inline
export function asciiLower(byte: u32): u32 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte;
}

/** The first byte from `cursor` on that may not stand in a field value (RFC 9110 5.5), or `end`. Eight bytes a step. */
// @ts-ignore: decorator
@inline
export function skipValue(start: usize, end: usize): usize {
  let cursor = start;
  while (cursor + 8 <= end) {
    const word = load<u64>(cursor);
    const deletes = word ^ (0x7f * EACH_BYTE);
    const stops = (((word - 0x20 * EACH_BYTE) & ~word) | ((deletes - EACH_BYTE) & ~deletes)) & TOP_BITS;
    if (stops == 0) {
      cursor += 8;
      continue;
    }
    // The lowest mark is exact; borrows make false marks above it only.
    cursor += <usize>(ctz(stops) >> 3);
    if (byteAt(cursor) != HTAB) return cursor;
    cursor++;
  }
  while (cursor < end && hasClass(byteAt(cursor), CLASS_VALUE)) cursor++;
  return cursor;
}

/** Equal when letters differ in case only; `text` is lower case. */
export function sameIgnoringCase(offset: usize, length: u32, text: usize, textLength: u32): bool {
  if (length != textLength) return false;
  for (let index: u32 = 0; index < length; index++) {
    if (asciiLower(byteAt(offset + index)) != byteAt(text + index)) return false;
  }
  return true;
}

export function sameBytes(offset: usize, length: u32, text: usize, textLength: u32): bool {
  if (length != textLength) return false;
  let index: u32 = 0;
  for (; index + 8 <= length; index += 8) {
    if (load<u64>(offset + index) != load<u64>(text + index)) return false;
  }
  for (; index < length; index++) {
    if (byteAt(offset + index) != byteAt(text + index)) return false;
  }
  return true;
}

/** FNV-1a of the range in lower case. */
export function hashLower(offset: usize, length: u32): u32 {
  let hash = FNV_BASIS;
  for (let index: u32 = 0; index < length; index++) {
    hash = (hash ^ asciiLower(byteAt(offset + index))) * FNV_PRIME;
  }
  return hash;
}

/**
 * Copies between ranges that do not overlap. By words, because memory.copy leaves compiled code for the runtime, which
 * costs more than most header lines; long ranges use it.
 */
export function copyBytes(to: usize, from: usize, length: u32): void {
  if (length >= 512) {
    memory.copy(to, from, length);
  } else if (length >= 8) {
    const last = length - 8;
    for (let index: u32 = 0; index < last; index += 8) store<u64>(to + index, load<u64>(from + index));
    store<u64>(to + last, load<u64>(from + last));
  } else if (length >= 4) {
    const last = length - 4;
    store<u32>(to, load<u32>(from));
    store<u32>(to + last, load<u32>(from + last));
  } else {
    for (let index: u32 = 0; index < length; index++) store<u8>(to + index, load<u8>(from + index));
  }
}
