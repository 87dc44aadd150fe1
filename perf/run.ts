// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run perf`: Weft and the proxies found on this machine, side by side -> tables, JSON and a document. Exit status 1 when
 * nothing was measured or the arguments are wrong.
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseRunArguments } from './cli/arguments.js';
import type { RunArguments } from './cli/arguments.js';
import { cleanUpAtEnd } from './cli/ending.js';
import { describeEnvironment, findLoadTools } from './cli/environment.js';
import { Progress } from './cli/progress.js';
import type { Contestant } from './measure/contestant.js';
import { planCpus } from './measure/cpu-plan.js';
import type { CpuPlan } from './measure/cpu-plan.js';
import { ENGINE, measureEngine } from './measure/engine-figures.js';
import type { EngineFigures } from './measure/engine-figures.js';
import { isMeasured, WEFT, WEFT_AGAIN } from './measure/result.js';
import type { RunResult, ScenarioResult } from './measure/result.js';
import { runScenario } from './measure/run-scenario.js';
import { messageOf } from './measure/setting.js';
import { PEERS } from './peers/index.js';
import type { Peer } from './peers/contract.js';
import { createWeft } from './peers/weft.js';
import { boundRows } from './report/bounds.js';
import { documentOf } from './report/document.js';
import { plotsOf } from './report/plots.js';
import { printBounds, printScenario } from './report/terminal.js';
import type { Scenario } from './scenario.js';
import { SCENARIOS, selectScenarios } from './scenarios.js';

/** Weft's other fronts: measured where they are asked for by name. */
const FRONTS = [createWeft({ name: 'weft-uws', front: 'uws' }), createWeft({ name: 'weft-wire', front: 'wire' })];

async function main(): Promise<number> {
  const args = await parseRunArguments(process.argv.slice(2));
  if (args.list) {
    for (const { name, shows } of SCENARIOS) console.log(`${name.padEnd(28)} ${shows}`);
    console.log(`${ENGINE.padEnd(28)} matching and publishing, in the engine without a proxy`);
    console.log(`\nproxies: ${[...PEERS, ...FRONTS].map(({ name }) => name).join(', ')}`);
    return 0;
  }
  const wantsEngine = args.scenarios.length === 0 || args.scenarios.includes(ENGINE);
  const rows = args.scenarios.filter((name) => name !== ENGINE);
  const scenarios = args.scenarios.length > 0 && rows.length === 0 ? [] : selectScenarios(rows);
  const cpus = planCpus(args.unpinned);
  const { tools, missing } = findLoadTools();
  for (const text of missing.values()) console.error(text);
  if (missing.has('wrk') || missing.has('taskset')) return 1;
  const contestants = await findPeers(args.peers);
  const environment = describeEnvironment({
    command: ['npm run perf --', ...process.argv.slice(2)].join(' '),
    pinning: cpus.description,
    rounds: args.rounds,
    seconds: args.seconds,
    tools: { ...tools, ...Object.fromEntries(contestants.map(({ name, version }) => [name, version])) },
  });
  const progress = new Progress();
  const directory = await mkdtemp(join(tmpdir(), 'weft-perf-'));
  cleanUpAtEnd(() => rmSync(directory, { recursive: true, force: true }));
  const setting = { ...args, cpus, directory, progress: (text: string) => progress.show(text) };
  const results: ScenarioResult[] = [];
  let engine: EngineFigures | undefined;
  const runResult = (): RunResult => ({ environment, ...(engine === undefined ? {} : { engine }), scenarios: results });
  if (wantsEngine) {
    progress.show('engine: matching and publishing');
    engine = await engineFigures(cpus);
    progress.clear();
    await writeResults(runResult(), args);
  }
  for (const scenario of scenarios) {
    if (scenario.load.kind === 'paced' && missing.has('h2load')) {
      results.push({ scenario, peers: [], skipped: [], notes: [missing.get('h2load') ?? ''] });
    } else {
      const own = await weftFor(scenario);
      results.push(await runScenario(scenario, [...own, ...(scenario.withPeers ? contestants : [])], setting));
    }
    progress.clear();
    const last = results.at(-1);
    if (last !== undefined) console.log(printScenario(last));
    // After each row, so that a run that is broken off has left what it measured.
    await writeResults(runResult(), args);
  }
  const measured = results.filter(({ scenario, peers }) => peers.some((peer) => isMeasured(peer, scenario.metric)));
  console.log(printBounds(boundRows(runResult())));
  console.log(`${measured.length} of ${results.length} rows measured`);
  return measured.length === 0 && engine === undefined ? 1 : 0;
}

/** Two instances of this build: their difference is the noise. */
async function weftFor({ weftSource = 'yaml' }: Scenario): Promise<Contestant[]> {
  const both = [WEFT, WEFT_AGAIN].map((name) => createWeft({ name, source: weftSource }));
  return Promise.all(both.map(async (peer) => contestantOf(peer, await peer.detect())));
}

/** The peers asked for that are installed; each missing one is named with how to get it. Throws for an unknown name. */
async function findPeers(names: readonly string[] | undefined): Promise<Contestant[]> {
  const known = [...PEERS, ...FRONTS];
  const unknown = names?.find((name) => !known.some((peer) => peer.name === name));
  if (unknown !== undefined) throw new Error(`no proxy is named ${unknown}; --list prints them all`);
  const wanted = names === undefined ? PEERS : known.filter(({ name }) => names.includes(name));
  const found: Contestant[] = [];
  for (const peer of wanted) {
    const detected = await peer.detect();
    if ('version' in detected) found.push(contestantOf(peer, detected));
    else console.error(`${peer.name} skipped: ${detected.missing}`);
  }
  return found;
}

function contestantOf(peer: Peer, detected: Awaited<ReturnType<Peer['detect']>>): Contestant {
  if ('missing' in detected) throw new Error(detected.missing);
  return { name: peer.name, version: detected.version, peer };
}

async function writeResults(result: RunResult, { json, out }: RunArguments): Promise<void> {
  if (json !== undefined) await writeFile(json, `${JSON.stringify(result, undefined, 2)}\n`);
  if (out === undefined) return;
  const folder = join(dirname(out), 'plots');
  const plots = plotsOf(result);
  // Plots of an earlier run would stand beside the figures of this one.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const { file, svg } of plots) await writeFile(join(folder, file), svg);
  await writeFile(out, documentOf(result, plots, 'plots'));
}

/** Undefined, said on standard error, when the engine's rows fail: they don't take the others down. */
async function engineFigures(cpus: CpuPlan): Promise<EngineFigures | undefined> {
  try {
    return await measureEngine(cpus.proxy(1));
  } catch (error) {
    console.error(`engine: not measured: ${messageOf(error)}`);
    return undefined;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
