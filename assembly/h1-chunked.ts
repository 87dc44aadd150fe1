// SPDX-License-Identifier: Apache-2.0
/**
 * Chunked body bytes -> payload, in place (RFC 9112 7.1). The state lies in the connection record, so input may be cut
 * anywhere. Extensions are checked, bounded and dropped; of trailers it is said where they lie, once they have been checked
 * and counted in the same way: whether they go on is for the caller.
 */
import { BACKSLASH, byteAt, COLON, CR, hasClass, isSpace, LF, SEMICOLON } from './bytes';
import {
  CONNECTION_CHUNK_REMAINING,
  CONNECTION_CHUNK_STATE,
  CONNECTION_CHUNK_TRAILER_BYTES,
  CONNECTION_SIZE,
  FAILURE_UPSTREAM_PROTOCOL,
  RESULT_CONSUMED,
  RESULT_DONE,
  RESULT_TRAILERS_LENGTH,
  RESULT_TRAILERS_OFFSET,
  SLAB_RESULT,
} from './layout';
import { CLASS_DIGIT, CLASS_HEX, CLASS_TOKEN, CLASS_VALUE } from './tables';
import { connections, slab } from './thread';

const SIZE_START: u32 = 0;
const SIZE: u32 = 1;
const SIZE_SPACE: u32 = 2;
/** After the semicolon, before the extension's name. */
const EXTENSION: u32 = 3;
const SIZE_LF: u32 = 4;
const DATA: u32 = 5;
const DATA_CR: u32 = 6;
const DATA_LF: u32 = 7;
const TRAILER_START: u32 = 8;
const TRAILER_NAME: u32 = 9;
const TRAILER_VALUE: u32 = 10;
const TRAILER_LF: u32 = 11;
const END_LF: u32 = 12;
const EXTENSION_NAME: u32 = 13;
/** White space behind a name: an equals sign or a semicolon has to follow. */
const EXTENSION_NAME_SPACE: u32 = 14;
const EXTENSION_VALUE_START: u32 = 15;
const EXTENSION_VALUE: u32 = 16;
const QUOTED: u32 = 17;
const QUOTED_ESCAPE: u32 = 18;
const QUOTED_END: u32 = 19;
/** The message is over; only within a call, a finished record is back at SIZE_START. */
const DONE: u32 = 20;
/** After malformed framing nothing can be found in the stream any more. */
const BROKEN: u32 = 21;

const QUOTE: u32 = 0x22;
const EQUALS: u32 = 0x3d;

/** Bytes of one chunk's size line, and of all trailers; nobody needs more, and they are work without payload. */
const MAX_SIZE_LINE_BYTES: u32 = 4096;
const MAX_TRAILER_BYTES: u32 = 8192;
/** A size that another hex digit would take beyond 2^53. */
const MAX_SIZE_BEFORE_DIGIT: f64 = 562949953421311;

let remaining: f64 = 0;
/** Bytes of the size line or of the trailers so far. */
let overhead: u32 = 0;

/**
 * Decodes `length` bytes at `offset` of the message on `connection` (index of a connection record, zeroed before the first
 * message). Payload is moved together at `offset`. Returns its bytes; RESULT_CONSUMED says how much input was taken,
 * RESULT_DONE is 1 when the message has ended (what follows in the input is the next message, and the record is ready for
 * it). RESULT_TRAILERS_OFFSET and _LENGTH are the part of the trailer section (field lines and the empty line) in this input.
 * FAILURE_UPSTREAM_PROTOCOL for malformed framing and on every later call; for a client's body the caller reads it as
 * FAILURE_BAD_REQUEST.
 */
export function decodeChunked(connection: u32, offset: usize, length: u32): i32 {
  const record = connections + <usize>connection * CONNECTION_SIZE;
  const end = offset + length;
  let state = load<u32>(record, CONNECTION_CHUNK_STATE);
  remaining = load<f64>(record, CONNECTION_CHUNK_REMAINING);
  overhead = load<u32>(record, CONNECTION_CHUNK_TRAILER_BYTES);
  let cursor = offset;
  let payload: u32 = 0;
  let trailers: usize = state >= TRAILER_START && state <= END_LF ? offset : 0;
  while (cursor < end && state < DONE) {
    if (state == DATA) {
      const available = <u32>(end - cursor);
      const taken = remaining < <f64>available ? <u32>remaining : available;
      if (cursor != offset + payload) memory.copy(offset + payload, cursor, taken);
      payload += taken;
      cursor += taken;
      remaining -= <f64>taken;
      if (remaining == 0) state = DATA_CR;
    } else {
      state = step(state, byteAt(cursor));
      cursor++;
      if (state == TRAILER_START && trailers == 0) trailers = cursor;
    }
  }
  const done = state == DONE;
  store<u32>(record, done ? SIZE_START : state, CONNECTION_CHUNK_STATE);
  store<f64>(record, remaining, CONNECTION_CHUNK_REMAINING);
  store<u32>(record, done ? 0 : overhead, CONNECTION_CHUNK_TRAILER_BYTES);
  store<u32>(slab + SLAB_RESULT, <u32>(cursor - offset), RESULT_CONSUMED);
  store<u32>(slab + SLAB_RESULT, <u32>done, RESULT_DONE);
  store<u32>(slab + SLAB_RESULT, <u32>trailers, RESULT_TRAILERS_OFFSET);
  store<u32>(slab + SLAB_RESULT, trailers == 0 ? 0 : <u32>(cursor - trailers), RESULT_TRAILERS_LENGTH);
  return state == BROKEN ? FAILURE_UPSTREAM_PROTOCOL : <i32>payload;
}

/** The state after one byte of framing. */
function step(state: u32, byte: u32): u32 {
  switch (state) {
    case SIZE_START:
      remaining = 0;
      overhead = 0;
      return hasClass(byte, CLASS_HEX) ? addDigit(byte) : BROKEN;
    case SIZE:
      if (hasClass(byte, CLASS_HEX)) return addDigit(byte);
      return byte == CR ? SIZE_LF : byte == SEMICOLON ? EXTENSION : isSpace(byte) ? count(SIZE_SPACE) : BROKEN;
    // White space after the size belongs to an extension (BWS, RFC 9112 7.1.1) or is malformed.
    case SIZE_SPACE:
      return byte == SEMICOLON ? count(EXTENSION) : isSpace(byte) ? count(SIZE_SPACE) : BROKEN;
    case SIZE_LF:
      overhead = 0;
      return byte != LF ? BROKEN : remaining == 0 ? TRAILER_START : DATA;
    case DATA_CR:
      return byte == CR ? DATA_LF : BROKEN;
    case DATA_LF:
      return byte == LF ? SIZE_START : BROKEN;
    default:
      return state == EXTENSION || state >= EXTENSION_NAME ? stepExtension(state, byte) : stepTrailer(state, byte);
  }
}

/** The grammar of extensions exactly (RFC 9112 7.1.1), because parsers that skip them differ in where they see the end. */
function stepExtension(state: u32, byte: u32): u32 {
  switch (state) {
    case EXTENSION:
      return isSpace(byte) ? count(EXTENSION) : hasClass(byte, CLASS_TOKEN) ? count(EXTENSION_NAME) : BROKEN;
    case EXTENSION_NAME:
      if (hasClass(byte, CLASS_TOKEN)) return count(EXTENSION_NAME);
      if (byte == EQUALS) return count(EXTENSION_VALUE_START);
      return isSpace(byte) ? count(EXTENSION_NAME_SPACE) : endExtension(byte);
    case EXTENSION_NAME_SPACE:
      if (byte == EQUALS) return count(EXTENSION_VALUE_START);
      return byte == SEMICOLON ? count(EXTENSION) : isSpace(byte) ? count(EXTENSION_NAME_SPACE) : BROKEN;
    case EXTENSION_VALUE_START:
      if (byte == QUOTE) return count(QUOTED);
      return isSpace(byte) ? count(state) : hasClass(byte, CLASS_TOKEN) ? count(EXTENSION_VALUE) : BROKEN;
    case EXTENSION_VALUE:
      return hasClass(byte, CLASS_TOKEN) ? count(EXTENSION_VALUE) : endExtension(byte);
    case QUOTED:
      if (byte == QUOTE) return count(QUOTED_END);
      return byte == BACKSLASH ? count(QUOTED_ESCAPE) : hasClass(byte, CLASS_VALUE) ? count(QUOTED) : BROKEN;
    case QUOTED_ESCAPE:
      return hasClass(byte, CLASS_VALUE) ? count(QUOTED) : BROKEN;
    default:
      return endExtension(byte);
  }
}

// @ts-ignore: decorator
@inline
function endExtension(byte: u32): u32 {
  return byte == CR ? SIZE_LF : byte == SEMICOLON ? count(EXTENSION) : isSpace(byte) ? count(SIZE_SPACE) : BROKEN;
}

function stepTrailer(state: u32, byte: u32): u32 {
  if (++overhead > MAX_TRAILER_BYTES) return BROKEN;
  switch (state) {
    case TRAILER_START:
      return byte == CR ? END_LF : hasClass(byte, CLASS_TOKEN) ? TRAILER_NAME : BROKEN;
    case TRAILER_NAME:
      return byte == COLON ? TRAILER_VALUE : hasClass(byte, CLASS_TOKEN) ? TRAILER_NAME : BROKEN;
    case TRAILER_VALUE:
      return byte == CR ? TRAILER_LF : hasClass(byte, CLASS_VALUE) ? TRAILER_VALUE : BROKEN;
    case TRAILER_LF:
      return byte == LF ? TRAILER_START : BROKEN;
    default:
      return byte == LF ? DONE : BROKEN;
  }
}

// @ts-ignore: decorator
@inline
function addDigit(byte: u32): u32 {
  if (remaining > MAX_SIZE_BEFORE_DIGIT) return BROKEN;
  const digit = hasClass(byte, CLASS_DIGIT) ? byte - 0x30 : (byte | 0x20) - 0x57;
  remaining = remaining * 16 + <f64>digit;
  return count(SIZE);
}

// @ts-ignore: decorator
@inline
function count(state: u32): u32 {
  return ++overhead > MAX_SIZE_LINE_BYTES ? BROKEN : state;
}
