// SPDX-License-Identifier: Apache-2.0
/** Byte strings (one character per byte) -> the hashes that the engine looks them up by; twins of assembly/bytes.ts. */

/** Text -> its UTF-8 bytes as a string of characters 0..255: string keys, sorting and slices then work on bytes. */
export function toByteString(text: string): string {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) > 0x7f) return Buffer.from(text, 'utf8').toString('latin1');
  }
  return text;
}

/** ASCII letters only, so that no byte of a longer UTF-8 sequence changes. */
export function foldBytes(bytes: string): string {
  return bytes.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

function rotateLeft15(value: number): number {
  return (value << 15) | (value >>> 17);
}

function mix(hash: number, word: number): number {
  return Math.imul(rotateLeft15(hash ^ Math.imul(word, 0x85ebca6b)), 0xc2b2ae35);
}

/** Hash of a key of the slot tables, as `hashKey` in the engine. */
export function hashKey(bytes: string): number {
  const { length } = bytes;
  let hash = Math.imul(length, 0x9e3779b1);
  for (let index = 0; index < length; index += 4) {
    let word = 0;
    const end = Math.min(4, length - index);
    for (let byte = 0; byte < end; byte++) word |= bytes.charCodeAt(index + byte) << (byte * 8);
    hash = mix(hash, word);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x7feb352d);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** FNV-1a, 32 bits: the hash of a header's name in header rows. */
export function hashHeaderName(bytes: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < bytes.length; index++) {
    hash = Math.imul(hash ^ bytes.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
