// SPDX-License-Identifier: Apache-2.0
/** Fastify with undici pools to the upstreams as a peer: the proxy that a Node.js team writes when it needs its own code. */
import type { Work } from './contract.js';
import { npmPeer } from './npm-server.js';

/** find-my-way keeps the constrained handlers of one path in a bit mask. */
const HEADER_ROUTE_LIMIT = 31;

export const fastifyUndici = npmPeer({
  name: 'fastify-undici',
  program: 'fastify-undici.mjs',
  packages: ['fastify', 'undici'],
  unsupported,
});

function unsupported({ routes }: Work): string | undefined {
  if (routes?.kind !== 'header' || routes.count <= HEADER_ROUTE_LIMIT) return undefined;
  return `its router takes at most ${HEADER_ROUTE_LIMIT} routes on one path that differ in a header`;
}
