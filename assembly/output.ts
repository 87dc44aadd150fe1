// SPDX-License-Identifier: Apache-2.0
/**
 * Pieces -> one head in a bounded region. Each put checks the room that is left; once something did not fit, the head is
 * spoilt and endOutput says so, so that callers need no check of their own.
 */
import { copyBytes } from './bytes';
import { nameLengthOf, nameTextOf } from './headers';
import {
  FAILURE_OUTPUT_FULL,
  HEADER_NAME_LENGTH,
  HEADER_NAME_OFFSET,
  HEADER_VALUE_LENGTH,
  HEADER_VALUE_OFFSET,
  SCRATCH_NUMBER,
  SLAB_SCRATCH,
} from './layout';
import { TEXT_CRLF, TEXT_CRLF_LENGTH, TEXT_SEPARATOR, TEXT_SEPARATOR_LENGTH } from './tables';
import { slab } from './thread';

/** `: ` and CRLF as they lie in memory, read as one little-endian number. */
const SEPARATOR_WORD: u32 = 0x203a;
const CRLF_WORD: u32 = 0x0a0d;
const MAX_DIGITS: u32 = 20;

let outputStart: usize = 0;
let outputEnd: usize = 0;
let full: bool = false;
/** Next byte to write. */
export let output: usize = 0;

// Lines that lie one after another in the source as they would be written: copied together by flushRun.
let runStart: usize = 0;
let runEnd: usize = 0;

/** Where and how long the last text of formatNumber is. */
export let numberText: usize = 0;
export let numberLength: u32 = 0;

export function beginOutput(offset: usize, capacity: u32): void {
  outputStart = offset;
  output = offset;
  outputEnd = offset + capacity;
  full = false;
  runStart = 0;
  runEnd = 0;
}

/** Bytes written, or FAILURE_OUTPUT_FULL. */
export function endOutput(): i32 {
  return full ? FAILURE_OUTPUT_FULL : <i32>(output - outputStart);
}

/** Takes back what was written since `output` was `position`. */
export function rewindOutput(position: usize): void {
  output = position;
}

export function putBytes(from: usize, length: u32): void {
  if (<u32>(outputEnd - output) < length) {
    full = true;
    return;
  }
  copyBytes(output, from, length);
  output += length;
}

// @ts-ignore: decorator
@inline
export function putSeparator(): void {
  putBytes(TEXT_SEPARATOR, TEXT_SEPARATOR_LENGTH);
}

// @ts-ignore: decorator
@inline
export function putCrlf(): void {
  putBytes(TEXT_CRLF, TEXT_CRLF_LENGTH);
}

/** Decimal digits of `value`, into `numberText` and `numberLength`; they hold until the next call. */
export function formatNumber(value: u64): void {
  const end = slab + SLAB_SCRATCH + SCRATCH_NUMBER + MAX_DIGITS;
  let cursor = end;
  let rest = value;
  do {
    cursor--;
    store<u8>(cursor, 0x30 + <u32>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  numberText = cursor;
  numberLength = <u32>(end - cursor);
}

export function putNumber(value: u64): void {
  formatNumber(value);
  putBytes(numberText, numberLength);
}

/** `name: value CRLF` for a HEADER_ID_*. */
export function putLine(id: u32, value: usize, length: u32): void {
  putBytes(nameTextOf(id), nameLengthOf(id));
  putSeparator();
  putBytes(value, length);
  putCrlf();
}

/**
 * Writes a header row. A line whose bytes stand in the source just as they would be written joins the run before it: an
 * ordinary head goes out in a few long copies.
 */
export function putRow(row: usize): void {
  const name = <usize>load<u32>(row, HEADER_NAME_OFFSET);
  const nameEnd = name + load<u32>(row, HEADER_NAME_LENGTH);
  const value = <usize>load<u32>(row, HEADER_VALUE_OFFSET);
  const valueEnd = value + load<u32>(row, HEADER_VALUE_LENGTH);
  const plain = value == nameEnd + 2 && load<u16>(nameEnd) == SEPARATOR_WORD && load<u16>(valueEnd) == CRLF_WORD;
  if (plain && name == runEnd) {
    runEnd = valueEnd + 2;
    return;
  }
  flushRun();
  if (plain) {
    runStart = name;
    runEnd = valueEnd + 2;
    return;
  }
  putBytes(name, <u32>(nameEnd - name));
  putSeparator();
  putBytes(value, <u32>(valueEnd - value));
  putCrlf();
}

/** Writes the pending run of rows; to be called before anything else is put. */
export function flushRun(): void {
  if (runEnd != runStart) putBytes(runStart, <u32>(runEnd - runStart));
  runStart = 0;
  runEnd = 0;
}
