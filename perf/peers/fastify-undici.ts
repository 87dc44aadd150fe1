// SPDX-License-Identifier: Apache-2.0
/** Fastify with undici pools to the upstreams as a peer: the proxy that a Node.js team writes when it needs its own code. */
import { onlyPlainHttp1 } from './contract.js';
import type { Work } from './contract.js';
import { npmPeer } from './npm-server.js';

/** find-my-way keeps the constrained handlers of one path in a bit mask. */
const HEADER_ROUTE_LIMIT = 31;

/** 10,000 routes took 10 s to add and 300 MB; 100,000 were not there after some three minutes (two shared cores). */
const ROUTE_LIMIT = 10_000;

export const fastifyUndici = npmPeer({
  name: 'fastify-undici',
  program: 'fastify-undici.mjs',
  packages: ['fastify', 'undici'],
  unsupported,
});

function unsupported(work: Work): string | undefined {
  const { routes } = work;
  const other = onlyPlainHttp1(work);
  if (other !== undefined) return other;
  if (routes === null) return undefined;
  if (routes.count > ROUTE_LIMIT) return `more than ${ROUTE_LIMIT} routes take it minutes to add`;
  if (routes.kind !== 'header' || routes.count <= HEADER_ROUTE_LIMIT) return undefined;
  return `its router takes at most ${HEADER_ROUTE_LIMIT} routes on one path that differ in a header`;
}
