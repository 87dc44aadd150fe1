// SPDX-License-Identifier: Apache-2.0
/**
 * Measured groups -> a verdict for every row of the table of bounds. Nothing passes without having been measured: a figure
 * that is missing, not finite, or not above zero fails like one that crosses its bound.
 */
import type { Group, Measure, MeasureName } from './bounds.js';
import { MEASURES } from './bounds.js';

/** What a group's process found out. */
export interface GroupResult {
  readonly group: Group;
  readonly values: Readonly<Partial<Record<MeasureName, number>>>;
  /** How many times slower than the reference the machine was meanwhile; at least 1. */
  readonly slowdown: number;
  /** Why there are no values. */
  readonly failure?: string;
  readonly tookMs: number;
}

export type Outcome = 'ok' | 'reported' | 'crossed' | 'not measured';

export interface Verdict {
  readonly name: MeasureName;
  readonly measure: Measure;
  /** NaN when there is none. */
  readonly value: number;
  /** As it was applied here, the slowdown included. */
  readonly bound?: number;
  readonly outcome: Outcome;
}

/** One verdict for each measure of these groups, in the order of the table. */
export function judge(results: readonly GroupResult[]): Verdict[] {
  const byGroup = new Map(results.map((result) => [result.group, result]));
  const verdicts: Verdict[] = [];
  for (const [key, measure] of Object.entries<Measure>(MEASURES)) {
    const name = key as MeasureName;
    const result = byGroup.get(measure.group);
    if (result !== undefined) verdicts.push(verdictOf(name, measure, result));
  }
  return verdicts;
}

export function hasPassed(verdicts: readonly Verdict[]): boolean {
  return verdicts.length > 0 && verdicts.every(({ outcome }) => outcome === 'ok' || outcome === 'reported');
}

function verdictOf(name: MeasureName, measure: Measure, { values, slowdown }: GroupResult): Verdict {
  const value = values[name] ?? NaN;
  const isMeasured = Number.isFinite(value) && value > 0 && slowdown >= 1;
  if (measure.bound === undefined) return { name, measure, value, outcome: isMeasured ? 'reported' : 'not measured' };
  const bound = measure.isScaled ? measure.bound * slowdown : measure.bound;
  const outcome = !isMeasured ? 'not measured' : value <= bound ? 'ok' : 'crossed';
  return { name, measure, value, bound, outcome };
}
