// SPDX-License-Identifier: Apache-2.0
/**
 * The demo's rules, or 10,000 routes -> how long a proxy takes to its first answer, as a ratio to the start of Node.js itself,
 * and how much memory it then has resident while idle. Two data-path threads, as the bounds say.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compilePaths } from '../../src/control/pipeline.js';
import { writeRules } from '../../src/control/rules-file.js';
import { median } from '../engine/race.js';
import { GATEWAY_PORT, ROUTES_PER_SERVICE, rulesYaml, serviceYaml } from './mesh-yaml.js';
import type { WeftOptions } from './weft-process.js';
import { freePort, startWeft } from './weft-process.js';

/** From dist/perf/gate. */
const DEMO = fileURLToPath(new URL('../../../examples/hello', import.meta.url));
const ROUTES = 10_000;
const THREADS = 2;
const ROUNDS = 5;
/** After the first answer: connections of the start are closed, what was only needed then may be collected. */
const SETTLE_MS = 1000;

export interface StartFigures {
  /** `node -e 0`, from start to end, ms. */
  readonly nodeMs: number;
  /** From the start of the process to the first answer, ms. */
  readonly demoMs: number;
  readonly demoRatio: number;
  /** 10,000 routes from a file of compiled rules. */
  readonly rulesMs: number;
  readonly rulesRatio: number;
}

/** Takes about ten seconds; rounds alternate and ratios are taken within a round. */
export function measureStart(): Promise<StartFigures> {
  return withMesh(async (folder) => {
    const rules = join(folder, 'rules.weft');
    const port = await freePort();
    await compileRules(folder, rules, port);
    const node: number[] = [];
    const demo: number[] = [];
    const compiled: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      node.push(await timeNode());
      demo.push(await timeFirstAnswer({ source: ['-c', DEMO] }));
      compiled.push(await timeFirstAnswer({ source: ['--rules', rules], port }));
    }
    const ratio = (times: readonly number[]): number => median(times.map((time, round) => time / (node[round] ?? NaN)));
    return {
      nodeMs: median(node),
      demoMs: median(demo),
      demoRatio: ratio(demo),
      rulesMs: median(compiled),
      rulesRatio: ratio(compiled),
    };
  });
}

export interface MemoryFigures {
  readonly demoBytes: number;
  /** 10,000 routes read from YAML. */
  readonly routesBytes: number;
  /** The engine's memory with the demo's rules: address space, of which only what is touched is resident. */
  readonly engineBytes: number;
}

/** Takes about ten seconds. Rejects where neither /proc nor `ps` tells what is resident. */
export async function measureMemory(): Promise<MemoryFigures> {
  return {
    demoBytes: await residentOf(['-c', DEMO]),
    routesBytes: await withMesh((folder) => residentOf(['-c', folder])),
    engineBytes: await engineBytesOf(['-c', DEMO]),
  };
}

async function engineBytesOf(source: readonly string[]): Promise<number> {
  const probe = new URL('./memory-probe.js', import.meta.url).href;
  const weft = await startWeft({ source, threads: THREADS, nodeOptions: [`--import=${probe}`] });
  try {
    return (await weft.ask('memory')) as number;
  } finally {
    await weft.stop();
  }
}

async function withMesh<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-gate-'));
  try {
    await writeFile(join(folder, 'service.yaml'), serviceYaml('127.0.0.1', 9));
    await writeFile(join(folder, 'rules.yaml'), rulesYaml(ROUTES / ROUTES_PER_SERVICE, '/api'));
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compileRules(folder: string, file: string, port: number): Promise<void> {
  const node = {
    role: 'gateway',
    namespace: 'default',
    labels: { istio: 'ingressgateway' },
    bind: '127.0.0.1',
    listenMap: new Map([[GATEWAY_PORT, port]]),
  } as const;
  const { encoded } = await compilePaths([folder], node, () => undefined);
  if (encoded.host.routes.length !== ROUTES) throw new Error(`${encoded.host.routes.length} routes were compiled`);
  await writeRules(file, encoded, 'gate');
}

async function timeNode(): Promise<number> {
  const startedMs = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - startedMs;
}

async function timeFirstAnswer(options: Pick<WeftOptions, 'source' | 'port'>): Promise<number> {
  const weft = await startWeft({ ...options, threads: THREADS });
  await weft.stop();
  return weft.firstAnswerMs;
}

async function residentOf(source: readonly string[]): Promise<number> {
  const weft = await startWeft({ source, threads: THREADS });
  try {
    await sleep(SETTLE_MS);
    return await residentBytes(weft.pid);
  } finally {
    await weft.stop();
  }
}

async function residentBytes(pid: number): Promise<number> {
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  }
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
  return Number(stdout.trim()) * 1024;
}
