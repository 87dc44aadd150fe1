// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { busyUsOf } from './foreign-load.js';

describe('busyUsOf', () => {
  it('counts all but idle time and waiting for disks, and what the host has taken', () => {
    expect(busyUsOf('cpu  1 2 4 1000 2000 8 16 32 0 0\ncpu0 ...\n')).toBe(63 * 10_000);
  });
});
