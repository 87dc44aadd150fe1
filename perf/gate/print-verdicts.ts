// SPDX-License-Identifier: Apache-2.0
/** Verdicts -> the table for a terminal, and the lines that name what failed. */
import type { Unit } from './bounds.js';
import type { GroupResult, Verdict } from './judge.js';

const HEADINGS = ['measure', 'value', 'bound', 'goal', 'verdict'];

/** Lines end with a newline; figures are aligned to the right. */
export function printTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ measure, value, bound, outcome }) => [
    measure.title,
    printFigure(value, measure.unit),
    bound === undefined ? '' : printFigure(bound, measure.unit),
    measure.goal === undefined ? '' : printFigure(measure.goal, measure.unit),
    outcome === 'reported' ? '' : outcome === 'ok' ? 'ok' : outcome.toUpperCase(),
  ]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return [HEADINGS, ...rows]
    .map((row) =>
      row
        .map((cell, column) =>
          column > 0 && column < 4 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** One line for each figure that fails; '' when none does. */
export function printFailures(verdicts: readonly Verdict[], results: readonly GroupResult[]): string {
  const lines: string[] = [];
  for (const { name, measure, value, bound, outcome } of verdicts) {
    if (outcome === 'crossed') {
      const limit = printFigure(bound ?? NaN, measure.unit);
      lines.push(`${name}: ${measure.title} is ${printFigure(value, measure.unit)}, over its bound of ${limit}\n`);
    } else if (outcome === 'not measured') lines.push(`${name}: ${measure.title} was not measured (${value})\n`);
  }
  for (const { group, failure } of results) if (failure !== undefined) lines.push(`${group}: ${failure}\n`);
  return lines.join('');
}

/** Three significant digits, thousands in groups, and the unit. */
export function printFigure(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
  const text = Number(digits).toLocaleString('en-US', { maximumSignificantDigits: 15 });
  return unit === 'x' ? text : `${text} ${unit}`;
}
