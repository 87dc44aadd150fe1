// SPDX-License-Identifier: Apache-2.0
/**
 * /proc/stat less what this program and its children used -> how much of the machine other programs (and, on a virtual machine,
 * other machines) had. It tells a measurement that was disturbed from a proxy that is slow.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { cpuTimesOf, cpuUsBetween } from '../measure/process-tree.js';
import type { CpuTimes } from '../measure/process-tree.js';

/** USER_HZ; see process-tree.ts. */
const TICK_US = 10_000;

interface Reading {
  readonly atMs: number;
  readonly busyUs: number;
  readonly own: CpuTimes;
}

export class ForeignLoad {
  readonly #start = read();

  /** Share (0..1) of the machine's time since this was made that went to others. */
  share(): number {
    const end = read();
    const own = cpuUsBetween(this.#start.own, end.own);
    const all = (end.atMs - this.#start.atMs) * 1000 * availableParallelism();
    return Math.max(0, end.busyUs - this.#start.busyUs - own) / all;
  }
}

function read(): Reading {
  return {
    atMs: performance.now(),
    busyUs: busyUsOf(readFileSync('/proc/stat', 'utf8')),
    own: cpuTimesOf(process.pid),
  };
}

/** Microseconds in which the CPUs were not idle, with those stolen by the host, from the first line of /proc/stat. */
export function busyUsOf(stat: string): number {
  const [user, nice, system, , , irq, softirq, steal] = (stat.split('\n')[0] ?? '')
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return [user, nice, system, irq, softirq, steal].reduce<number>((sum, ticks) => sum + (ticks ?? NaN), 0) * TICK_US;
}
