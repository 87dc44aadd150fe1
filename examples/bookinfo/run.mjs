// SPDX-License-Identifier: Apache-2.0
// node examples/bookinfo/run.mjs [SCENARIO...]: starts the services and two proxies on free ports, puts the configuration of
// each scenario into force, and asserts what it must do. Prints TAP; the exit status is 1 when something did not hold.
import { readdir } from 'node:fs/promises';
import { get, startServices } from './services.mjs';
import { startWeft } from './weft.mjs';

const folder = new URL('scenarios/', import.meta.url);
const known = (await readdir(folder))
  .filter((name) => name.endsWith('.mjs'))
  .map((name) => name.slice(0, -'.mjs'.length));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`no such scenario: ${unknown.join(', ')}; there are ${known.sort().join(', ')}`);
  process.exit(2);
}
const names = wanted.length > 0 ? wanted : known.sort();

const mesh = { port: 0 };
const services = await startServices(mesh);
const weft = await startWeft(services);
mesh.port = weft.ports.mesh;

/** What scenarios are given. */
const world = {
  services,
  weft,
  /** The product page as a user sees it, through the ingress gateway. */
  async page(headers = {}) {
    const { status, body } = await get({ port: weft.ports.http, path: '/productpage', headers });
    return { status, ...(status === 200 ? JSON.parse(body) : { body }) };
  },
  /** A request of the product page's own, through its sidecar. */
  ask: (host, path, options = {}) =>
    get({ port: options.port ?? mesh.port, path, ...options, headers: { ...options.headers, host } }),
};

let failed = 0;
try {
  await weft.start();
  console.log(`1..${names.length}`);
  for (const [index, name] of names.entries()) {
    const { title, files, run, more } = await import(new URL(`${name}.mjs`, folder).href);
    try {
      await weft.apply(name, files, more?.(world));
      await run(world);
      console.log(`ok ${index + 1} - ${name}: ${title}`);
    } catch (error) {
      failed++;
      console.log(
        `not ok ${index + 1} - ${name}: ${title}\n  ${String(error.stack ?? error).replaceAll('\n', '\n  ')}`,
      );
    }
  }
} catch (error) {
  failed++;
  console.error(error, weft.log());
} finally {
  await weft.stop();
  await Promise.all(Object.values(services).map((service) => service.stop()));
}
process.exitCode = failed > 0 ? 1 : 0;
