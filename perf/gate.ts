// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run perf:gate`: this build -> a table of figures with bounds, and exit status 1 when one is crossed or was not
 * measured, 2 when it was called wrongly. It needs no other proxy and takes a minute or two; how fast a whole request is
 * beside nginx or Envoy is for `npm run perf` to say.
 *
 *   npm run perf:gate -- [--json FILE] [--only GROUP[,GROUP...]]
 */
import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Group } from './gate/bounds.js';
import { GROUPS } from './gate/bounds.js';
import type { GroupResult, Verdict } from './gate/judge.js';
import { hasPassed, judge } from './gate/judge.js';
import { printFailures, printTable } from './gate/print-verdicts.js';

const GROUP_PROGRAM = fileURLToPath(new URL('./gate/measure-group.js', import.meta.url));
/** The longest group takes half a minute; on a machine ten times slower the gate has nothing to say. */
const GROUP_LIMIT_MS = 240_000;
/** Enough of what a process wrote to see why it failed. */
const MAX_OUTPUT = 2000;
const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Resolves in any case: what went wrong stands in the result, and its figures are missing. */
function measureGroup(group: Group): Promise<GroupResult> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const child = fork(GROUP_PROGRAM, [group], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-MAX_OUTPUT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    let result: GroupResult | undefined;
    child.on('message', (message) => (result = message as GroupResult));
    const limit = setTimeout(() => child.kill('SIGKILL'), GROUP_LIMIT_MS);
    const finish = (why: string): void => {
      clearTimeout(limit);
      const failure = `the process ${why}\n${output.trimEnd()}`;
      resolve(result ?? { group, values: {}, slowdown: NaN, failure, tookMs: performance.now() - startedMs });
    };
    child.on('error', (error) => finish(`did not start: ${error.message}`));
    child.on('close', (code, signal) => finish(`ended with ${code ?? signal} and no figures`));
  });
}

function groupsOf(only: string | undefined): readonly Group[] {
  if (only === undefined) return GROUPS;
  const wanted = only.split(',');
  const unknown = wanted.find((name) => !GROUPS.some((group) => group === name));
  if (unknown !== undefined) throw new Error(`--only: no group is called ${unknown}; there are ${GROUPS.join(', ')}`);
  return GROUPS.filter((group) => wanted.includes(group));
}

/** NaN has no JSON: what was not measured is null there. */
async function writeJson(file: string, verdicts: readonly Verdict[], results: readonly GroupResult[]): Promise<void> {
  const report = {
    date: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cpuCount: cpus().length,
    passed: hasPassed(verdicts),
    groups: results.map(({ group, slowdown, tookMs, failure }) => ({ group, slowdown, tookMs, failure })),
    measures: verdicts.map(({ name, measure, value, bound, outcome }) => ({
      name,
      title: measure.title.trim(),
      unit: measure.unit,
      value,
      bound,
      goal: measure.goal,
      outcome,
    })),
  };
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}

async function main(): Promise<number> {
  const { values: options } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' } } });
  const groups = groupsOf(options.only);
  const results: GroupResult[] = [];
  for (const group of groups) {
    process.stderr.write(`perf:gate: measuring ${group} ...`);
    const result = await measureGroup(group);
    const pace = result.slowdown > 1 ? `, ${result.slowdown.toFixed(1)} times slower than the reference` : '';
    process.stderr.write(` ${(result.tookMs / 1000).toFixed(0)} s${pace}\n`);
    results.push(result);
  }
  const verdicts = judge(results);
  process.stdout.write(printTable(verdicts));
  if (options.json !== undefined) await writeJson(options.json, verdicts, results);
  if (hasPassed(verdicts)) {
    process.stdout.write(`perf:gate: passed (${groups.join(', ')})\n`);
    return 0;
  }
  process.stdout.write(`perf:gate: FAILED\n${printFailures(verdicts, results)}`);
  return EXIT_FAILURE;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`perf:gate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = EXIT_USAGE;
}
