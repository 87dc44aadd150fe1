// SPDX-License-Identifier: Apache-2.0
/**
 * A server program of perf/peers/npm -> a peer. Both programs read one work file at start and have no reload: neither
 * http-proxy nor Fastify replaces its routes while it serves.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Peer, RunningPeer, StartOptions } from './contract.js';
import { buildWorkFile } from './npm-config.js';
import { startServing } from './process.js';
import { repositoryRoot } from './tools.js';

/** How one npm peer differs from the other. */
export interface NpmServer {
  readonly name: string;
  /** The program's file name in perf/peers/npm. */
  readonly program: string;
  /** Packages whose versions stand for the peer's. */
  readonly packages: readonly string[];
  readonly unsupported: Peer['unsupported'];
}

const folder = join(repositoryRoot, 'perf/peers/npm');

/** The peer that runs the program with the Node.js that runs the suite. */
export function npmPeer({ name, program, packages, ...rest }: NpmServer): Peer {
  return {
    name,
    ...rest,
    async detect() {
      try {
        const versions = await Promise.all(packages.map(versionOf));
        return { version: `${versions.join(' + ')} on Node.js ${process.versions.node}` };
      } catch {
        return { missing: `${packages.join(', ')} not installed; run npm ci --prefix perf/peers/npm` };
      }
    },
    start: (options) => start(program, options),
  };
}

async function start(program: string, options: StartOptions): Promise<RunningPeer> {
  const { directory, port, work, cpus } = options;
  const accessLogFile = work.accessLog === true ? join(directory, 'access.log') : null;
  const workFile = join(directory, 'work.json');
  await writeFile(workFile, JSON.stringify(buildWorkFile(options, accessLogFile)));
  const server = await startServing(
    {
      file: process.execPath,
      args: [join(folder, program), workFile],
      directory,
      cpus,
      // Fastify and http-proxy are run by their users with it; some code paths depend on it.
      environment: { NODE_ENV: 'production' },
    },
    port,
  );
  return { pid: server.pid, ...(accessLogFile === null ? {} : { accessLogFile }), stop: () => server.stop() };
}

async function versionOf(name: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(folder, 'node_modules', name, 'package.json'), 'utf8')) as {
    version: string;
  };
  return `${name} ${version}`;
}
