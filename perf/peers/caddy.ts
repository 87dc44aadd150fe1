// SPDX-License-Identifier: Apache-2.0
/**
 * Caddy as a peer: one JSON file, one process, reloads through its admin API, which answers when the new configuration is
 * what it serves.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildCaddyConfig } from './caddy-config.js';
import { onlyPlainHttp1 } from './contract.js';
import type { Peer, RunningPeer, StartOptions, Work } from './contract.js';
import { findFreePort, startServing } from './process.js';
import { detectTool, requireTool } from './tools.js';

/**
 * Each route's proxy handler has a connection pool of its own: with more routes than this, requests at random would hold more
 * connections than one address has ports for.
 */
const ROUTE_LIMIT = 10_000;

export const caddy: Peer = {
  name: 'caddy',
  detect: () => detectTool('caddy', ['version'], /^v?(\d+\.\d+\.\d+)/),
  unsupported,
  start,
};

function unsupported(work: Work): string | undefined {
  const { routes } = work;
  const other = onlyPlainHttp1(work);
  if (other !== undefined) return other;
  if (routes === null || routes.count <= ROUTE_LIMIT) return undefined;
  return `one connection pool for each route: more than ${ROUTE_LIMIT} run out of ports`;
}

async function start({ directory, port, work, cpus, threads }: StartOptions): Promise<RunningPeer> {
  const accessLogFile = join(directory, 'access.log');
  const adminPort = await findFreePort();
  const configOf = (wanted: Work): string => {
    const setting = { port, adminPort, ...(wanted.accessLog === true ? { accessLogFile } : {}) };
    return JSON.stringify(buildCaddyConfig(setting, wanted));
  };
  const configFile = join(directory, 'caddy.json');
  await writeFile(configFile, configOf(work));
  const process = await startServing(
    {
      file: requireTool('caddy'),
      args: ['run', '--config', configFile],
      directory,
      cpus,
      environment: {
        // Threads that run Go code at one time; taskset alone would leave the choice to the number of CPUs it names.
        GOMAXPROCS: String(threads),
        // What Caddy stores goes where it is removed with the run.
        HOME: directory,
        XDG_DATA_HOME: directory,
        XDG_CONFIG_HOME: directory,
      },
    },
    port,
  );
  return {
    pid: process.pid,
    metricsUrl: `http://127.0.0.1:${adminPort}/metrics`,
    ...(work.accessLog === true ? { accessLogFile } : {}),
    async reload(changed) {
      const answer = await fetch(`http://127.0.0.1:${adminPort}/load`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: configOf(changed),
      });
      if (!answer.ok) throw new Error(`caddy refused the configuration: ${await answer.text()}`);
    },
    stop: () => process.stop(),
  };
}
