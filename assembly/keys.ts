// SPDX-License-Identifier: Apache-2.0
/**
 * Byte strings compared, lower-cased and hashed a machine word at a time. Case folding is ASCII only, as Envoy's is
 * (ignore_case on paths). `hashKey` must equal its twin in src/rules/key-hash.ts.
 */

/** Lower-cases the ASCII letters among four bytes: bit 7 marks bytes in A..Z, moved down it becomes the case bit. */
// @ts-ignore: decorator
@inline
export function foldWord(word: u32): u32 {
  const low = word & 0x7f7f7f7f;
  const fromA = low + 0x3f3f3f3f;
  const aboveZ = low + 0x25252525;
  const upper = fromA & ~aboveZ & ~word & 0x80808080;
  return word | (upper >> 2);
}

// @ts-ignore: decorator
@inline
export function foldByte(byte: u32): u32 {
  return byte - 65 < 26 ? byte | 32 : byte;
}

// @ts-ignore: decorator
@inline
export function equalBytes(left: usize, right: usize, length: u32): bool {
  while (length >= 8) {
    if (load<u64>(left) != load<u64>(right)) return false;
    left += 8;
    right += 8;
    length -= 8;
  }
  if (length >= 4) {
    if (load<u32>(left) != load<u32>(right)) return false;
    left += 4;
    right += 4;
    length -= 4;
  }
  while (length > 0) {
    if (load<u8>(left) != load<u8>(right)) return false;
    left++;
    right++;
    length--;
  }
  return true;
}

/** Whether the subject in lower case equals `folded`, which is in lower case already. */
export function equalFolded(subject: usize, folded: usize, length: u32): bool {
  while (length >= 4) {
    if (foldWord(load<u32>(subject)) != load<u32>(folded)) return false;
    subject += 4;
    folded += 4;
    length -= 4;
  }
  while (length > 0) {
    if (foldByte(load<u8>(subject)) != <u32>load<u8>(folded)) return false;
    subject++;
    folded++;
    length--;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function mix(hash: u32, word: u32): u32 {
  return rotl<u32>(hash ^ (word * <u32>0x85ebca6b), 15) * <u32>0xc2b2ae35;
}

/** Hash of a key in the tables, of its lower-cased bytes when `fold`. Keys come from the configuration: no seed needed. */
export function hashKey(subject: usize, length: u32, fold: bool): u32 {
  let hash: u32 = length * <u32>0x9e3779b1;
  while (length >= 4) {
    const word = load<u32>(subject);
    hash = mix(hash, fold ? foldWord(word) : word);
    subject += 4;
    length -= 4;
  }
  if (length > 0) {
    let word: u32 = 0;
    for (let i: u32 = 0; i < length; i++) word |= (<u32>load<u8>(subject + i)) << (i << 3);
    hash = mix(hash, fold ? foldWord(word) : word);
  }
  hash ^= hash >> 16;
  hash *= <u32>0x7feb352d;
  return hash ^ (hash >> 15);
}
