// SPDX-License-Identifier: Apache-2.0
/**
 * A TCP port on which connecting never ends: a process listens with the shortest queue, never accepts, and the queue is
 * filled, so that the kernel drops further SYNs. Unlike an unroutable address this needs no network.
 */
import { spawn } from 'node:child_process';
import net from 'node:net';

const LISTENER = `
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  require('node:fs').writeSync(1, String(server.address().port));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;
/** More than a queue of length 1 takes (Linux takes one more than asked for). */
const FILLERS = 4;

export interface Blackhole {
  readonly port: number;
  stop(): void;
}

export async function startBlackhole(): Promise<Blackhole> {
  const child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'ignore'] });
  const port = Number(
    await new Promise<string>((resolve) => child.stdout.once('data', (text) => resolve(String(text)))),
  );
  const fillers = Array.from({ length: FILLERS }, () => {
    const filler = net.connect({ port, host: '127.0.0.1' });
    filler.on('error', () => undefined);
    return filler;
  });
  await new Promise((resolve) => fillers[0]?.once('connect', resolve));
  await new Promise((resolve) => fillers[1]?.once('connect', resolve));
  return {
    port,
    stop: () => {
      for (const filler of fillers) filler.destroy();
      child.kill('SIGKILL');
    },
  };
}
