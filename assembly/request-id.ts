// SPDX-License-Identifier: Apache-2.0
/** Random bits -> a version 4 UUID in text (RFC 9562 5.4), for x-request-id. */
import { random64 } from './thread';

export const UUID_LENGTH: u32 = 36;

const DASH: u32 = 0x2d;
const NIBBLES: u64 = 0x0f0f0f0f0f0f0f0f;
const EACH_BYTE: u64 = 0x0101010101010101;

/** Eight nibbles -> eight hex digits, all at once. The order of the nibbles does not matter here: they are random. */
// @ts-ignore: decorator
@inline
function hexDigits(bits: u32): u64 {
  const low = <u64>bits & 0x0f0f0f0f;
  const high = (<u64>bits >> 4) & 0x0f0f0f0f;
  const nibbles = low | (high << 32);
  const letters = ((nibbles + 6 * EACH_BYTE) >> 4) & EACH_BYTE;
  return (nibbles & NIBBLES) + 0x30 * EACH_BYTE + letters * 39;
}

/** Writes UUID_LENGTH bytes at `to`. */
export function writeUuid(to: usize): void {
  const first = random64();
  const second = random64();
  const middle = hexDigits(<u32>(first >> 32));
  const node = hexDigits(<u32>second);
  store<u64>(to, hexDigits(<u32>first));
  store<u8>(to, DASH, 8);
  store<u32>(to, <u32>middle, 9);
  store<u8>(to, DASH, 13);
  store<u32>(to, <u32>(middle >> 32), 14);
  store<u8>(to, DASH, 18);
  store<u32>(to, <u32>node, 19);
  store<u8>(to, DASH, 23);
  store<u32>(to, <u32>(node >> 32), 24);
  store<u64>(to, hexDigits(<u32>(second >> 32)), 28);
  store<u8>(to, 0x34, 14);
  // Variant: one of 8, 9, a, b, by two bits of the digit that the version has just replaced.
  const variant = <u32>(first >> 36) & 3;
  store<u8>(to, variant < 2 ? 0x38 + variant : 0x5f + variant, 19);
}
