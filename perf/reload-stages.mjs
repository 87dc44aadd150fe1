// SPDX-License-Identifier: Apache-2.0
// Where the time of a reload goes: one file of N VirtualServices with 10 routes each behind one Gateway, loaded once and
// then M times with one prefix of one VirtualService changed. Build first (npm run build). Prints milliseconds per stage
// (first load; median of the reloads) and the resident set after each. Lowering includes the checks of references;
// `publish` is all of it: copy and verify, facts to the data-path threads, activation.
//
//   node --expose-gc perf/reload-stages.mjs [VirtualServices=1000] [reloads=7]
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { mergeLastGood } from '../dist/src/control/last-good.js';
import { lower } from '../dist/src/lower/lower.js';
import { buildMesh } from '../dist/src/mesh/build-mesh.js';
import { startProxy } from '../dist/src/proxy/start-proxy.js';
import { checkReferences } from '../dist/src/resources/check-references.js';
import * as loading from '../dist/src/resources/load-resources.js';
import { readTexts } from '../dist/src/resources/read-sources.js';
import { encodeTables } from '../dist/src/rules/encode.js';

const serviceCount = Number(process.argv[2] ?? 1000);
const reloadCount = Number(process.argv[3] ?? 7);
const ROUTES = 10;
const THREADS = 2;
const NODE = {
  role: 'gateway',
  namespace: 'istio-system',
  labels: { istio: 'ingressgateway' },
  bind: '127.0.0.1',
  listenMap: new Map([[80, 18080]]),
};

function gatewayAndService() {
  return `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 80, name: http, protocol: HTTP}
    hosts: ["*"]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: app, namespace: default}
spec:
  hosts: [app.example]
  ports: [{number: 80, name: http, protocol: HTTP}]
  resolution: STATIC
  endpoints: [{address: 127.0.0.1}]
`;
}

function virtualService(index, prefix) {
  const routes = Array.from(
    { length: ROUTES },
    (_, route) => `  - name: route-${route}
    match:
    - uri: {prefix: ${prefix}/${index}/${route}}
    route:
    - destination: {host: app.example, port: {number: 80}}
`,
  );
  return `---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vs-${index}, namespace: default}
spec:
  hosts: [host-${index}.example]
  gateways: [edge]
  http:
${routes.join('')}`;
}

const parts = Array.from({ length: serviceCount }, (_, index) => virtualService(index, '/api'));
const folder = mkdtempSync(join(tmpdir(), 'weft-reload-'));
const file = join(folder, 'all.yaml');
const silent = Object.fromEntries(
  ['log', 'trace', 'debug', 'info', 'warning', 'error', 'critical', 'setLevel'].map((name) => [name, () => undefined]),
);
const cache = loading.LoadCache === undefined ? undefined : new loading.LoadCache();
const proxy = await startProxy({ threads: THREADS, drainMs: 0, exposeReasons: false, logger: silent, onFatal: fail });

function fail(error) {
  throw error;
}

let resources = [];
async function pass() {
  const times = {};
  const timed = async (stage, step) => {
    const startMs = performance.now();
    const result = await step();
    times[stage] = performance.now() - startMs;
    return result;
  };
  const startMs = performance.now();
  const { sources } = await timed('read', () => readTexts([folder]));
  const loaded = await timed('load', () => loading.loadTexts(sources, cache));
  ({ resources } = await timed('keep last good', () =>
    mergeLastGood(resources, loaded.resources, loaded.problems, () => false),
  ));
  const mesh = await timed('mesh', () => buildMesh(resources));
  const { model } = await timed('lower', () => lower(mesh, NODE, () => undefined));
  await timed('check references', () => checkReferences(resources));
  const encoded = await timed('encode', () => encodeTables(model));
  const result = await timed('publish', () => proxy.publish(encoded));
  if (!result.ok) throw new Error(result.reason);
  times['all'] = performance.now() - startMs;
  if (encoded.host.routes.length !== serviceCount * ROUTES) throw new Error(`${encoded.host.routes.length} routes`);
  // The next pass begins in its own turn of the event loop, as that of a running proxy does.
  await new Promise((resolve) => setImmediate(resolve));
  return times;
}

function write() {
  writeFileSync(file, gatewayAndService() + parts.join(''));
}

function residentMb() {
  return Math.round(process.memoryUsage.rss() / 1e6);
}

function median(values) {
  return values.sort((left, right) => left - right)[values.length >> 1];
}

write();
const first = await pass();
const firstMb = residentMb();
const reloads = [];
for (let round = 0; round < reloadCount; round++) {
  const index = (round * 37) % serviceCount;
  parts[index] = virtualService(index, `/changed-${round}`);
  write();
  reloads.push(await pass());
}
const lastMb = residentMb();
globalThis.gc?.();
for (const stage of Object.keys(first)) {
  const again = median(reloads.map((times) => times[stage]));
  console.log(`${stage.padEnd(18)} ${first[stage].toFixed(1).padStart(8)} ms ${again.toFixed(1).padStart(8)} ms`);
}
console.log(
  `resident ${firstMb} MB after the first load, ${lastMb} MB after ${reloadCount} reloads, ${residentMb()} MB collected`,
);
await proxy.stop();
rmSync(folder, { recursive: true, force: true });
