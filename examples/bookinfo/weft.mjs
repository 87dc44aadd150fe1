// SPDX-License-Identifier: Apache-2.0
// Runs `weft proxy` as an ingress gateway and as the sidecar of the services, over one folder of configuration, and says
// when a new configuration is in force.
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { get } from './services.mjs';

const PROGRAM = fileURLToPath(new URL('../../bin/weft.js', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));
const LIMIT_MS = 20_000;

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

/** Waits until `check` resolves with true. */
export async function eventually(what, check) {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    if (await check().catch(() => false)) return;
    if (Date.now() > deadline) throw new Error(`did not happen: ${what}`);
    await sleep(25);
  }
}

/** A WorkloadEntry for each service; `localities` by service name. */
function workloads(services, localities = {}) {
  return Object.values(services)
    .filter(({ name }) => name.includes('-'))
    .map(({ name, port }) => {
      const [app, version] = name.split('-');
      const spec = {
        address: '127.0.0.1',
        ports: { http: port, tcp: port },
        labels: { app, version },
        ...(localities[name] === undefined ? {} : { locality: localities[name] }),
      };
      return { apiVersion: 'networking.istio.io/v1', kind: 'WorkloadEntry', metadata: { name }, spec };
    })
    .map((resource) => JSON.stringify(resource))
    .join('\n---\n');
}

/** `weft proxy` over a file or folder, on 127.0.0.1; `map` is its --listen-map. */
export function startProxy({ config, role, map, labels }) {
  return spawn(
    process.execPath,
    [
      ...[PROGRAM, 'proxy', '--config', config, '--role', role, '--labels', labels, '--bind', '127.0.0.1'],
      ...['--listen-map', map, '--threads', '1', '--drain-seconds', '0'],
      ...['--admin', '127.0.0.1:0', '--status-port', '-1', '--metrics-port', '-1'],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
}

export function stopProxy(child) {
  child.kill('SIGTERM');
  return child.exitCode ?? new Promise((resolve) => child.once('exit', resolve));
}

/** Says which scenario's configuration is in force: no other resource has this host. */
function marker(scenario) {
  const answer = [{ directResponse: { status: 200, body: { string: scenario } } }];
  const resource = (name, gateways) => ({
    apiVersion: 'networking.istio.io/v1',
    kind: 'VirtualService',
    metadata: { name },
    spec: { hosts: ['marker.example'], gateways, http: answer },
  });
  const gateway = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'Gateway',
    metadata: { name: 'marker' },
    spec: {
      selector: { istio: 'ingressgateway' },
      servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['marker.example'] }],
    },
  };
  // A service, because a sidecar listens only on ports that some service has.
  const service = {
    apiVersion: 'networking.istio.io/v1',
    kind: 'ServiceEntry',
    metadata: { name: 'marker' },
    spec: {
      hosts: ['marker.example'],
      resolution: 'STATIC',
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      endpoints: [{ address: '127.0.0.1' }],
    },
  };
  return [gateway, service, resource('marker-gateway', ['marker']), resource('marker-mesh', ['mesh'])]
    .map((each) => JSON.stringify(each))
    .join('\n---\n');
}

/** The resources of all files; as with `kubectl apply`, a later one replaces an earlier one of the same kind and name. */
async function applied(files) {
  const resources = new Map();
  for (const file of files) {
    const text = await readFile(join(HERE, 'networking', file), 'utf8');
    for (const document of text.split(/^---$/m)) {
      const kind = /^kind: (.+)$/m.exec(document)?.[1];
      const name = /^ {2}name: (.+)$/m.exec(document)?.[1];
      resources.set(`${kind}/${name}`, document.trim());
    }
  }
  return [...resources.values()].join('\n---\n');
}

/** Starts both proxies; `services` as startServices gives them. */
export async function startWeft(services) {
  const folder = await mkdtemp(join(tmpdir(), 'bookinfo-'));
  const config = join(folder, 'config');
  await mkdir(config);
  const ports = {
    http: await freePort(),
    https: await freePort(),
    mesh: await freePort(),
    outside: await freePort(),
    tcp: await freePort(),
  };
  const children = [];
  let log = '';

  const put = async (name, text) => {
    await writeFile(join(folder, name), text);
    await rename(join(folder, name), join(config, name));
  };

  /** Puts the files of a scenario into force, and nothing else; `extra` is YAML that the scenario makes. */
  const configure = async (scenario, files, { extra = '', localities } = {}) => {
    for (const file of ['services.yaml', 'tcp-echo.yaml']) {
      await put(file, await readFile(join(HERE, 'platform', file), 'utf8'));
    }
    await put('networking.yaml', await applied(files));
    await put('workloads.yaml', workloads(services, localities));
    await put('extra.yaml', extra);
    await put('marker.yaml', marker(scenario));
  };

  const isInForce = async (port, scenario) => {
    const { body } = await get({ port, path: '/', headers: { host: 'marker.example' } });
    return body === scenario;
  };
  const whenInForce = async (scenario) => {
    await eventually(`the gateway takes ${scenario}`, () => isInForce(ports.http, scenario));
    await eventually(`the sidecar takes ${scenario}`, () => isInForce(ports.outside, scenario));
  };

  const start = (role, map, labels) => {
    const child = startProxy({ config, role, map, labels });
    child.stderr.on('data', (text) => (log += text));
    children.push(child);
  };

  return {
    ports,
    async start() {
      await configure('start', ['bookinfo-gateway.yaml']);
      start('gateway', `80=${ports.http},443=${ports.https},31400=${ports.tcp}`, 'istio=ingressgateway');
      start('sidecar', `9080=${ports.mesh},80=${ports.outside}`, 'app=productpage');
      await whenInForce('start');
    },
    async apply(scenario, files, more) {
      await configure(scenario, files, more);
      await whenInForce(scenario);
    },
    log: () => log,
    async stop() {
      await Promise.all(children.map(stopProxy));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
