// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { cpuTimesOf, cpuUsBetween, memoryOf, processTree } from './process-tree.js';

const NODE_BYTES = 15e6;
const BUSY = 'const end = process.cpuUsage().user + 300000; while (process.cpuUsage().user < end);';

describe('the cost of a process tree', () => {
  it('holds the CPU time of a child that has ended', async () => {
    const before = cpuTimesOf(process.pid);
    const child = spawn(process.execPath, ['-e', BUSY]);
    await once(child, 'exit');
    expect(cpuUsBetween(before, cpuTimesOf(process.pid))).toBeGreaterThan(250_000);
  });

  it('takes off what a child that ended had used before the first reading', () => {
    const before = new Map([
      ['1/1', 10e6],
      ['1/reaped', 0],
      ['2/2', 500e6],
    ]);
    const after = new Map([
      ['1/1', 12e6],
      ['1/reaped', 510e6],
    ]);
    expect(cpuUsBetween(before, after)).toBe(12_000);
  });

  it('holds the memory of all descendants', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)']);
    await once(child.stdout, 'data');
    try {
      expect(processTree(process.pid)).toContain(child.pid);
      const alone = memoryOf(child.pid ?? 0);
      const all = memoryOf(process.pid);
      // No Node.js process is smaller than this; two readings of one process may differ by what was collected in between.
      expect(alone.rssBytes).toBeGreaterThan(NODE_BYTES);
      expect(all.rssBytes).toBeGreaterThan(alone.rssBytes + NODE_BYTES);
      expect(all.peakBytes).toBeGreaterThanOrEqual(all.rssBytes);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
