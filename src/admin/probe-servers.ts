// SPDX-License-Identifier: Apache-2.0
/**
 * The two ports that the platform asks: readiness for the kubelet (Istio's 15021) and metrics for Prometheus (15090). They
 * listen on all addresses and are asked under names, so admin's access check does not apply; they only read.
 */
import type { IncomingMessage } from 'node:http';
import type { AdminSource } from './admin-source.js';
import { textReply } from './endpoint.js';
import { startHttpServer } from './http-server.js';
import type { ListenAddress, Reply, RunningServer } from './http-server.js';
import { readyReply } from './process-endpoints.js';
import { BadParameterError, Query } from './query.js';
import { EXPOSITION_PARAMETERS, expositionReply } from './stats-endpoints.js';

export interface StatusServerOptions {
  readonly source: Pick<AdminSource, 'server' | 'logger'>;
  readonly listen: ListenAddress;
}

/**
 * `/healthz/ready`: 200 while the proxy is live, else 503 with the state; everything else 404, as on Istio's status port.
 *
 * @throws AdminListenError (as a rejection) when the address can't be bound.
 */
export function startStatusServer({ source, listen }: StatusServerOptions): Promise<RunningServer> {
  return startHttpServer('status server', listen, source.logger, (request) =>
    onGet(request, ['/healthz/ready'], () => readyReply(source.server())),
  );
}

export interface MetricsServerOptions {
  readonly source: Pick<AdminSource, 'server' | 'statistics' | 'logger'>;
  readonly listen: ListenAddress;
}

/**
 * `/stats/prometheus` and `/metrics`: the exposition, with admin's parameters.
 *
 * @throws AdminListenError (as a rejection) when the address can't be bound.
 */
export function startMetricsServer({ source, listen }: MetricsServerOptions): Promise<RunningServer> {
  return startHttpServer('metrics server', listen, source.logger, (request) =>
    onGet(request, ['/stats/prometheus', '/metrics'], async (search) => {
      try {
        const query = new Query(search, Object.keys(EXPOSITION_PARAMETERS));
        return await expositionReply(source, query, request.headers.accept);
      } catch (error) {
        if (error instanceof BadParameterError) return textReply(`${error.message}\n`, 400);
        throw error;
      }
    }),
  );
}

function onGet(
  request: IncomingMessage,
  paths: readonly string[],
  answer: (search: URLSearchParams) => Reply | Promise<Reply>,
): Reply | Promise<Reply> {
  const [path = '', ...search] = (request.url ?? '').split('?');
  if (!paths.includes(path)) return textReply(`there is only ${paths.join(' and ')} here\n`, 404);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return { ...textReply(`${path} takes GET and HEAD\n`, 405), headers: { allow: 'GET, HEAD' } };
  }
  return answer(new URLSearchParams(search.join('?')));
}
