// SPDX-License-Identifier: Apache-2.0
/**
 * /proc -> what a proxy costs: CPU time and memory of a process with all its descendants. CPU time is user + system as the
 * scheduler counts it, in nanoseconds per thread (schedstat); utime and stime of stat are the same sum rounded to ticks of
 * 10 ms, too coarse for short rounds, and serve only where the kernel keeps no schedstat.
 */
import { readFileSync, readdirSync } from 'node:fs';

/** CPU time in nanoseconds by `pid/tid`, and by `pid/reaped`. Only differences mean something. */
export type CpuTimes = ReadonlyMap<string, number>;

/** USER_HZ, which Linux has fixed at 100 for programs on all architectures that Node.js runs on. */
const TICKS_PER_SECOND = 100;

/** The process and all its descendants that are alive now. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const parent = Number.isInteger(pid) ? statFields(`/proc/${pid}/stat`)?.[1] : undefined;
    if (parent === undefined) continue;
    const siblings = children.get(Number(parent)) ?? [];
    siblings.push(pid);
    children.set(Number(parent), siblings);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

/** Nanoseconds of each thread of the tree, and of the children that each process has outlived. */
export function cpuTimesOf(root: number): CpuTimes {
  const times = new Map<string, number>();
  for (const pid of processTree(root)) {
    for (const thread of entriesOf(`/proc/${pid}/task`)) {
      const nanoseconds = threadCpuNs(`/proc/${pid}/task/${thread}`);
      if (nanoseconds !== undefined) times.set(`${pid}/${thread}`, nanoseconds);
    }
    const fields = statFields(`/proc/${pid}/stat`);
    if (fields !== undefined) times.set(`${pid}/reaped`, ticksToNs(Number(fields[13]) + Number(fields[14])));
  }
  return times;
}

/**
 * Microseconds between two readings. The time of a process that ended in between (a reload replaces workers) is in what its
 * parent has reaped, from its start on, so what it had used before is taken off again. A thread that ended is not counted.
 */
export function cpuUsBetween(before: CpuTimes, after: CpuTimes): number {
  const alive = new Set([...after.keys()].map(pidOf));
  let nanoseconds = 0;
  for (const [thread, time] of after) nanoseconds += time - (before.get(thread) ?? 0);
  for (const [thread, time] of before) if (!alive.has(pidOf(thread))) nanoseconds -= time;
  return nanoseconds / 1000;
}

function pidOf(thread: string): string {
  return thread.slice(0, thread.indexOf('/'));
}

/** Bytes resident now, and the sum of the peaks of each process; pages that processes share count for each. */
export function memoryOf(root: number): { readonly rssBytes: number; readonly peakBytes: number } {
  let rssBytes = 0;
  let peakBytes = 0;
  for (const pid of processTree(root)) {
    const status = readText(`/proc/${pid}/status`) ?? '';
    rssBytes += 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
    peakBytes += 1024 * Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return { rssBytes, peakBytes };
}

/** Milliseconds since the process was started, from the kernel's own record of it, to 10 ms. */
export function processAgeMs(pid: number): number {
  const started = Number(statFields(`/proc/${pid}/stat`)?.[19]) / TICKS_PER_SECOND;
  const uptime = Number((readText('/proc/uptime') ?? '').split(' ')[0]);
  if (!Number.isFinite(started) || !Number.isFinite(uptime)) throw new Error(`/proc does not know process ${pid}`);
  return 1000 * (uptime - started);
}

function threadCpuNs(folder: string): number | undefined {
  const schedstat = readText(`${folder}/schedstat`);
  if (schedstat !== undefined) return Number(schedstat.split(' ')[0]);
  const fields = statFields(`${folder}/stat`);
  return fields === undefined ? undefined : ticksToNs(Number(fields[11]) + Number(fields[12]));
}

function ticksToNs(ticks: number): number {
  return (ticks / TICKS_PER_SECOND) * 1e9;
}

/** The fields of a stat file after the program's name, which may hold spaces: state is 0, parent 1, utime 11. */
function statFields(file: string): string[] | undefined {
  const text = readText(file);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** Undefined when the process has ended meanwhile. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
