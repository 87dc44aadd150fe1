// SPDX-License-Identifier: Apache-2.0
/**
 * Requests on the admin address -> the endpoint that answers them. Paths, formats and names are those of Envoy's admin
 * interface where it has the endpoint. What changes something takes POST only, so that following a link changes nothing.
 */
import type { IncomingMessage } from 'node:http';
import { refuseAccess } from './access-check.js';
import type { AdminSource } from './admin-source.js';
import { CONFIG_DUMP_ENDPOINT } from './config-endpoint.js';
import { textReply } from './endpoint.js';
import type { Endpoint } from './endpoint.js';
import { startHttpServer } from './http-server.js';
import type { ListenAddress, Reply, RunningServer } from './http-server.js';
import { helpText, indexReply } from './index-page.js';
import { PROCESS_ENDPOINTS } from './process-endpoints.js';
import { BadParameterError, Query } from './query.js';
import { STATS_ENDPOINTS } from './stats-endpoints.js';
import { TRAFFIC_ENDPOINTS } from './traffic-endpoints.js';

const INDEX_ENDPOINTS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/',
    summary: 'this page',
    parameters: {},
    answer: ({ source }) => indexReply(ENDPOINTS, source.server().version),
  },
  {
    method: 'GET',
    path: '/help',
    summary: 'this list as text',
    parameters: {},
    answer: () => textReply(helpText(ENDPOINTS)),
  },
];

/** All endpoints, by path. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...INDEX_ENDPOINTS,
  ...PROCESS_ENDPOINTS,
  ...STATS_ENDPOINTS,
  ...TRAFFIC_ENDPOINTS,
  CONFIG_DUMP_ENDPOINT,
].sort((first, second) => (first.path < second.path ? -1 : 1));

export interface AdminOptions {
  readonly source: AdminSource;
  readonly listen: ListenAddress;
}

/**
 * Starts the admin server.
 *
 * @throws AdminListenError (as a rejection) when the address can't be bound.
 */
export function startAdmin({ source, listen }: AdminOptions): Promise<RunningServer> {
  return startHttpServer('admin server', listen, source.logger, (request) => answer(source, request));
}

async function answer(source: AdminSource, request: IncomingMessage): Promise<Reply> {
  const method = request.method ?? '';
  const refusal = refuseAccess(method, request.headers);
  if (refusal !== undefined) return textReply(`${refusal}\n`, 403);
  const [path = '', ...query] = (request.url ?? '').split('?');
  const number = /^\/threads\/(\d{1,4})\//.exec(path)?.[1];
  const template = number === undefined ? path : path.replace(`/${number}/`, '/{number}/');
  const endpoint = template === path && path.includes('{') ? undefined : findEndpoint(template);
  if (endpoint === undefined) return textReply(`there is no ${path}\n${helpText(ENDPOINTS)}`, 404);
  const allowed = endpoint.method === 'GET' ? ['GET', 'HEAD'] : ['POST'];
  if (!allowed.includes(method)) {
    const reply = textReply(`${path} takes ${allowed.join(' and ')}, not ${method}\n`, 405);
    return { ...reply, headers: { allow: allowed.join(', ') } };
  }
  try {
    const known = endpoint.parameters === undefined ? undefined : Object.keys(endpoint.parameters);
    return await endpoint.answer({
      source,
      query: new Query(new URLSearchParams(query.join('?')), known),
      headers: request.headers,
      number: Number(number),
    });
  } catch (error) {
    if (error instanceof BadParameterError) return textReply(`${error.message}\n`, 400);
    throw error;
  }
}

function findEndpoint(path: string): Endpoint | undefined {
  return ENDPOINTS.find((endpoint) => endpoint.path === path);
}
