// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { foldBytes, hashHeaderName, hashKey, toByteString } from './key-hash.js';

describe('byte strings', () => {
  it('hold the UTF-8 bytes of the text', () => {
    expect(Buffer.from(toByteString('aé€😀'), 'latin1')).toEqual(Buffer.from('aé€😀', 'utf8'));
  });

  it('fold ASCII letters and nothing else', () => {
    expect(foldBytes(toByteString('/AZ[@`É'))).toBe(toByteString('/az[@`É'));
  });
});

describe('hashes', () => {
  it('are FNV-1a for header names', () => {
    // The published test vectors for 32 bits.
    expect(hashHeaderName('')).toBe(0x811c9dc5);
    expect(hashHeaderName('a')).toBe(0xe40c292c);
    expect(hashHeaderName('foobar')).toBe(0xbf9cf968);
  });

  it('spread keys that differ in their last byte or only in length', () => {
    const keys = Array.from({ length: 4096 }, (_, index) => `/api/v1/service-${index}`);
    const buckets = new Set(keys.map((key) => hashKey(key) & 8191));
    // 4096 keys in 8192 buckets fill 3223 of them on average when the hash is random.
    expect(buckets.size).toBeGreaterThan(3000);
    expect(new Set(['', '\0', '\0\0', '\0\0\0', '\0\0\0\0', '\0\0\0\0\0'].map(hashKey)).size).toBe(6);
  });
});
