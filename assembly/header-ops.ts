// SPDX-License-Identifier: Apache-2.0
/**
 * Header operations of a route or weighted cluster (Istio's `headers`) -> which lines go out. No list of headers is built:
 * a line goes out unless an operation after it removes or replaces its name, and `set` and `add` write their own line. This
 * gives the same as running the operations one by one, since none of them can see more than names.
 *
 * Fields that belong to the connection or to framing cannot be touched: such operations have no effect.
 */
import { sameBytes } from './bytes';
import { tableBase } from './exchange-route';
import { partLength, partText, resolvePart } from './header-template';
import { findNameId, isConnectionField, nameHashOf, nameLengthOf, nameTextOf } from './headers';
import {
  HEADER_NAME_HASH,
  HEADER_NAME_LENGTH,
  HEADER_NAME_OFFSET,
  HEADER_OP_NAME_HASH,
  HEADER_OP_NAME_LENGTH,
  HEADER_OP_NAME_OFFSET,
  HEADER_OP_OP,
  HEADER_OP_PARTS_COUNT,
  HEADER_OP_PARTS_FIRST,
  HEADER_OP_SIZE,
  OP_ADD,
  OP_REMOVE,
  TABLE_HEADER_OPS,
  TABLE_TEMPLATE_PARTS,
  TEMPLATE_PART_SIZE,
} from './layout';
import { output, putBytes, putCrlf, putLine, putRow, putSeparator, rewindOutput } from './output';

/** The operations in force: absolute offset of the first, and of the byte after the last. */
let firstOp: usize = 0;
let lastOp: usize = 0;
let partsBase: usize = 0;
/** One more HEADER_ID_* that operations cannot set; 0 = none. */
let closedId: u32 = 0;

/** Takes operations `first`..`first + count` of the bound exchange's table into force; `closed` is a HEADER_ID_* or 0. */
export function beginOps(first: u32, count: u32, closed: u32): void {
  closedId = closed;
  firstOp = 0;
  lastOp = 0;
  if (count == 0) return;
  assert(first + count <= load<u32>(tableBase + TABLE_HEADER_OPS));
  firstOp = tableBase + load<u32>(tableBase + TABLE_HEADER_OPS, 4) + <usize>first * HEADER_OP_SIZE;
  lastOp = firstOp + <usize>count * HEADER_OP_SIZE;
  partsBase = tableBase + load<u32>(tableBase + TABLE_TEMPLATE_PARTS, 4);
}

/** A value that expands to nothing leaves the header as it was (Envoy keeps no empty headers from templates). */
function isEmptyValue(op: usize): bool {
  const part = partsBase + <usize>load<u32>(op, HEADER_OP_PARTS_FIRST) * TEMPLATE_PART_SIZE;
  const end = part + <usize>load<u32>(op, HEADER_OP_PARTS_COUNT) * TEMPLATE_PART_SIZE;
  for (let cursor = part; cursor < end; cursor += TEMPLATE_PART_SIZE) {
    resolvePart(cursor);
    if (partLength != 0) return false;
  }
  return true;
}

/** Does a line of this name, written before operation `from`, survive the operations from there on? */
function survives(hash: u32, name: usize, length: u32, from: usize): bool {
  for (let op = from; op < lastOp; op += HEADER_OP_SIZE) {
    if (load<u32>(op, HEADER_OP_NAME_HASH) != hash || load<u32>(op, HEADER_OP_OP) == OP_ADD) continue;
    const opName = tableBase + load<u32>(op, HEADER_OP_NAME_OFFSET);
    if (!sameBytes(opName, load<u32>(op, HEADER_OP_NAME_LENGTH), name, length)) continue;
    if (load<u32>(op, HEADER_OP_OP) == OP_REMOVE || !isEmptyValue(op)) return false;
  }
  return true;
}

/** Writes a row of a header table unless an operation takes it away. */
// @ts-ignore: decorator
@inline
export function putKeptRow(row: usize): void {
  if (firstOp != lastOp) {
    const name = <usize>load<u32>(row, HEADER_NAME_OFFSET);
    if (!survives(load<u32>(row, HEADER_NAME_HASH), name, load<u32>(row, HEADER_NAME_LENGTH), firstOp)) return;
  }
  putRow(row);
}

/** Does a line that the proxy adds itself survive? */
// @ts-ignore: decorator
@inline
export function keepsAdded(id: u32): bool {
  return firstOp == lastOp || survives(nameHashOf(id), nameTextOf(id), nameLengthOf(id), firstOp);
}

/** Writes a line of the proxy's own unless an operation takes it away. */
export function putKeptLine(id: u32, value: usize, length: u32): void {
  if (keepsAdded(id)) putLine(id, value, length);
}

/** Writes the lines of `set` and `add`. */
export function putOps(): void {
  for (let op = firstOp; op < lastOp; op += HEADER_OP_SIZE) {
    if (load<u32>(op, HEADER_OP_OP) == OP_REMOVE) continue;
    const hash = load<u32>(op, HEADER_OP_NAME_HASH);
    const name = tableBase + load<u32>(op, HEADER_OP_NAME_OFFSET);
    const length = load<u32>(op, HEADER_OP_NAME_LENGTH);
    const id = findNameId(hash, name, length);
    if (id != 0 && (id == closedId || isConnectionField(id))) continue;
    if (survives(hash, name, length, op + HEADER_OP_SIZE)) putOp(op, name, length);
  }
}

function putOp(op: usize, name: usize, length: u32): void {
  const start = output;
  putBytes(name, length);
  putSeparator();
  const valueStart = output;
  const part = partsBase + <usize>load<u32>(op, HEADER_OP_PARTS_FIRST) * TEMPLATE_PART_SIZE;
  const end = part + <usize>load<u32>(op, HEADER_OP_PARTS_COUNT) * TEMPLATE_PART_SIZE;
  for (let cursor = part; cursor < end; cursor += TEMPLATE_PART_SIZE) {
    resolvePart(cursor);
    putBytes(partText, partLength);
  }
  if (output == valueStart) rewindOutput(start);
  else putCrlf();
}
