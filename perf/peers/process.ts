// SPDX-License-Identifier: Apache-2.0
/**
 * A command line -> a proxy process pinned to its CPUs, its output kept, and a way to end it with all its descendants.
 * Each process leads a process group of its own, so that one signal reaches its workers too.
 */
import { spawn } from 'node:child_process';
import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Work } from './contract.js';

/** Ten thousand routes take some peers several seconds to load, a hundred thousand some of them a minute. */
const START_TIMEOUT_MS = 180_000;
/** After this a peer that drains connections is killed: its figures are taken before. */
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 5;
/** Enough for the last error of a peer that repeats itself. */
const OUTPUT_SIZE_CHARACTERS = 32_768;

/** What to run. */
export interface PinnedCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** Its working directory. */
  readonly directory: string;
  /** A CPU list for `taskset -c`. */
  readonly cpus: string;
  /** Added to this process's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** A running command. */
export interface PinnedProcess {
  readonly pid: number;
  /** The end of what it has written to stdout and stderr. */
  output(): string;
  /** What `poll` resolves to, once it is not undefined; rejects with the output when the process ends or never gets there. */
  until<T>(what: string, poll: () => Promise<T | undefined>): Promise<T>;
  /** SIGTERM, then SIGKILL; resolves when no process of the group is left. */
  stop(): Promise<void>;
}

/** Groups that must not outlive this process, however it ends. */
const liveGroups = new Set<number>();
process.on('exit', () => {
  for (const group of liveGroups) signalGroup(group, 'SIGKILL');
});
// A signal without a listener ends Node.js without 'exit'; 128 + the signal's number is what a shell reports.
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.once(signal, () => process.exit(status));
}

/** Starts a command under `taskset`, which execs it: the pid is the command's own. Rejects when it can't be run. */
export async function startPinned(command: PinnedCommand): Promise<PinnedProcess> {
  const child = spawn('taskset', ['-c', command.cpus, command.file, ...command.args], {
    cwd: command.directory,
    detached: true,
    env: { ...process.env, ...command.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-OUTPUT_SIZE_CHARACTERS);
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
  liveGroups.add(pid);

  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async (): Promise<void> => {
    signalGroup(pid, 'SIGTERM');
    const deadline = Date.now() + STOP_TIMEOUT_MS;
    while (signalGroup(pid, 0)) {
      if (Date.now() > deadline) signalGroup(pid, 'SIGKILL');
      await sleep(POLL_MS);
    }
    liveGroups.delete(pid);
    await ended;
  };
  const until = async <T>(what: string, poll: () => Promise<T | undefined>): Promise<T> => {
    const deadline = Date.now() + START_TIMEOUT_MS;
    for (;;) {
      const result = await poll();
      if (result !== undefined) return result;
      if (hasEnded()) throw new Error(`${command.file} ended before ${what}:\n${output}`);
      if (Date.now() > deadline) throw new Error(`${command.file}: no sign of ${what}:\n${output}`);
      await sleep(POLL_MS);
    }
  };
  return { pid, output: () => output, until, stop };
}

/**
 * Starts a command and waits until its port answers HTTP/1.1, or accepts connections where the work is something else; a
 * command that does not get there is stopped first.
 */
export async function startServing(command: PinnedCommand, port: number, work?: Work): Promise<PinnedProcess> {
  await requireFreePort(port);
  const started = await startPinned(command);
  const speaksHttp1 = work?.tls === undefined && work?.protocol !== 'http2';
  try {
    await started.until(`an answer on port ${port}`, async () =>
      speaksHttp1 ? fetchLocal(port, '/') : (await canConnect(port)) ? true : undefined,
    );
    return started;
  } catch (error) {
    await started.stop();
    throw error;
  }
}

/** Status and body of a GET to 127.0.0.1 on a connection of its own; undefined when nothing answers. */
export function fetchLocal(port: number, path: string): Promise<{ status: number; body: string } | undefined> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', () => resolve(undefined));
    });
    request.on('error', () => resolve(undefined));
  });
}

/** Whether something accepts connections on a port of 127.0.0.1. */
export function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** A TCP port of 127.0.0.1 that nothing listens on now. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

/** Rejects where something answers on the port already: its figures would be taken for the peer's. */
export async function requireFreePort(port: number): Promise<void> {
  if (await canConnect(port)) throw new Error(`port ${port} is taken by another process`);
}

/** False when the group has no process left. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}
