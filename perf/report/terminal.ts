// SPDX-License-Identifier: Apache-2.0
/** Tables of a run -> lines for a terminal. */
import type { ScenarioResult } from '../measure/result.js';
import type { BoundRow } from './bounds.js';
import { noiseOf, tableOf } from './rows.js';

export function printScenario(result: ScenarioResult): string {
  const { columns, rows, notes } = tableOf(result);
  const { name, shows } = result.scenario;
  const noise = noiseOf(result);
  return [
    '',
    `${name}: ${shows}`,
    ...(rows.length === 0 ? ['  not measured'] : align([columns, ...rows])),
    ...(noise === undefined ? [] : [`  noise (weft against weft-again): ${(100 * noise).toFixed(1)}%`]),
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n');
}

/** The bounds of which this run has measured something, and how many it has not. */
export function printBounds(rows: readonly BoundRow[]): string {
  const measured = rows.filter(({ standing }) => standing !== 'not measured');
  const cells = measured.map(({ what, measured: value, bound, goal, standing }) => [
    what,
    value,
    bound,
    goal,
    standing,
  ]);
  return [
    'bounds',
    ...align([['what', 'measured', 'bound', 'goal', 'verdict'], ...cells]),
    `  not measured in this run: ${rows.length - measured.length} of ${rows.length}`,
    '',
  ].join('\n');
}

/** The first column to the left, the others to the right. */
function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  '),
  );
}
