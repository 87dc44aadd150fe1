// SPDX-License-Identifier: Apache-2.0
/**
 * One attack -> what other clients and the proxy's memory felt of it, on a proxy started for it alone: without and
 * with the attacker, in turns.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { GATEWAY_PORT } from '../gate/mesh-yaml.js';
import { startWeft } from '../gate/weft-process.js';
import type { Attack, AttackReport } from './attacks.js';
import { measureBystanders } from './bystander.js';
import type { BystanderFigures } from './bystander.js';
import { ForeignLoad } from './foreign-load.js';

/** Thrown away: code is compiled and connections are opened. */
const WARM_UP_MS = 2000;
const MEMORY_EACH_MS = 200;
/** How long the proxy has to let go of what the attacker has left. */
const SETTLE_MS = 1500;
const THREADS = 2;
/** Rounds that are judged, and the most that are run because others disturbed some. */
const ROUNDS = 3;
const MOST_ROUNDS = 7;
/** More of the machine than this for other programs, and a round says nothing of the proxy. */
const DISTURBING_SHARE = 0.1;

/** Clients without the attack and then with it, on the same proxy. */
export interface AttackRound {
  readonly alone: BystanderFigures;
  readonly during: BystanderFigures;
  readonly report: AttackReport;
  /** Share of the machine that other programs had, in the worse of the two phases. */
  readonly foreignShare: number;
}

export interface AttackFigures {
  readonly attack: Attack;
  /** Those that were not disturbed, or all when too few were not. */
  readonly rounds: readonly AttackRound[];
  readonly isDisturbed: boolean;
  /** Resident memory of the proxy, bytes. */
  readonly memoryBefore: number;
  readonly memoryPeak: number;
  readonly memoryAfter: number;
}

/** Rejects when a process does not start or ends early. */
export async function measureAttack(attack: Attack, phaseMs: number): Promise<AttackFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-abuse-'));
  const origin = fork(program('./origin.js'));
  try {
    const [originPort] = (await once(origin, 'message')) as [number];
    const file = join(folder, 'abuse.yaml');
    await writeFile(file, configurationFor(originPort));
    const proxy = await startWeft({ source: ['-c', file], threads: THREADS, front: 'wire' });
    try {
      return await attackProxy(attack, phaseMs, proxy.port, proxy.pid);
    } finally {
      await proxy.stop();
    }
  } finally {
    origin.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

/** Quiet and attacked phases take turns, so that a slow minute of the machine is in both. */
async function attackProxy(attack: Attack, phaseMs: number, port: number, pid: number): Promise<AttackFigures> {
  await measureBystanders(port, WARM_UP_MS);
  const memoryBefore = await residentBytes(pid);
  const watch = new MemoryWatch(pid);
  const rounds: AttackRound[] = [];
  const isCalm = (round: AttackRound): boolean => round.foreignShare <= DISTURBING_SHARE;
  while (rounds.length < MOST_ROUNDS && rounds.filter(isCalm).length < ROUNDS)
    rounds.push(await measureRound(attack, phaseMs, port));
  const memoryPeak = await watch.stop();
  const calm = rounds.filter(isCalm);
  const isDisturbed = calm.length < ROUNDS;
  const memoryAfter = await residentBytes(pid);
  return { attack, rounds: isDisturbed ? rounds : calm, isDisturbed, memoryBefore, memoryPeak, memoryAfter };
}

async function measureRound(attack: Attack, phaseMs: number, port: number): Promise<AttackRound> {
  const quiet = new ForeignLoad();
  const alone = await measureBystanders(port, phaseMs);
  const quietShare = quiet.share();
  const attacker = fork(program('./attacker.js'));
  try {
    const attacked = new ForeignLoad();
    attacker.send({ attack, port });
    // Until all are connected it is an attack on accepting, and afterwards on what is held.
    const openingMs = (attack.connectionCount / attack.openedPerSecond) * 1000;
    const during = await measureBystanders(port, phaseMs + openingMs);
    const foreignShare = Math.max(quietShare, attacked.share());
    const reported = once(attacker, 'message');
    attacker.send('end');
    const [report] = (await reported) as [AttackReport];
    return { alone, during, report, foreignShare };
  } finally {
    attacker.kill('SIGKILL');
    await sleep(SETTLE_MS);
  }
}

/** The highest resident memory of a process from now on. */
class MemoryWatch {
  #peak = 0;
  #isOver = false;
  readonly #watching: Promise<void>;

  constructor(pid: number) {
    this.#watching = this.#watch(pid);
  }

  async stop(): Promise<number> {
    this.#isOver = true;
    await this.#watching;
    return this.#peak;
  }

  async #watch(pid: number): Promise<void> {
    while (!this.#isOver) {
      this.#peak = Math.max(this.#peak, await residentBytes(pid));
      await sleep(MEMORY_EACH_MS);
    }
  }
}

function program(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}

/** A gateway that sends everything for any host to one endpoint. */
function configurationFor(port: number): string {
  const resource = (kind: string, spec: object): string =>
    stringify({ apiVersion: 'networking.istio.io/v1', kind, metadata: { name: 'abuse' }, spec });
  const servers = [{ port: { number: GATEWAY_PORT, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }];
  const host = 'abuse.example';
  const destination = { host, port: { number: GATEWAY_PORT } };
  return [
    resource('Gateway', { selector: { istio: 'ingressgateway' }, servers }),
    resource('VirtualService', { hosts: ['*'], gateways: ['abuse'], http: [{ route: [{ destination }] }] }),
    resource('ServiceEntry', {
      hosts: [host],
      location: 'MESH_EXTERNAL',
      resolution: 'STATIC',
      ports: [{ number: GATEWAY_PORT, name: 'http', protocol: 'HTTP' }],
      endpoints: [{ address: '127.0.0.1', ports: { http: port } }],
    }),
  ].join('---\n');
}
