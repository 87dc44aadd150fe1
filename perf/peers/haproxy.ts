// SPDX-License-Identifier: Apache-2.0
/**
 * Work -> haproxy.cfg with map files, and a running HAProxy in master-worker mode. Routes are maps, as its manual
 * recommends for many of them: `map` and `map_beg` are trees, `map_reg` is tried in order with PCRE's JIT.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { patternOfRoute } from './contract.js';
import type { Peer, RouteSet, RunningPeer, StartOptions, Work } from './contract.js';
import { fetchLocal, findFreePort, startServing } from './process.js';
import { detectTool, requireTool } from './tools.js';
import { BREAKER_LIMIT, IDLE_CONNECTION_COUNT, headerOfRoute } from './work.js';

/** Clients of the largest scenario, with room. */
const CONNECTIONS = 20_000;
const RELOAD_TIMEOUT_MS = 60_000;
/** A master that has not yet finished the last reload can lose the signal, although its new worker answers already. */
const SIGNAL_AGAIN_MS = 2000;

export interface HaproxyPlaces {
  readonly directory: string;
  readonly port: number;
  readonly statusPort: number;
  readonly threads: number;
}

export const haproxy: Peer = {
  name: 'haproxy',
  detect: () => detectTool('haproxy', ['-v'], /version (\S+)/),
  unsupported: (work) =>
    work.accessLog === true ? 'HAProxy 2.6 logs to sockets and standard output, not to files by itself' : undefined,
  start,
};

async function start({ directory, port, work, cpus, threads }: StartOptions): Promise<RunningPeer> {
  const statusPort = await findFreePort();
  const places = { directory, port, statusPort, threads };
  const file = join(directory, 'haproxy.cfg');
  const write = async (current: Work): Promise<string> => {
    const generation = createHash('sha1').update(JSON.stringify(current)).digest('hex');
    await writeFile(join(directory, 'routes.map'), haproxyMap(current));
    await writeFile(file, haproxyConfig(current, places, generation));
    return generation;
  };
  await write(work);
  // In master-worker mode SIGUSR2 starts a new worker that takes the listening sockets over from the old one.
  const args = ['-W', '-S', join(directory, 'master.sock'), '-f', file];
  const serving = await startServing({ file: requireTool('haproxy'), args, directory, cpus }, port, work);
  return {
    pid: serving.pid,
    metricsUrl: `http://127.0.0.1:${statusPort}/metrics`,
    async reload(changed) {
      const generation = await write(changed);
      process.kill(serving.pid, 'SIGUSR2');
      const deadline = Date.now() + RELOAD_TIMEOUT_MS;
      let again = Date.now() + SIGNAL_AGAIN_MS;
      await serving.until('a worker with the changed configuration', async () => {
        if (Date.now() > deadline) throw new Error(`HAProxy did not reload\n${serving.output()}`);
        if (Date.now() > again) {
          process.kill(serving.pid, 'SIGUSR2');
          again = Date.now() + SIGNAL_AGAIN_MS;
        }
        return (await fetchLocal(statusPort, '/generation'))?.body === generation ? true : undefined;
      });
    },
    stop: () => serving.stop(),
  };
}

/** The text of haproxy.cfg; `generation` is what its status port answers, to tell a new worker from an old one. */
export function haproxyConfig(work: Work, places: HaproxyPlaces, generation: string): string {
  const { directory, port, statusPort, threads } = places;
  return `global
  nbthread ${threads}
  maxconn ${CONNECTIONS}
  # The socket by which a new worker takes over the listening sockets, so that a reload refuses nobody.
  stats socket ${directory}/worker.sock mode 600 level admin expose-fd listeners
  # Without the rights to raise it, the limit of open files that there is will do.
  no strict-limits
  # Its default would have a reloaded process wait for kept connections for ever.
  hard-stop-after 5s

defaults
  mode http
  option http-keep-alive
  # Any idle connection to the upstream serves any client: what the other peers do.
  http-reuse always
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout http-keep-alive 1h
  timeout tunnel 1h
  unique-id-format %[uuid()]

${work.protocol === 'tcp' ? passThrough(work, port) : edge(work, port, directory)}
frontend status
  bind 127.0.0.1:${statusPort}
  http-request use-service prometheus-exporter if { path /metrics }
  http-request return status 200 content-type text/plain string ${generation} if { path /generation }
`;
}

/** TCP proxying: no message is looked at, so there is nothing to route by or to add. */
function passThrough({ upstreams }: Work, port: number): string {
  return `listen edge
  mode tcp
  bind 127.0.0.1:${port} backlog 4096
  server upstream_0 127.0.0.1:${upstreams[0]}
`;
}

function edge(work: Work, port: number, directory: string): string {
  const { protocol, tls } = work;
  const secure = tls === undefined ? '' : ` ssl crt ${tls.both} ssl-min-ver TLSv1.2`;
  const proto = protocol === 'http2' ? ' proto h2' : '';
  return `frontend edge
  bind 127.0.0.1:${port} backlog 4096${secure}${proto}
  option forwardfor
  http-request set-header X-Forwarded-Proto ${tls === undefined ? 'http' : 'https'}
  http-request set-header X-Request-Id %[unique-id] unless { req.hdr(x-request-id) -m found }
${routing(work, directory)}
${backends(work)}`;
}

function routing({ routes, weights }: Work, directory: string): string {
  const backend = weights === undefined ? 'upstream_0' : 'weighted';
  if (routes === null) return `  default_backend ${backend}\n`;
  const lookup = `${sampleOf(routes)},${converterOf(routes)}(${directory}/routes.map)`;
  return `  use_backend %[${lookup}] if { ${lookup} -m found }
  default_backend nowhere

backend nowhere
  http-request return status 404
`;
}

function sampleOf({ kind }: RouteSet): string {
  return kind === 'header' ? 'req.hdr(x-route)' : 'path';
}

function converterOf({ kind }: RouteSet): string {
  return kind === 'prefix' ? 'map_beg' : kind === 'regex' ? 'map_reg' : 'map_str';
}

function backends({ upstreams, weights, breaker, protocol }: Work): string {
  const proto = protocol === 'http2' ? ' proto h2' : '';
  const limits = breaker === true ? ` maxconn ${BREAKER_LIMIT} maxqueue ${BREAKER_LIMIT}` : '';
  const check = breaker === true ? ' observe layer7 error-limit 1000000 on-error mark-down check inter 1h' : '';
  const serverOf = (index: number): string =>
    `  server upstream_${index} 127.0.0.1:${upstreams[index]} pool-max-conn ${IDLE_CONNECTION_COUNT}${proto}${limits}${check}`;
  const single = upstreams.map((_, index) => `backend upstream_${index}\n${serverOf(index)}\n`);
  if (weights === undefined) return single.join('\n');
  const rows = weights.map((weight, index) => `${serverOf(index)} weight ${weight}\n`);
  return `backend weighted\n  balance roundrobin\n${rows.join('')}`;
}

/** The map file: key of each route, then its backend. */
export function haproxyMap({ routes, weights }: Work): string {
  if (routes === null) return '';
  const backend = weights === undefined ? 'upstream_0' : 'weighted';
  return Array.from({ length: routes.count }, (_, index) => `${keyOf(routes, index)} ${backend}\n`).join('');
}

function keyOf(set: RouteSet, index: number): string {
  const pattern = set.kind === 'header' ? headerOfRoute(index) : patternOfRoute(set, index);
  return set.kind === 'regex' ? `^${pattern}$` : pattern;
}
