// SPDX-License-Identifier: Apache-2.0
/** A scenario's table -> lines for a terminal. */
import type { ScenarioResult } from '../measure/result.js';
import { noiseOf, tableOf } from './rows.js';

export function printScenario(result: ScenarioResult): string {
  const { columns, rows, notes } = tableOf(result);
  const { name, shows } = result.scenario;
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('  ');
  const noise = noiseOf(result);
  return [
    '',
    `${name}: ${shows}`,
    ...(rows.length === 0 ? ['  not measured'] : [line(columns), ...rows.map(line)]),
    ...(noise === undefined ? [] : [`  noise (weft against weft-again): ${(100 * noise).toFixed(1)}%`]),
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n');
}
