// SPDX-License-Identifier: Apache-2.0
// node examples/egress-gateway/run.mjs: a sidecar, an egress gateway and a stand-in for the host outside. Asserts that
// requests go through both and that nothing else leaves. Prints TAP.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { get } from '../bookinfo/services.mjs';
import { eventually, freePort, startProxy, stopProxy } from '../bookinfo/weft.mjs';

const seen = [];
const library = http.createServer((request, response) => {
  seen.push(request.headers);
  response.end('a book');
});
await new Promise((resolve) => library.listen(0, '127.0.0.1', resolve));

const [sidecarPort, gatewayPort] = [await freePort(), await freePort()];
const folder = await mkdtemp(join(tmpdir(), 'egress-gateway-'));
const config = join(folder, 'egress.yaml');
const text = await readFile(new URL('egress.yaml', import.meta.url), 'utf8');
await writeFile(
  config,
  text.replace('LIBRARY_PORT', String(library.address().port)).replace('GATEWAY_PORT', String(gatewayPort)),
);
const proxies = [
  startProxy({ config, role: 'sidecar', map: `80=${sidecarPort}`, labels: 'app=reader' }),
  startProxy({ config, role: 'gateway', map: `80=${gatewayPort}`, labels: 'istio=egressgateway' }),
];
const ask = (host) => get({ port: sidecarPort, path: '/', headers: { host } });

try {
  console.log('1..2');
  await eventually('both proxies serve', async () => (await ask('library.example')).status === 200);
  const answer = await ask('library.example');
  assert.deepEqual([answer.status, answer.body], [200, 'a book']);
  assert.equal(seen.at(-1)['x-egress'], 'gateway');
  console.log('ok 1 - a request for library.example goes through the egress gateway');
  const before = seen.length;
  assert.equal((await ask(`127.0.0.1:${library.address().port}`)).status, 502);
  assert.equal(seen.length, before);
  console.log('ok 2 - other hosts are refused at the sidecar');
} catch (error) {
  console.log(`not ok - ${error.stack}`);
  process.exitCode = 1;
} finally {
  await Promise.all(proxies.map(stopProxy));
  library.close();
  library.closeAllConnections();
  await rm(folder, { recursive: true, force: true });
}
