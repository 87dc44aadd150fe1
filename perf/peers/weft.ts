// SPDX-License-Identifier: Apache-2.0
/**
 * Work -> a running Weft, from Istio YAML as a user would write it: one Gateway, one VirtualService with all routes of the
 * host in order, and a ServiceEntry per upstream. Metrics are on, as they always are; all else is the default.
 */
import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import type { WeftSource } from '../scenario.js';
import { patternOfRoute } from './contract.js';
import type { Peer, RouteSet, RunningPeer, StartOptions, Work } from './contract.js';
import { fetchLocal, findFreePort, startServing } from './process.js';
import type { PinnedProcess } from './process.js';
import { repositoryRoot } from './tools.js';
import { BREAKER_LIMIT, headerOfRoute, listShares } from './work.js';

const run = promisify(execFile);

/** The port that the configuration speaks of; --listen-map puts it on the one of the run. */
const GATEWAY_PORT = 80;
const SERVICE_PORT = 8000;
const RELOAD_TIMEOUT_MS = 60_000;

export interface WeftVariant {
  readonly name: string;
  readonly front?: 'auto' | 'uws' | 'wire';
  readonly source?: WeftSource;
  /** A built checkout; default: the one that the suite belongs to. */
  readonly root?: string;
}

/** One build of Weft as a peer. */
export function createWeft({ name, front = 'auto', source = 'yaml', root = repositoryRoot }: WeftVariant): Peer {
  const program = join(root, 'bin/weft.js');
  return {
    name,
    async detect() {
      try {
        const { stdout } = await run(process.execPath, [program, '--version']);
        return { version: `${stdout.trim()} (front ${front})` };
      } catch (error) {
        return { missing: `Weft is not built in ${root}: ${error instanceof Error ? error.message : String(error)}` };
      }
    },
    unsupported: () => undefined,
    start: (options) => start(program, root, front, source, options),
  };
}

async function start(
  program: string,
  root: string,
  front: string,
  source: WeftSource,
  { directory, port, work, cpus, threads }: StartOptions,
): Promise<RunningPeer> {
  const folder = source === 'demo' ? join(root, 'examples/hello') : join(directory, 'config');
  if (source !== 'demo') {
    await mkdir(folder);
    await writeFile(join(folder, 'edge.yaml'), yamlOfWork(work));
  }
  let configuration = ['--config', folder];
  if (source === 'rules') {
    const rules = join(directory, 'tables.weft');
    const listen = ['--listen-map', `${GATEWAY_PORT}=${port}`, '--bind', '127.0.0.1'];
    await run(process.execPath, [program, 'compile', ...configuration, ...listen, '-o', rules]);
    configuration = ['--rules', rules];
  }
  const adminPort = await findFreePort();
  const metricsPort = await findFreePort();
  const accessLogFile = join(directory, 'access.log');
  const serving = await startServing(
    {
      file: process.execPath,
      args: [
        program,
        'proxy',
        ...configuration,
        ...['--listen-map', `${GATEWAY_PORT}=${port}`, '--bind', '127.0.0.1'],
        ...['--threads', String(threads), '--front', front],
        ...['--admin', `127.0.0.1:${adminPort}`, '--metrics-port', String(metricsPort), '--status-port', '-1'],
        ...['--log-level', 'warning', '--drain-seconds', '1'],
        ...(work.accessLog === true ? ['--access-log', accessLogFile] : []),
      ],
      directory,
      cpus,
    },
    port,
    work,
  );
  return {
    pid: serving.pid,
    metricsUrl: `http://127.0.0.1:${metricsPort}/stats/prometheus`,
    ...(work.accessLog === true ? { accessLogFile } : {}),
    ...(source === 'yaml' ? { reload: (changed: Work) => reload(serving, folder, adminPort, changed) } : {}),
    stop: () => serving.stop(),
  };
}

/** Renaming is what editors and deployment tools do: a half-written file is never read. */
async function reload(serving: PinnedProcess, folder: string, adminPort: number, work: Work): Promise<void> {
  const before = await generationOf(adminPort);
  const next = join(folder, '..', 'edge.next');
  await writeFile(next, yamlOfWork(work));
  await rename(next, join(folder, 'edge.yaml'));
  const deadline = Date.now() + RELOAD_TIMEOUT_MS;
  await serving.until('a new generation of the configuration', async () => {
    const generation = await generationOf(adminPort);
    if (Date.now() > deadline) throw new Error(`the changed configuration is not live\n${serving.output()}`);
    return generation === before ? undefined : true;
  });
}

async function generationOf(adminPort: number): Promise<number> {
  const answer = await fetchLocal(adminPort, '/config_status');
  if (answer?.status !== 200) throw new Error('the admin server does not answer');
  const { generation } = JSON.parse(answer.body) as { generation: number };
  return generation;
}

/** Port protocols in Istio's words. */
const DOWNSTREAM = { http1: 'HTTP', websocket: 'HTTP', http2: 'HTTP2', tcp: 'TCP' } as const;
const UPSTREAM = { http1: 'HTTP', websocket: 'HTTP', http2: 'GRPC', tcp: 'TCP' } as const;

/** The YAML documents of some work. */
export function yamlOfWork(work: Work): string {
  const { protocol = 'http1', tls } = work;
  const server = {
    port: { number: GATEWAY_PORT, name: 'edge', protocol: tls === undefined ? DOWNSTREAM[protocol] : 'HTTPS' },
    hosts: ['*'],
    ...(tls === undefined
      ? {}
      : { tls: { mode: 'SIMPLE', serverCertificate: tls.certificate, privateKey: tls.privateKey } }),
  };
  const gateway = { selector: { istio: 'ingressgateway' }, servers: [server] };
  const documents = [
    resource('Gateway', 'edge', gateway),
    virtualService(work),
    ...work.upstreams.map((port, index) => serviceEntry(port, index, UPSTREAM[protocol])),
    ...(work.breaker === true ? work.upstreams.map((_, index) => limits(index)) : []),
  ];
  return documents.join('---\n');
}

/** Joined text: a YAML writer takes longer for 10,000 routes than Weft for reading them, and that would count as reloading. */
function virtualService(work: Work): string {
  const { routes } = work;
  const route = destinationsOf(work);
  const head = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: shop
spec:
  hosts: ["*"]
  gateways: [edge]
  ${work.protocol === 'tcp' ? 'tcp' : 'http'}:
`;
  if (routes === null) return `${head}  - route:\n${route}`;
  const rows = Array.from(
    { length: routes.count },
    (_, index) => `  - match:\n    - ${matchOf(routes, index)}\n    route:\n${route}`,
  );
  return head + rows.join('');
}

function destinationsOf(work: Work): string {
  const rows = listShares(work).map(({ port, weight }) => {
    const destination = `    - destination: {host: ${hostOf(work.upstreams.indexOf(port))}, port: {number: ${SERVICE_PORT}}}\n`;
    return work.weights === undefined ? destination : `${destination}      weight: ${weight}\n`;
  });
  if (work.retries === true) rows.push('    retries: {attempts: 2, retryOn: "5xx", perTryTimeout: 10s}\n');
  return rows.join('');
}

function matchOf(set: RouteSet, index: number): string {
  const pattern = JSON.stringify(patternOfRoute(set, index));
  if (set.kind !== 'header') return `uri: {${set.kind}: ${pattern}}`;
  return `uri: {prefix: ${pattern}}\n      headers: {x-route: {exact: ${headerOfRoute(index)}}}`;
}

function serviceEntry(port: number, index: number, protocol: string): string {
  return resource('ServiceEntry', `upstream-${index}`, {
    hosts: [hostOf(index)],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    ports: [{ number: SERVICE_PORT, name: 'port', protocol }],
    endpoints: [{ address: '127.0.0.1', ports: { port } }],
  });
}

function limits(index: number): string {
  const connectionPool = {
    tcp: { maxConnections: BREAKER_LIMIT },
    http: { http1MaxPendingRequests: BREAKER_LIMIT, http2MaxRequests: BREAKER_LIMIT, maxRetries: BREAKER_LIMIT },
  };
  const outlierDetection = { consecutive5xxErrors: 5, interval: '1s', baseEjectionTime: '30s' };
  const trafficPolicy = { connectionPool, outlierDetection };
  return resource('DestinationRule', `upstream-${index}`, { host: hostOf(index), trafficPolicy });
}

function hostOf(index: number): string {
  return `upstream-${index}.example`;
}

function resource(kind: string, name: string, spec: object): string {
  const document = { apiVersion: 'networking.istio.io/v1', kind, metadata: { name }, spec };
  return stringify(document, { aliasDuplicateObjects: false });
}
