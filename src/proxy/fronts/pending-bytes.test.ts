// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { appendBytes, keepBytes } from './pending-bytes.js';

describe('appendBytes', () => {
  it('keeps all bytes in order, whatever the pieces', () => {
    let kept = keepBytes(Buffer.from('a'));
    let text = 'a';
    for (let size = 1; size < 200; size++) {
      const piece = String.fromCharCode(33 + (size % 90)).repeat(size % 17);
      kept = appendBytes(kept, Buffer.from(piece));
      text += piece;
    }
    expect(kept.toString()).toBe(text);
  });

  it('copies what is there seldom', () => {
    let kept = keepBytes(Buffer.from('a'));
    const memories = new Set([kept.buffer]);
    for (let count = 0; count < 10_000; count++) memories.add((kept = appendBytes(kept, Buffer.from('b'))).buffer);
    expect(memories.size).toBeLessThan(20);
  });

  it('goes on after the first bytes have been used', () => {
    const kept = appendBytes(keepBytes(Buffer.from('used')), Buffer.from('rest'));
    expect(appendBytes(kept.subarray(4), Buffer.from('more')).toString()).toBe('restmore');
    expect(appendBytes(kept.subarray(8), Buffer.from('new')).toString()).toBe('new');
  });

  it('does not write into the memory that it copied from', () => {
    const source = Buffer.from('abcdef');
    const kept = appendBytes(keepBytes(source.subarray(0, 3)), Buffer.from('xyz'));
    expect([kept.toString(), source.toString()]).toEqual(['abcxyz', 'abcdef']);
  });
});
