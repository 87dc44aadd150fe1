// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run perf:compare -- BASE HEAD`: two commits (or the path of a working tree) built and measured side by side. Exit
 * status 0: not worse; 1: a scenario got worse beyond the noise with all rounds agreeing (compare/verdict.ts has the exact
 * rule); 2: it could not be measured, which is no pass.
 */
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { cleanUpAtEnd } from './cli/ending.js';
import { findLoadTools } from './cli/environment.js';
import { Progress } from './cli/progress.js';
import { checkOut, forgetRemovedWorktrees } from './compare/checkout.js';
import type { Checkout } from './compare/checkout.js';
import { compareScenario } from './compare/compare-scenario.js';
import type { Builds } from './compare/compare-scenario.js';
import { judge, ratioOfRound } from './compare/verdict.js';
import type { ComparedRound, Verdict } from './compare/verdict.js';
import { planCpus } from './measure/cpu-plan.js';
import { messageOf } from './measure/setting.js';
import { createWeft } from './peers/weft.js';
import { METRICS } from './scenario.js';
import type { Scenario } from './scenario.js';
import { selectScenarios } from './scenarios.js';

const WORSE = 1;
const NOT_MEASURED = 2;

interface Compared {
  readonly scenario: string;
  readonly verdict: Verdict;
  readonly rounds: readonly ComparedRound[];
}

async function parseArguments() {
  const { _: commits, ...options } = await yargs(process.argv.slice(2))
    .scriptName('npm run perf:compare --')
    .usage('$0 BASE HEAD\n\nBuilds two commits, or folders of working trees, and compares what they cost')
    .options({
      scenario: { type: 'string', default: 'h1-small', describe: 'Rows of npm run perf, separated by commas' },
      rounds: { type: 'number', default: 5, describe: 'Rounds, each with newly started processes' },
      turns: {
        type: 'number',
        default: 5,
        describe: 'Turns of two seconds in each round, all builds at the same time',
      },
      json: { type: 'string', describe: 'File for every round' },
      unpinned: { type: 'boolean', default: false, describe: 'Run although the machine has one core only' },
    })
    .strictOptions()
    .demandCommand(2, 2, 'BASE and HEAD are needed', 'BASE and HEAD are all it takes')
    // yargs would end the process with status 1, which means "worse" here.
    .fail((message: string | undefined, error: Error | undefined) => {
      throw error ?? new Error(message);
    })
    .parse();
  const [base = '', head = ''] = commits.map(String);
  return { ...options, base, head };
}

async function main(): Promise<number> {
  const args = await parseArguments();
  const scenarios = selectScenarios(args.scenario.split(','));
  const cpus = planCpus(args.unpinned);
  const { missing } = findLoadTools();
  for (const needed of ['wrk', 'taskset']) if (missing.has(needed)) throw new Error(missing.get(needed));
  const progress = new Progress();
  const directory = await mkdtemp(join(tmpdir(), 'weft-compare-'));
  cleanUpAtEnd(() => {
    rmSync(directory, { recursive: true, force: true });
    forgetRemovedWorktrees();
  });
  const checkouts: Checkout[] = [];
  try {
    for (const [name, what] of [
      ['base', args.base],
      ['head', args.head],
    ] as const) {
      progress.show(`building ${name}: ${what}`);
      checkouts.push(await checkOut(what, name, directory));
    }
    const [base, head] = checkouts;
    if (base === undefined || head === undefined) throw new Error('nothing was built');
    const builds: Builds = {
      base: buildOf('base', base),
      baseAgain: buildOf('base-again', base),
      head: buildOf('head', head),
      headAgain: buildOf('head-again', head),
    };
    console.log(`base ${base.title}\nhead ${head.title}\n${cpus.description}`);
    const setting = {
      rounds: args.rounds,
      seconds: 1,
      cpus,
      directory,
      progress: (text: string) => progress.show(text),
    };
    const compared: Compared[] = [];
    for (const scenario of scenarios) {
      const rounds = await compareScenario(scenario, builds, args.turns, setting);
      const verdict = judge(rounds);
      progress.clear();
      compared.push({ scenario: scenario.name, verdict, rounds });
      console.log(print(scenario, rounds, verdict));
    }
    if (args.json !== undefined) await writeFile(args.json, `${JSON.stringify(compared, undefined, 2)}\n`);
    return compared.some(({ verdict }) => verdict.worse) ? WORSE : 0;
  } finally {
    progress.clear();
    for (const checkout of checkouts) await checkout.remove();
  }
}

function buildOf(name: string, { folder, title }: Checkout) {
  return { name, version: title, peer: createWeft({ name, root: folder }) };
}

function print({ name, metric }: Scenario, rounds: readonly ComparedRound[], verdict: Verdict): string {
  const cells = (...values: readonly (string | number)[]): string =>
    values.map((value) => (typeof value === 'number' ? value.toFixed(3) : value).padStart(12)).join('');
  const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
  const { worse, ratio, noise, bound, roundsWorse } = verdict;
  return [
    `\n${name}, ${METRICS[metric].title}`,
    cells('round', 'base', 'base again', 'head', 'head again', 'head/base'),
    ...rounds.map((round, index) =>
      cells(`${index + 1}`, round.base, round.baseAgain, round.head, round.headAgain, ratioOfRound(round)),
    ),
    `ratio ${ratio.toFixed(3)}, noise ${percent(noise)}, bound ${percent(bound)}, head above base in ${roundsWorse} of ${rounds.length} rounds`,
    worse ? 'WORSE: beyond the noise, and all rounds agree' : 'not worse',
  ].join('\n');
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`not measured: ${messageOf(error)}`);
  process.exitCode = NOT_MEASURED;
}
