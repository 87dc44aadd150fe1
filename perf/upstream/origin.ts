// SPDX-License-Identifier: Apache-2.0
/**
 * A scenario -> the origin that its protocol needs: the suite's own for HTTP/1.1 (also below TCP) and for WebSocket, nghttpd
 * for HTTP/2, because one written in Node.js would cost more than the proxies.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { requestsFor } from '../measure/requests.js';
import type { Setting } from '../measure/setting.js';
import { canConnect, findFreePort } from '../peers/process.js';
import { requireTool } from '../peers/tools.js';
import type { Scenario } from '../scenario.js';
import { startUpstream } from './upstream.js';
import type { Upstream } from './upstream.js';

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 10;
const PATTERN = '0123456789abcdefghijklmnopqrstuvwxyz\n';

export async function startOrigin(scenario: Scenario, { cpus, directory }: Setting): Promise<Upstream> {
  const { upstreamCount, protocol = 'http1' } = scenario.work;
  if (protocol === 'http2') return startNghttpd(scenario, cpus.load, directory);
  const program = protocol === 'websocket' ? 'message-server' : 'server';
  return startUpstream(upstreamCount, scenario.answerBytes, cpus.load, program);
}

/** One process for each port, with a file for each path that the load asks for. */
async function startNghttpd(scenario: Scenario, cpus: string | undefined, directory: string): Promise<Upstream> {
  const root = mkdtempSync(join(directory, 'htdocs-'));
  const target = 'target' in scenario.load ? scenario.load.target : 'last';
  const body = PATTERN.repeat(Math.ceil(scenario.answerBytes / PATTERN.length)).slice(0, scenario.answerBytes);
  for (const path of requestsFor(scenario.work.routes, target).paths) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, body);
  }
  const echoes = scenario.load.kind === 'closed' && scenario.load.echo === true;
  const options = [
    ...['--no-tls', '-d', root, '--max-concurrent-streams', '1000', '--address', '127.0.0.1'],
    ...(scenario.trailer === undefined ? [] : [`--trailer=${scenario.trailer}`]),
    ...(echoes ? ['--echo-upload'] : []),
  ];
  const started = await Promise.all(Array.from({ length: scenario.work.upstreamCount }, () => startOne(options, cpus)));
  return {
    ports: started.map(({ port }) => port),
    async headsDuring(during) {
      await during();
      return undefined;
    },
    async stop() {
      await Promise.all(started.map((one) => one.stop()));
    },
  };
}

async function startOne(
  options: readonly string[],
  cpus: string | undefined,
): Promise<{ port: number; stop(): Promise<unknown> }> {
  const port = await findFreePort();
  const command = [requireTool('nghttpd'), ...options, String(port)];
  const [file = '', ...args] = cpus === undefined ? command : ['taskset', '-c', cpus, ...command];
  const child = spawn(file, args, { stdio: 'ignore' });
  process.once('exit', () => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await canConnect(port))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('nghttpd does not listen');
    await sleep(POLL_MS);
  }
  return {
    port,
    stop() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}
