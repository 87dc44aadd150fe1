// SPDX-License-Identifier: Apache-2.0
/** The built command (`dist/`, so `npm run build` comes first) in a child process, as a user runs it. */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

const WEFT = fileURLToPath(new URL('../../bin/weft.js', import.meta.url));
/** Paths in arguments and output are relative to the package. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function runWeft(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Finished {
  const env = { ...process.env, ...options.env };
  const input = options.input ?? '';
  return spawnSync(process.execPath, [WEFT, ...args], { cwd: ROOT, env, input, encoding: 'utf8', timeout: 20_000 });
}

/** A `weft` that keeps running. `stop` must be called. */
export class WeftProcess {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [WEFT, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  /** Waits until `holds`; rejects with what was printed when it never does, or when the process ends first. */
  async until(holds: () => boolean | Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; waitedMs < 15_000; waitedMs += 20) {
      if (await holds()) return;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`never came true (exit status ${this.child.exitCode})\n${this.stdout}\n${this.stderr}`);
  }

  /** Sends the signal and resolves with the exit status. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    const [status] = (await exited) as [number | null];
    return status;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) await this.end('SIGKILL');
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One GET on a connection of its own; undefined when nothing answers. */
export function get(port: number, host: string, path = '/'): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const outgoing = request({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    outgoing.on('error', () => resolve(undefined));
    outgoing.setTimeout(5000, () => outgoing.destroy());
    outgoing.end();
  });
}
