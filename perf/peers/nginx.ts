// SPDX-License-Identifier: Apache-2.0
/**
 * Work -> nginx.conf and a running nginx. Exact and prefix routes are locations, which nginx finds by a tree; regular
 * expressions are locations tried in order with PCRE's JIT; routes by header are a hashed map.
 */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { patternOfRoute } from './contract.js';
import type { Peer, RouteSet, RunningPeer, StartOptions, Work } from './contract.js';
import { fetchLocal, findFreePort, startServing } from './process.js';
import { detectTool, requireTool } from './tools.js';
import { BREAKER_LIMIT, IDLE_CONNECTION_COUNT, headerOfRoute } from './work.js';

/** Above what any scenario opens: clients, upstreams and files of one worker. */
const CONNECTIONS = 40_000;
const RELOAD_TIMEOUT_MS = 60_000;
/** Debian builds TCP proxying as a module of its own. */
const STREAM_MODULE = [
  '/usr/lib/nginx/modules/ngx_stream_module.so',
  '/usr/lib64/nginx/modules/ngx_stream_module.so',
].find((file) => existsSync(file));

export interface NginxPlaces {
  readonly directory: string;
  readonly port: number;
  readonly statusPort: number;
  readonly threads: number;
}

export const nginx: Peer = {
  name: 'nginx',
  detect: () => detectTool('nginx', ['-v'], /nginx\/(\S+)/),
  unsupported: ({ protocol }) =>
    protocol === 'tcp' && STREAM_MODULE === undefined
      ? 'no stream module: apt-get install libnginx-mod-stream'
      : undefined,
  start,
};

async function start({ directory, port, work, cpus, threads }: StartOptions): Promise<RunningPeer> {
  const statusPort = await findFreePort();
  const places = { directory, port, statusPort, threads };
  const file = join(directory, 'nginx.conf');
  await writeFile(file, nginxConfig(work, places));
  const args = ['-p', directory, '-c', file, '-e', join(directory, 'error.log')];
  const serving = await startServing({ file: requireTool('nginx'), args, directory, cpus }, port, work);
  return {
    pid: serving.pid,
    ...(work.accessLog === true ? { accessLogFile: join(directory, 'access.log') } : {}),
    metricsUrl: `http://127.0.0.1:${statusPort}/status`,
    async reload(changed) {
      const before = await generationOf(statusPort);
      await writeFile(file, nginxConfig(changed, places, before + 1));
      process.kill(serving.pid, 'SIGHUP');
      const deadline = Date.now() + RELOAD_TIMEOUT_MS;
      await serving.until('workers with the changed configuration', async () => {
        if (Date.now() > deadline) throw new Error(`nginx did not reload\n${serving.output()}`);
        return (await generationOf(statusPort)) > before ? true : undefined;
      });
    },
    stop: () => serving.stop(),
  };
}

/** Old workers accept until they get the signal, so the answer names the configuration that gave it. */
async function generationOf(statusPort: number): Promise<number> {
  return Number((await fetchLocal(statusPort, '/generation'))?.body ?? 0);
}

/** The text of nginx.conf. */
export function nginxConfig(work: Work, places: NginxPlaces, generation = 1): string {
  const { directory, port, statusPort, threads } = places;
  const isTcp = work.protocol === 'tcp';
  return `${isTcp ? `load_module ${STREAM_MODULE};\n` : ''}daemon off;
master_process on;
worker_processes ${threads};
pid ${directory}/nginx.pid;
worker_rlimit_nofile ${2 * CONNECTIONS};
# Regular expressions compiled to machine code, as for all peers whose library can.
pcre_jit on;
events {
  worker_connections ${CONNECTIONS};
}
${isTcp ? streamBlock(work, port) : ''}http {
  access_log ${work.accessLog === true ? `${directory}/access.log combined` : 'off'};
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  # The default closes a connection after 1,000 requests, which a load generator would pay for and no other peer does.
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  # A megabyte is the default limit of a request body: the scenario's bodies are just as large.
  client_max_body_size 16m;
  # Bodies stay in memory, as with all others, instead of a temporary file.
  client_body_buffer_size 2m;
  # Sends answer heads at once.
  tcp_nodelay on;
${isTcp ? '' : edgeServer(work, port)}  server {
    listen 127.0.0.1:${statusPort};
    location = /status { stub_status; }
    location = /generation { return 200 "${generation}"; }
  }
}
`;
}

/** TCP proxying: no message is looked at, so there is nothing to route by or to add. */
function streamBlock({ upstreams }: Work, port: number): string {
  return `stream {
  server {
    listen 127.0.0.1:${port} backlog=4096;
    tcp_nodelay on;
    proxy_pass 127.0.0.1:${upstreams[0]};
  }
}
`;
}

function edgeServer(work: Work, port: number): string {
  const { protocol, tls } = work;
  const isHttp2 = protocol === 'http2';
  const listen = `127.0.0.1:${port}${tls === undefined ? '' : ' ssl'}${isHttp2 ? ' http2' : ''} backlog=4096`;
  const certificate =
    tls === undefined
      ? ''
      : `    ssl_certificate ${tls.certificate};
    ssl_certificate_key ${tls.privateKey};
    ssl_protocols TLSv1.2 TLSv1.3;
`;
  const set = isHttp2 ? 'grpc_set_header' : 'proxy_set_header';
  const upgrade =
    protocol === 'websocket'
      ? `    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_read_timeout 1h;
`
      : '    proxy_set_header Connection "";\n';
  return `${work.upstreams.map((upstream, index) => upstreamBlock(upstream, index, work)).join('')}${targetMaps(work)}  # The client's id if it sent one, as the others do.
  map $http_x_request_id $sent_request_id {
    "" $request_id;
    default $http_x_request_id;
  }
  server {
    listen ${listen};
${certificate}${isHttp2 ? '' : `    proxy_http_version 1.1;\n${upgrade}`}    ${set} Host $${isHttp2 ? 'host' : 'http_host'};
    ${set} X-Forwarded-For $proxy_add_x_forwarded_for;
    ${set} X-Forwarded-Proto $scheme;
    ${set} X-Request-Id $sent_request_id;
${locations(work)}  }
`;
}

function upstreamBlock(port: number, index: number, { breaker }: Work): string {
  const limits = breaker === true ? ` max_conns=${BREAKER_LIMIT} max_fails=5 fail_timeout=1s` : '';
  return `  upstream upstream_${index} {
    zone upstream_${index} 256k;
    server 127.0.0.1:${port}${limits};
    keepalive ${IDLE_CONNECTION_COUNT};
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
`;
}

/** Variables that name the upstream: by weight, by header, or none. */
function targetMaps({ weights, routes }: Work): string {
  if (weights !== undefined) {
    const rows = weights.map((weight, index) =>
      index === weights.length - 1 ? `    * upstream_${index};\n` : `    ${weight}% upstream_${index};\n`,
    );
    return `  split_clients $request_id $target {\n${rows.join('')}  }\n`;
  }
  if (routes?.kind !== 'header') return '';
  const rows = Array.from({ length: routes.count }, (_, index) => `    ${headerOfRoute(index)} upstream_0;\n`);
  return `  map_hash_max_size ${Math.max(2048, 4 * routes.count)};
  map_hash_bucket_size 128;
  map $http_x_route $target {
    default "";
${rows.join('')}  }
`;
}

function locations({ routes, weights, protocol }: Work): string {
  const target = weights === undefined ? 'upstream_0' : '$target';
  const pass = protocol === 'http2' ? 'grpc_pass grpc://' : 'proxy_pass http://';
  if (routes === null) return `    location / { ${pass}${target}; }\n`;
  if (routes.kind === 'header') {
    return `    location / {\n      if ($target = "") { return 404; }\n      ${pass}$target;\n    }\n`;
  }
  const rows = Array.from(
    { length: routes.count },
    (_, index) => `    location ${modifierOf(routes)}${locationPattern(routes, index)} { ${pass}${target}; }\n`,
  );
  return `${rows.join('')}    location / { return 404; }\n`;
}

function modifierOf({ kind }: RouteSet): string {
  return kind === 'exact' ? '= ' : kind === 'regex' ? '~ ' : '';
}

function locationPattern(set: RouteSet, index: number): string {
  const pattern = patternOfRoute(set, index);
  return set.kind === 'regex' ? `"^${pattern}$"` : pattern;
}
