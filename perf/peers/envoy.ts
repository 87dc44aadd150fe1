// SPDX-License-Identifier: Apache-2.0
/**
 * Envoy as a peer: three JSON files and one process. A reload moves new route and cluster files over the old ones and waits
 * until Envoy's admin names their version.
 */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer, RunningPeer, StartOptions, Work } from './contract.js';
import { buildBootstrap, buildClusters, buildRoutes } from './envoy-config.js';
import type { EnvoySetting } from './envoy-config.js';
import { fetchLocal, findFreePort, startServing } from './process.js';
import type { PinnedProcess } from './process.js';
import { detectTool, requireTool } from './tools.js';

export const envoy: Peer = {
  name: 'envoy',
  detect: () => detectTool('envoy', ['--version'], /\/(\d+\.\d+\.\d+)\//),
  unsupported: ({ protocol }) => (protocol === 'tcp' ? 'the suite has no configuration of it for tcp' : undefined),
  start,
};

async function start({ directory, port, work, cpus, threads }: StartOptions): Promise<RunningPeer> {
  const accessLogFile = join(directory, 'access.log');
  const setting: EnvoySetting = {
    port,
    adminPort: await findFreePort(),
    routesFile: join(directory, 'routes.json'),
    clustersFile: join(directory, 'clusters.json'),
    work,
    ...(work.accessLog === true ? { accessLogFile } : {}),
  };
  const bootstrapFile = join(directory, 'bootstrap.json');
  await writeFile(bootstrapFile, JSON.stringify(buildBootstrap(setting)));
  await writeWork(setting, work, 1);
  const process = await startServing(
    {
      file: requireTool('envoy'),
      args: [
        ...['--config-path', bootstrapFile, '--concurrency', String(threads), '--log-level', 'warning'],
        // One process does not need the shared memory and the socket through which a second one would take over.
        '--disable-hot-restart',
        // The log's buffer is written out each second, so that a reader after the run finds every line.
        ...['--file-flush-interval-msec', '1000'],
      ],
      directory,
      cpus,
    },
    port,
    work,
  );
  let version = 1;
  return {
    pid: process.pid,
    metricsUrl: `http://127.0.0.1:${setting.adminPort}/stats/prometheus`,
    ...(work.accessLog === true ? { accessLogFile } : {}),
    async reload(changed) {
      if (changed.accessLog !== work.accessLog) throw new Error('envoy: a reload here leaves the access log as it is');
      version += 1;
      await writeWork(setting, changed, version);
      await untilVersion(process, setting, version);
    },
    stop: () => process.stop(),
  };
}

/** Writes both files under other names and moves them: Envoy watches for moves, and never sees half a file. */
async function writeWork(setting: EnvoySetting, work: Work, version: number): Promise<void> {
  // Clusters first: a route must not name one that is not there yet.
  const files = [
    [setting.clustersFile, buildClusters(work, String(version))],
    [setting.routesFile, buildRoutes(work, String(version))],
  ] as const;
  for (const [file, content] of files) {
    await writeFile(`${file}.new`, JSON.stringify(content));
    await rename(`${file}.new`, file);
  }
}

async function untilVersion(process: PinnedProcess, setting: EnvoySetting, version: number): Promise<void> {
  await process.until(`configuration ${version}`, async () => {
    const answer = await fetchLocal(setting.adminPort, '/stats?filter=(cluster_manager.cds|rds.routes).version_text');
    const found = [...(answer?.body ?? '').matchAll(/version_text: "(\d+)"/g)];
    return found.length === 2 && found.every(([, text]) => text === String(version)) ? true : undefined;
  });
}
