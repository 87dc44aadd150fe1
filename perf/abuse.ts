// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run abuse`: clients that behave badly -> what others feel of it and what it costs in memory, with exit status 1 when
 * that is over its limit (judge-attack.ts), 2 when it was called wrongly. Linux only, because memory is read from /proc.
 *
 *   npm run abuse -- [--short] [--only ATTACK[,ATTACK...]]
 *
 * Proxy, attacker, endpoint and the clients that are measured share the machine's cores: figures are for comparing without and
 * with within one run. Each attack comes three times, with quiet phases between, and the medians count. A round in which other
 * programs had more than a tenth of the machine is run again, up to four times.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { Attack } from './abuse/attacks.js';
import { ATTACKS, shortened } from './abuse/attacks.js';
import { HEADINGS, judgeAttack, rowOf } from './abuse/judge-attack.js';
import { measureAttack } from './abuse/measure-attack.js';

const PHASE_MS = 6000;
const SHORT_PHASE_MS = 2500;
/** Files that a process has open besides its connections, with room for those to the endpoint. */
const OTHER_FILES = 1500;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** How many files a process may have open; the processes that are started inherit it. */
async function openFilesLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8');
  return Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? Infinity);
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
}

function lineOf(cells: readonly string[], widths: readonly number[]): string {
  const last = cells.length - 1;
  const padded = cells.map((cell, column) =>
    column === 0 || column === last ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
  );
  return `${padded.join('  ').trimEnd()}\n`;
}

async function run(attacks: readonly Attack[], phaseMs: number): Promise<number> {
  const rows: string[][] = [];
  let failedCount = 0;
  for (const attack of attacks) {
    process.stderr.write(`${attack.name}: ${attack.connectionCount} connections\n`);
    const figures = await measureAttack(attack, phaseMs);
    const verdict = judgeAttack(figures);
    rows.push(rowOf(figures, verdict));
    if (verdict.failure !== '') failedCount++;
  }
  const widths = widthsOf([HEADINGS, ...rows]);
  process.stdout.write([HEADINGS, ...rows].map((row) => lineOf(row, widths)).join(''));
  return failedCount === 0 ? 0 : EXIT_FAILURE;
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { short: { type: 'boolean', default: false }, only: { type: 'string' } } });
  const wanted = values.only?.split(',');
  const unknown = wanted?.find((name) => !ATTACKS.some((attack) => attack.name === name));
  if (unknown !== undefined) {
    process.stderr.write(`abuse: ${unknown} is none of ${ATTACKS.map((attack) => attack.name).join(', ')}\n`);
    return EXIT_USAGE;
  }
  const most = (await openFilesLimit()) - OTHER_FILES;
  const attacks = ATTACKS.filter((attack) => wanted?.includes(attack.name) ?? true)
    .map((attack) => (values.short ? shortened(attack) : attack))
    .map((attack) => {
      if (attack.connectionCount <= most) return attack;
      process.stderr.write(`${attack.name}: ${most} connections only, because of ulimit -n\n`);
      return { ...attack, connectionCount: most };
    });
  return run(attacks, values.short ? SHORT_PHASE_MS : PHASE_MS);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`abuse: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof TypeError ? EXIT_USAGE : EXIT_FAILURE;
}
