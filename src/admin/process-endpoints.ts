// SPDX-License-Identifier: Apache-2.0
/** What the process is and does: readiness, version, configuration state, memory, logging, and the ways to end it. */
import { LOG_LEVELS } from '../telemetry/log.js';
import type { LogLevel } from '../telemetry/log.js';
import type { ServerFacts } from '../telemetry/server-facts.js';
import type { ConfigStatus } from './admin-source.js';
import { formatTime, jsonReply, textReply } from './endpoint.js';
import type { AdminRequest, Endpoint } from './endpoint.js';
import { BadParameterError } from './query.js';

/** 200 LIVE, or 503 with the state: admin's /ready and the status port's /healthz/ready. */
export function readyReply({ state }: ServerFacts) {
  return textReply(`${state}\n`, state === 'LIVE' ? 200 : 503);
}

/** envoy.admin.v3.ServerInfo as JSON. */
function serverInfo({ source }: AdminRequest) {
  const server = source.server();
  const { version, state, startedAtMs, nowMs } = server;
  const uptime = `${Math.max(0, Math.floor((nowMs - startedAtMs) / 1000))}s`;
  return jsonReply({
    version,
    state,
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: 'disabled',
    command_line_options: source.commandLineOptions(),
    node: nodeOf(server),
  });
}

/** envoy.config.core.v3.Node with the metadata names that Istio uses. */
export function nodeOf({ node }: ServerFacts) {
  return {
    id: node.id,
    cluster: `${node.app}.${node.namespace}`,
    metadata: {
      WORKLOAD_NAME: node.workload,
      NAMESPACE: node.namespace,
      CLUSTER_ID: node.clusterId,
      LABELS: {
        app: node.app,
        version: node.version,
        'service.istio.io/canonical-name': node.canonicalService,
        'service.istio.io/canonical-revision': node.canonicalRevision,
      },
    },
    locality: {},
  };
}

function configStatus(status: ConfigStatus) {
  return {
    state: status.state,
    reason: status.reason,
    generation: status.generation,
    content_hash: status.contentHash,
    last_attempt: formatTime(status.lastAttemptMs),
    last_success: formatTime(status.lastSuccessMs),
    attempts: status.attempts,
    failures: status.failures,
    sources: status.sources,
    kept: status.kept,
    problems: status.problems,
  };
}

/** envoy.admin.v3.Memory: byte counts as strings, as protobuf's JSON form writes uint64. */
function memory({ memory: bytes }: ServerFacts) {
  return {
    allocated: String(bytes.heapUsed),
    heap_size: String(bytes.heapTotal),
    total_physical_bytes: String(bytes.rss),
    external: String(bytes.external),
    array_buffers: String(bytes.arrayBuffers),
  };
}

/** `?level=debug`, `?paths=pool:debug,dns:info` and `?pool=debug` set levels; without parameters it lists them. */
function logging({ source, query }: AdminRequest) {
  const { logger } = source;
  // Read all before setting any, so that a mistake changes nothing.
  const settings = query.entries().flatMap(([name, value]) => {
    if (name !== 'paths') return [[name, parseLevel(name, value)] as const];
    return value.split(',').map((pair) => {
      const [component = '', level = ''] = pair.split(':');
      return [component, parseLevel('paths', level)] as const;
    });
  });
  for (const [component] of settings) {
    if (!/^[a-z][a-z0-9_-]{0,31}$/.test(component)) {
      throw new BadParameterError(`${JSON.stringify(component)} is not the name of a component`);
    }
  }
  for (const [component, level] of settings) {
    if (component === 'level') logger.setLevel(level);
    else logger.setComponentLevel(component, level);
  }
  const lines = [...logger.levels()].map(
    ([component, level]) => `  ${component === '' ? 'level' : component}: ${level}`,
  );
  return textReply(`active loggers:\n${lines.join('\n')}\n`);
}

function parseLevel(parameter: string, value: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === value);
  if (level === undefined) {
    throw new BadParameterError(`${parameter}: ${JSON.stringify(value)} is not one of ${LOG_LEVELS.join(', ')}`);
  }
  return level;
}

function drainListeners({ source, query }: AdminRequest) {
  query.flag('graceful');
  source.drain().catch((error: unknown) => {
    source.logger.error('admin', 'draining failed', { error: String(error) });
  });
  return textReply('OK\n');
}

function crashThread({ source, number }: AdminRequest) {
  source.logger.warning('admin', 'asked to crash a thread', { thread: number });
  if (!source.crashThread(number)) return textReply(`there is no thread ${number}\n`, 404);
  return textReply('OK\n');
}

const NONE = {};

export const PROCESS_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/ready',
    summary: 'LIVE with 200, or the state with 503',
    parameters: NONE,
    answer: ({ source }) => readyReply(source.server()),
  },
  {
    method: 'GET',
    path: '/server_info',
    summary: 'version, state, uptime, node, command line',
    parameters: NONE,
    answer: serverInfo,
  },
  {
    method: 'GET',
    path: '/config_status',
    summary: 'generation in force, last attempt, and the problems of it',
    parameters: NONE,
    answer: ({ source }) => jsonReply(configStatus(source.configStatus())),
  },
  {
    method: 'GET',
    path: '/memory',
    summary: 'bytes that the process uses',
    parameters: NONE,
    answer: ({ source }) => jsonReply(memory(source.server())),
  },
  {
    method: 'GET',
    path: '/certs',
    summary: 'certificates in use',
    parameters: NONE,
    answer: () => jsonReply({ certificates: [] }),
  },
  {
    method: 'POST',
    path: '/logging',
    summary: 'lists or sets log levels; <component>=<level> sets one',
    parameters: undefined,
    answer: logging,
  },
  {
    method: 'POST',
    path: '/drain_listeners',
    summary: 'stops accepting and lets requests in flight end; the process stays',
    parameters: { graceful: 'taken for compatibility: draining always is graceful' },
    answer: drainListeners,
  },
  {
    method: 'POST',
    path: '/quitquitquit',
    summary: 'ends the process at once',
    parameters: NONE,
    answer: ({ source }) => ({ ...textReply('OK\n'), afterSent: () => source.quit() }),
  },
  {
    method: 'POST',
    path: '/threads/{number}/crash',
    summary: 'for game days: ends a data-path thread as an uncaught error would; it is replaced',
    parameters: NONE,
    answer: crashThread,
  },
];
