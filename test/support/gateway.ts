// SPDX-License-Identifier: Apache-2.0
/** Istio YAML -> a running `weft proxy` (the built package, as users start it) on free ports, with its logs and metrics. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GATEWAY_PORT, SERVICE_PORT } from './istio-yaml.js';

const PROGRAM = new URL('../../bin/weft.js', import.meta.url).pathname;
/** Below the range that Linux takes ports of outgoing connections from, so that none of those is in the way. */
const FIRST_PORT = 20_000;
const PORT_COUNT = 12_000;
const START_MS = 20_000;
const STEP_MS = 20;

export interface GatewayOptions {
  readonly config: readonly string[];
  readonly threads?: number;
  readonly accessLog?: 'TEXT' | 'JSON';
  readonly exposeReasons?: boolean;
  readonly drainSeconds?: number;
  /** More options of `weft proxy`. */
  readonly options?: readonly string[];
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Gateway {
  readonly port: number;
  readonly url: string;
  readonly adminUrl: string;
  readonly statusUrl: string;
  readonly pid: number;
  readonly ended: Promise<ProcessEnd>;
  /** The one file of the configuration. */
  readonly configFile: string;
  /** Replaces the configuration; the proxy sees the change by itself. */
  writeConfig(config: readonly string[]): Promise<void>;
  /** Lines of the access log so far. */
  accessLog(): Promise<string[]>;
  /** Waits for an access-log line that contains `text`. */
  accessLogLine(text: string): Promise<string>;
  metrics(): Promise<Metrics>;
  /** Resident memory of the process, bytes. */
  residentBytes(): Promise<number>;
  signal(name: NodeJS.Signals): void;
  /** What the process has written to standard error. */
  log(): string;
  stop(): Promise<ProcessEnd>;
}

/** Samples of a scrape. */
export class Metrics {
  readonly #lines: readonly string[];

  constructor(text: string) {
    this.#lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  }

  /** Sum of the samples of `name` whose labels include all of `labels`; 0 when there are none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
    let total = 0;
    for (const line of this.#lines) {
      const end = line.search(/[{ ]/);
      if (line.slice(0, end) !== name) continue;
      const words = line.slice(end).split(/[{},]/);
      if (wanted.every((label) => words.includes(label))) total += Number(line.slice(line.lastIndexOf(' ')));
    }
    return total;
  }
}

/** So that none is given twice before anybody listens on it. */
const given = new Set<number>();

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    if (given.has(port)) continue;
    given.add(port);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen({ port, host: '0.0.0.0', exclusive: true }, () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
  throw new Error('no free port found');
}

/** Polls until `check` gives something, or throws after `limitMs`. */
export async function eventually<T>(
  what: string,
  check: () => Promise<T | undefined> | T | undefined,
  limitMs = 5000,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const value = await check();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(`did not happen within ${limitMs} ms: ${what}`);
    await sleep(STEP_MS);
  }
}

/**
 * Starts a proxy and waits until it is ready. WEFT_FRONT is handed on, so that the same tests run against each front. Throws
 * with the proxy's log when it does not get ready.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-gateway-'));
  const configFile = join(folder, 'config.yaml');
  const logFile = join(folder, 'access.log');
  // By rename, since a proxy that read a file half written would find half of its rules.
  const writeConfig = async (config: readonly string[]): Promise<void> => {
    await writeFile(`${configFile}.new`, config.join('---\n'));
    await rename(`${configFile}.new`, configFile);
  };
  await writeConfig(options.config);
  // Sidecars listen on the ports of the services too.
  const [port, servicePort, admin, status] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const child = spawn(
    process.execPath,
    [
      PROGRAM,
      'proxy',
      ...[
        '--config',
        configFile,
        '--listen-map',
        `${GATEWAY_PORT}=${port},${SERVICE_PORT}=${servicePort}`,
        '--bind',
        '127.0.0.1',
      ],
      ...['--admin', `127.0.0.1:${admin}`, '--status-port', String(status), '--metrics-port', '-1'],
      ...['--threads', String(options.threads ?? 1), '--drain-seconds', String(options.drainSeconds ?? 5)],
      ...(options.accessLog ? ['--access-log', logFile, '--access-log-encoding', options.accessLog] : []),
      ...(options.exposeReasons ? ['--expose-reasons'] : []),
      ...(options.options ?? []),
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: process.env['PATH'] ?? '', WEFT_FRONT: process.env['WEFT_FRONT'] ?? '' },
    },
  );
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = endOf(child);
  const statusUrl = `http://127.0.0.1:${status}`;
  const adminUrl = `http://127.0.0.1:${admin}`;
  const stop = async (): Promise<ProcessEnd> => {
    child.kill('SIGKILL');
    const end = await ended;
    await rm(folder, { recursive: true, force: true });
    return end;
  };
  const accessLog = async (): Promise<string[]> =>
    (await readFile(logFile, 'utf8')).split('\n').filter((line) => line !== '');
  try {
    await eventually('the proxy is ready', () => isReady(statusUrl, child), START_MS);
  } catch (error) {
    await stop();
    throw new Error(`weft proxy did not start:\n${log}`, { cause: error });
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    adminUrl,
    statusUrl,
    pid: child.pid as number,
    ended,
    configFile,
    writeConfig,
    accessLog,
    accessLogLine: (text) =>
      eventually(`access log line with ${text}`, async () => (await accessLog()).find((line) => line.includes(text))),
    metrics: async () => new Metrics(await (await fetch(`${adminUrl}/stats/prometheus`)).text()),
    residentBytes: async () => {
      const text = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1]) * 1024;
    },
    signal: (name) => void child.kill(name),
    log: () => log,
    stop,
  };
}

function endOf(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}

async function isReady(statusUrl: string, child: ChildProcess): Promise<true | undefined> {
  if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
  try {
    return (await fetch(`${statusUrl}/healthz/ready`)).status === 200 ? true : undefined;
  } catch {
    return undefined;
  }
}
