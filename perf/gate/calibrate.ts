// SPDX-License-Identifier: Apache-2.0
/**
 * This machine, now -> how many times slower it is than the reference. Bounds in milliseconds are for the reference; where
 * a fixed piece of work takes twice as long, they are twice as high, so that neither a slow machine nor a busy one fails
 * a build that did not change. What a regression does to Weft alone it does not do to this work, so it still shows.
 */
import { median } from '../engine/race.js';

/** What one piece of work took on the reference: 2 virtual cores of a cloud machine, Node.js 20, otherwise idle. */
const REFERENCE_MS = 52;
/** A machine so slow can't be told from one that hangs: a bound is never raised further. */
const MAX_SLOWDOWN = 10;

/** At least 1: on a faster machine the bounds stay as they are. Throws RangeError when nothing was measured. */
export function slowdownOf(workMs: readonly number[]): number {
  const typicalMs = median(workMs);
  if (!(typicalMs > 0)) throw new RangeError('the calibration measured nothing');
  return Math.min(MAX_SLOWDOWN, Math.max(1, typicalMs / REFERENCE_MS));
}

/** Longer than a scheduler's slice, so that neighbours who want the same core are noticed. */
const REPEATS = 4;

/** The fixed work, timed, in ms. Like compiling rules, it makes strings, objects and maps and fills bytes. */
export function timeCalibrationWork(): number {
  const startedMs = performance.now();
  for (let turn = 0; turn < REPEATS; turn++) {
    if (calibrationWork() === 0) throw new Error('the calibration work was optimised away');
  }
  return performance.now() - startedMs;
}

/** Calibrates by itself: the median of several runs, the first of which warm up. */
export function measureSlowdown(): number {
  const times = Array.from({ length: 7 }, timeCalibrationWork);
  return slowdownOf(times.slice(2));
}

const RECORDS = 20_000;

function calibrationWork(): number {
  const byName = new Map<string, { name: string; parts: string[]; weight: number }>();
  const bytes = new Uint8Array(1 << 16);
  let sum = 1;
  for (let index = 0; index < RECORDS; index++) {
    const name = `/team-${index % 97}/service-${index}`;
    const record = { name, parts: name.split('/'), weight: index % 10 };
    byName.set(name, record);
    for (let at = 0; at < name.length; at++) {
      sum = Math.imul(sum ^ name.charCodeAt(at), 0x01000193);
      bytes[(index * 8 + at) & 0xffff] = sum & 0xff;
    }
  }
  for (const { name, parts, weight } of byName.values()) sum = (sum + name.length * weight + parts.length) | 0;
  return sum | 1;
}
