// SPDX-License-Identifier: Apache-2.0
/** `weft proxy`: arguments -> a running proxy, until a signal or a fatal error ends it. */
import { availableParallelism } from 'node:os';
import { StartError } from '../control/serve.js';
import { AdminListenError } from '../admin/http-server.js';
import type { ServeOptions } from '../control/serve.js';
import { LOG_LEVELS, Logger } from '../telemetry/log.js';
import type { LogLevel } from '../telemetry/log.js';
import type { ClientLimits } from '../engine/client-limits.js';
import { LIMIT_OPTIONS, limitsOf } from './limit-options.js';
import type { LimitArguments } from './limit-options.js';
import { CONFIG_OPTIONS, configPaths, NODE_OPTIONS, nodeOf } from './options.js';
import type { CommandIo, NodeArguments } from './options.js';
import { packageVersion } from './package-version.js';
import { runUntilSignal } from './run-until-signal.js';
import { checkPort, parseAddress, UsageError } from './settings.js';
import type { OptionTable } from './settings.js';

/** Istio's sidecars run two worker threads whatever the machine. */
const SIDECAR_THREADS = 2;
/** As many slabs as the engine's memory has. */
const MAX_THREADS = 16;

export const RUN_OPTIONS = {
  threads: {
    type: 'number',
    requiresArg: true,
    defaultDescription: `number of cores; ${SIDECAR_THREADS} with --role sidecar`,
    describe: 'Data-path threads',
  },
  front: {
    choices: ['auto', 'uws', 'wire'] as const,
    default: 'auto',
    describe:
      "What serves plaintext HTTP ports: Weft's own parser on raw sockets (wire, auto), or uWebSockets.js (uws)",
  },
  admin: { type: 'string', default: '127.0.0.1:15000', describe: 'Address of the admin server' },
  'status-port': { type: 'number', default: 15021, describe: 'Port of /healthz/ready; 0 = any, -1 = none' },
  'metrics-port': { type: 'number', default: 15090, describe: 'Port of /stats/prometheus; 0 = any, -1 = none' },
  'drain-seconds': { type: 'number', default: 45, describe: 'How long requests may take to finish after SIGTERM' },
  'log-level': { choices: LOG_LEVELS, default: 'info', describe: 'What is written to standard error' },
  'access-log': { type: 'string', default: 'off', describe: 'off, or a file such as /dev/stdout' },
  'access-log-encoding': { choices: ['TEXT', 'JSON'] as const, default: 'TEXT', describe: "Istio's two encodings" },
  'expose-reasons': {
    type: 'boolean',
    default: false,
    describe: 'Put x-weft-reason, which names resources and files, on answers that Weft makes itself',
  },
  'state-dir': {
    type: 'string',
    requiresArg: true,
    describe: 'Folder for the last good tables, used when the source is unreadable or bad at the next start',
  },
} as const satisfies OptionTable;

export const PROXY_OPTIONS = {
  ...CONFIG_OPTIONS,
  rules: { type: 'string', requiresArg: true, describe: 'File of weft compile, instead of --config' },
  ...NODE_OPTIONS,
  ...RUN_OPTIONS,
  ...LIMIT_OPTIONS,
} as const satisfies OptionTable;

export interface RunArguments extends NodeArguments {
  readonly threads: number | undefined;
  readonly front: 'auto' | 'uws' | 'wire';
  readonly admin: string;
  readonly statusPort: number;
  readonly metricsPort: number;
  readonly drainSeconds: number;
  readonly logLevel: LogLevel;
  readonly accessLog: string;
  readonly accessLogEncoding: 'TEXT' | 'JSON';
  readonly exposeReasons: boolean;
  readonly stateDir: string | undefined;
}

export interface ProxyArguments extends RunArguments, LimitArguments {
  readonly config: readonly string[] | undefined;
  readonly rules: string | undefined;
}

/** Runs until a signal; exit status 0 after a drain, 1 when it can't start or go on. */
export async function runProxy(args: ProxyArguments, io: CommandIo): Promise<number> {
  if (args.rules !== undefined && args.config !== undefined) throw new UsageError('give --config or --rules, not both');
  const source = args.rules === undefined ? { paths: configPaths(args.config) } : { rulesFile: args.rules };
  return runService(serveOptionsOf(args, limitsOf(args), source, io), io, () => Promise.resolve());
}

/** Throws UsageError for settings that can't be used. */
export function serveOptionsOf(
  args: RunArguments,
  limits: ClientLimits,
  source: ServeOptions['source'],
  io: CommandIo,
): Omit<ServeOptions, 'logger' | 'onExit'> & { readonly logLevel: LogLevel } {
  const threads =
    args.threads ?? (args.role === 'sidecar' ? SIDECAR_THREADS : Math.min(MAX_THREADS, availableParallelism()));
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new UsageError(`--threads: ${threads} is not a whole number from 1 to ${MAX_THREADS}`);
  }
  if (!(args.drainSeconds >= 0)) throw new UsageError(`--drain-seconds: ${args.drainSeconds} is not a time`);
  return {
    source,
    stdin: io.stdin,
    node: nodeOf(args),
    threads,
    front: args.front,
    drainMs: args.drainSeconds * 1000,
    limits,
    admin: parseAddress('--admin', args.admin),
    probeAddress: args.bind,
    statusPort: checkPort('--status-port', args.statusPort),
    metricsPort: checkPort('--metrics-port', args.metricsPort),
    accessLog: args.accessLog === 'off' ? undefined : { path: args.accessLog, encoding: args.accessLogEncoding },
    exposeReasons: args.exposeReasons,
    stateDir: args.stateDir,
    logLevel: args.logLevel,
    version: packageVersion(),
    readEnvironment: io.read,
    commandLine: commandLineOf(args),
  };
}

/** Runs a service to its end; `onStarted` is called once it is up. What keeps it from starting is one line on stderr. */
export async function runService(
  options: ReturnType<typeof serveOptionsOf>,
  io: CommandIo,
  onStarted: (service: StartedService) => Promise<void>,
): Promise<number> {
  // Held back until the start has succeeded: when it fails, one line says why, not one line among twenty.
  const held: string[] = [];
  let started = false;
  const logger = new Logger(options.logLevel, (line) => {
    if (started) io.stderr.write(line);
    else held.push(line);
  });
  const release = (): void => {
    started = true;
    io.stderr.write(held.splice(0).join(''));
  };
  try {
    return await runUntilSignal({ ...options, logger }, async (service) => {
      release();
      await onStarted(service);
    });
  } catch (error) {
    if (!(error instanceof StartError || error instanceof AdminListenError)) {
      release();
      throw error;
    }
    if (options.logLevel === 'debug' || options.logLevel === 'trace') release();
    io.stderr.write(`weft: ${error.message}\n`);
    return 1;
  }
}

type StartedService = Parameters<Parameters<typeof runUntilSignal>[1]>[0];

function commandLineOf(args: RunArguments): Record<string, string | number | boolean> {
  const shown: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(args)) {
    // yargs hands every option over in both spellings.
    if (!/^[a-z][a-z-]*$/.test(name) || name.length === 1) continue;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') shown[name] = value;
  }
  return shown;
}
