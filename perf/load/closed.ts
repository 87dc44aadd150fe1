// SPDX-License-Identifier: Apache-2.0
/** As many requests or messages as a proxy takes -> figures, by the load generator that speaks the work's protocol. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Protocol } from '../peers/contract.js';
import { parseClosed } from './h2load.js';
import { runProgram } from './program.js';
import { runWrk } from './wrk.js';
import type { ClosedFigures, ClosedLoad } from './wrk.js';

export interface ProtocolLoad extends ClosedLoad {
  readonly protocol: Protocol;
  /** At once on each connection; HTTP/2 and WebSocket. */
  readonly streams: number;
}

/** Latencies only where the generator counts them. */
export type AnyFigures = Pick<ClosedFigures, 'requests' | 'seconds'> & Partial<ClosedFigures>;

/** Rejects when one request failed, or when nothing was measured. */
export function runClosed(load: ProtocolLoad, directory: string, cpus: string | undefined): Promise<AnyFigures> {
  switch (load.protocol) {
    case 'http2':
      return runStreams(load, directory, cpus);
    case 'websocket':
      return runMessages(load, cpus);
    case 'http1':
    case 'tcp':
      return runWrk(load, directory, cpus);
  }
}

async function runStreams(load: ProtocolLoad, directory: string, cpus: string | undefined): Promise<AnyFigures> {
  const { port, connections, streams, seconds, paths, headers, bodyBytes, isSecure } = load;
  const scheme = isSecure === true ? 'https' : 'http';
  const args = ['-t1', '-c', `${connections}`, '-m', `${streams}`, '-D', `${Math.ceil(seconds)}`];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`);
  if (bodyBytes !== undefined) {
    const file = join(directory, `body-${bodyBytes}`);
    await writeFile(file, 'x'.repeat(bodyBytes));
    args.push('-d', file);
  }
  args.push(`${scheme}://127.0.0.1:${port}${paths[0] ?? '/'}`);
  return parseClosed(await runProgram('h2load', args, cpus));
}

async function runMessages(load: ProtocolLoad, cpus: string | undefined): Promise<AnyFigures> {
  const program = fileURLToPath(new URL('./message-client.js', import.meta.url));
  const { port, connections, streams, seconds, paths } = load;
  const args = [program, port, connections, streams, seconds, paths[0] ?? '/'].map(String);
  return JSON.parse(await runProgram(process.execPath, args, cpus)) as AnyFigures;
}
