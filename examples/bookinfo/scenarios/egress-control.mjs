// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'the product page reaches what the mesh knows, and only that, until ALLOW_ANY';
export const files = ['bookinfo-gateway.yaml', 'sidecar-registry-only.yaml'];

/** The archive is outside of the mesh and has been registered. */
export function more({ services }) {
  const spec = {
    hosts: ['archive.example'],
    location: 'MESH_EXTERNAL',
    resolution: 'STATIC',
    ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
    endpoints: [{ address: '127.0.0.1', ports: { http: services.archive.port } }],
  };
  const entry = { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name: 'archive' }, spec };
  return { extra: JSON.stringify(entry) };
}

export async function run({ ask, services, weft }) {
  const port = weft.ports.outside;
  const known = await ask('archive.example', '/', { port });
  assert.deepEqual([known.status, JSON.parse(known.body)], [200, { archive: 'outside' }]);
  const unknown = `localhost:${services.archive.port}`;
  assert.equal((await ask(unknown, '/', { port })).status, 502);
  await weft.apply('egress-allow-any', ['bookinfo-gateway.yaml', 'sidecar-allow-any.yaml'], more({ services }));
  const reached = await ask(unknown, '/', { port });
  assert.deepEqual([reached.status, JSON.parse(reached.body)], [200, { archive: 'outside' }]);
}
