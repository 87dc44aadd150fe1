// SPDX-License-Identifier: Apache-2.0
/**
 * One attack -> what other clients and the proxy's memory felt of it, on a proxy started for it alone: before, during, and
 * after the attacker has gone.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
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

/** Thrown away: code is compiled and connections are opened. */
const WARM_UP_MS = 2000;
const MEMORY_EACH_MS = 200;
/** How long the proxy has to let go of what the attacker has left. */
const SETTLE_MS = 3000;
const THREADS = 2;

export interface AttackFigures {
  readonly attack: Attack;
  readonly before: BystanderFigures;
  readonly during: BystanderFigures;
  readonly after: BystanderFigures;
  readonly report: AttackReport;
  /** Resident memory of the proxy, bytes. */
  readonly memoryBefore: number;
  readonly memoryPeak: number;
  readonly memoryAfter: number;
}

/** Rejects when a process does not start or ends early. */
export async function measureAttack(attack: Attack, phaseMs: number): Promise<AttackFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-abuse-'));
  const origin = fork(program('./origin.js'));
  const attacker = fork(program('./attacker.js'));
  try {
    const [originPort] = (await once(origin, 'message')) as [number];
    const file = join(folder, 'abuse.yaml');
    await writeFile(file, configurationFor(originPort));
    const proxy = await startWeft({ source: ['-c', file], threads: THREADS, front: 'wire' });
    try {
      return await attackProxy(attack, phaseMs, proxy.port, proxy.pid, attacker);
    } finally {
      await proxy.stop();
    }
  } finally {
    attacker.kill('SIGKILL');
    origin.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
}

async function attackProxy(
  attack: Attack,
  phaseMs: number,
  port: number,
  pid: number,
  attacker: ChildProcess,
): Promise<AttackFigures> {
  await measureBystanders(port, WARM_UP_MS);
  const before = await measureBystanders(port, phaseMs);
  const memoryBefore = await residentBytes(pid);
  let memoryPeak = 0;
  let isWatched = true;
  const watch = async (): Promise<void> => {
    while (isWatched) {
      memoryPeak = Math.max(memoryPeak, await residentBytes(pid));
      await sleep(MEMORY_EACH_MS);
    }
  };
  const watching = watch();
  attacker.send({ attack, port });
  // Until all are connected it is an attack on accepting, and afterwards on what is held.
  const during = await measureBystanders(port, phaseMs + (attack.connectionCount / attack.openedPerSecond) * 1000);
  isWatched = false;
  await watching;
  const reported = once(attacker, 'message');
  attacker.send('end');
  const [report] = (await reported) as [AttackReport];
  await sleep(SETTLE_MS);
  const memoryAfter = await residentBytes(pid);
  const after = await measureBystanders(port, phaseMs / 2);
  return { attack, before, during, after, report, memoryBefore, memoryPeak, memoryAfter };
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
