// SPDX-License-Identifier: Apache-2.0
/**
 * Arguments -> the built `weft proxy` in a child process on free ports of 127.0.0.1, with the time until it answered its first
 * request. It is the package as users start it; only Node's own options may be added.
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { GATEWAY_PORT } from './mesh-yaml.js';

/** From dist/perf/gate. */
const PROGRAM = fileURLToPath(new URL('../../../bin/weft.js', import.meta.url));
const START_LIMIT_MS = 60_000;
/** Between two attempts to connect. */
const RETRY_MS = 3;
const ATTEMPT_LIMIT_MS = 2000;
const ASK_LIMIT_MS = 10_000;

export interface WeftOptions {
  /** `-c PATH` or `--rules FILE`. */
  readonly source: readonly string[];
  readonly threads: number;
  /** Where compiled rules listen; any free port for YAML. */
  readonly port?: number;
  readonly front?: 'uws' | 'wire';
  /** Options of Node.js, such as flags of V8. */
  readonly nodeOptions?: readonly string[];
}

export interface WeftProcess {
  readonly pid: number;
  readonly port: number;
  /** From the start of the process to the first answer on the gateway's port, ms. */
  readonly firstAnswerMs: number;
  /** Sends a message to the probe that the process was started with; resolves with its answer, rejects after 10 s. */
  ask(message: string): Promise<unknown>;
  /** Resolves when the process is gone. */
  stop(): Promise<void>;
}

/** Rejects with what the process wrote when it ends or does not answer in a minute. `stop` must be called. */
export async function startWeft(options: WeftOptions): Promise<WeftProcess> {
  const port = options.port ?? (await freePort());
  const args = [
    ...['proxy', ...options.source, '--bind', '127.0.0.1', '--listen-map', `${GATEWAY_PORT}=${port}`],
    ...['--admin', `127.0.0.1:${await freePort()}`, '--status-port', '-1', '--metrics-port', '-1'],
    ...['--threads', String(options.threads), '--log-level', 'warning'],
    ...(options.front === undefined ? [] : ['--front', options.front]),
  ];
  const startedMs = performance.now();
  const child = fork(PROGRAM, args, {
    execArgv: [...(options.nodeOptions ?? [])],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let output = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'exit');
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  try {
    await untilAnswered(port, child, startedMs + START_LIMIT_MS);
  } catch (error) {
    await stop();
    throw new Error(`weft ${args.join(' ')}: ${String(error)}\n${output}`, { cause: error });
  }
  const firstAnswerMs = performance.now() - startedMs;
  return { pid: child.pid ?? 0, port, firstAnswerMs, ask: (message) => ask(child, message), stop };
}

async function ask(child: ChildProcess, message: string): Promise<unknown> {
  const answer = once(child, 'message', { signal: AbortSignal.timeout(ASK_LIMIT_MS) });
  child.send(message);
  const [reply] = (await answer) as [unknown];
  return reply;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function untilAnswered(port: number, child: ChildProcess, limitMs: number): Promise<void> {
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended before it answered');
    if (performance.now() > limitMs) throw new Error('it does not answer');
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Any answer will do: one for a host that no rule names shows that rules are in force. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.setTimeout(ATTEMPT_LIMIT_MS, () => socket.destroy());
    socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: nobody.example\r\nConnection: close\r\n\r\n'));
    socket.once('data', (chunk) => {
      resolve(chunk.toString('latin1').startsWith('HTTP/1.1 '));
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}
