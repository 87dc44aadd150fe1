// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { bytesPerRequest } from './heap-reading.js';

const before = { allocatedBytes: 1_000_000, collections: 3 };

describe('bytes per request', () => {
  it('are what the heap grew by, shared out', () => {
    expect(bytesPerRequest(before, { allocatedBytes: 1_400_000, collections: 0 }, 200)).toBe(2000);
  });

  it('are unknown when a collection ran between the readings', () => {
    expect(bytesPerRequest(before, { allocatedBytes: 1_400_000, collections: 1 }, 200)).toBeNaN();
  });

  it('are unknown without requests', () => {
    expect(bytesPerRequest(before, { allocatedBytes: 1_400_000, collections: 0 }, 0)).toBeNaN();
  });
});
