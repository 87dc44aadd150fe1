// SPDX-License-Identifier: Apache-2.0
/**
 * Bytes of a client that can't be used yet -> a buffer that grows at its end. A client that sends a byte at a time must not
 * make the proxy copy all that came before with each of them, so the memory is doubled when it is full.
 */

/** A copy of bytes that are about to change, in memory of its own: appendBytes may write behind it. */
export function keepBytes(bytes: Uint8Array): Buffer {
  const kept = Buffer.allocUnsafeSlow(bytes.length);
  kept.set(bytes);
  return kept;
}

/** `kept` (of keepBytes or appendBytes, or an end part of it) and `bytes`; `kept` is not to be used afterwards. */
export function appendBytes(kept: Buffer, bytes: Uint8Array): Buffer {
  if (kept.length === 0) return keepBytes(bytes);
  const end = kept.byteOffset + kept.length;
  const length = kept.length + bytes.length;
  if (end + bytes.length > kept.buffer.byteLength) {
    const grown = Buffer.allocUnsafeSlow(length * 2);
    grown.set(kept);
    grown.set(bytes, kept.length);
    return grown.subarray(0, length);
  }
  const whole = Buffer.from(kept.buffer, kept.byteOffset, length);
  whole.set(bytes, kept.length);
  return whole;
}
