// SPDX-License-Identifier: Apache-2.0
/**
 * Traefik as a peer: arguments, one watched file, and a local plugin for the request id. A reload moves a new file over the
 * old one, and waits for the router that only the new one has.
 */
import { cp, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onlyPlainHttp1 } from './contract.js';
import type { Peer, RunningPeer, StartOptions, Work } from './contract.js';
import { fetchLocal, findFreePort, requireFreePort, startPinned } from './process.js';
import { detectTool, repositoryRoot, requireTool } from './tools.js';
import { buildDynamic, buildTraefikArguments, pathOfVersion, PLUGIN_MODULE } from './traefik-config.js';

/** 10,000 routes took 4.5 s to load, 30,000 took 23 s, and 100,000 were not there after 180 s (two shared cores). */
const ROUTE_LIMIT = 30_000;

export const traefik: Peer = {
  name: 'traefik',
  detect: () => detectTool('traefik', ['version'], /^Version:\s+(\S+)/m),
  unsupported,
  start,
};

function unsupported(work: Work): string | undefined {
  const { routes } = work;
  const other = onlyPlainHttp1(work);
  if (other !== undefined) return other;
  if (routes === null || routes.count <= ROUTE_LIMIT) return undefined;
  return `more than ${ROUTE_LIMIT} routes take it minutes to load`;
}

async function start({ directory, port, work, cpus, threads }: StartOptions): Promise<RunningPeer> {
  const accessLogFile = join(directory, 'access.log');
  const setting = {
    port,
    internalPort: await findFreePort(),
    dynamicFile: join(directory, 'dynamic.yml'),
    ...(work.accessLog === true ? { accessLogFile } : {}),
  };
  // Traefik looks for local plugins below its working directory.
  const plugin = join(repositoryRoot, 'perf/peers/traefik-requestid');
  await cp(plugin, join(directory, 'plugins-local/src', PLUGIN_MODULE), { recursive: true });
  await writeDynamic(setting.dynamicFile, work, 1);
  await requireFreePort(port);
  const process = await startPinned({
    file: requireTool('traefik'),
    args: buildTraefikArguments(setting),
    directory,
    cpus,
    // Threads that run Go code at one time; taskset alone would leave the choice to the number of CPUs it names.
    environment: { GOMAXPROCS: String(threads) },
  });
  const untilLive = async (version: number): Promise<void> => {
    await process.until(`configuration ${version}`, async () => {
      const answer = await fetchLocal(setting.internalPort, pathOfVersion(version));
      return answer?.status === 200 ? true : undefined;
    });
  };
  try {
    // The port answers 404 before the first configuration is live.
    await untilLive(1);
    await process.until(`an answer on port ${port}`, () => fetchLocal(port, '/'));
  } catch (error) {
    await process.stop();
    throw error;
  }
  let version = 1;
  return {
    pid: process.pid,
    metricsUrl: `http://127.0.0.1:${setting.internalPort}/metrics`,
    ...(work.accessLog === true ? { accessLogFile } : {}),
    async reload(changed) {
      if (changed.accessLog !== work.accessLog) throw new Error('traefik: its access log is fixed at start');
      version += 1;
      await writeDynamic(setting.dynamicFile, changed, version);
      await untilLive(version);
    },
    stop: () => process.stop(),
  };
}

/** By way of another name, so that Traefik never reads half a file. */
async function writeDynamic(file: string, work: Work, version: number): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(buildDynamic(work, version)));
  await rename(`${file}.new`, file);
}
