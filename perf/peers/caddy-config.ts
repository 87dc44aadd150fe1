// SPDX-License-Identifier: Apache-2.0
/**
 * Work -> Caddy's JSON configuration: one terminal route with a proxy handler of its own for each route, as a Caddyfile with
 * one `reverse_proxy` line for each route becomes. Sharing one handler would need routes that all are tried, hit or not.
 */
import type { Work } from './contract.js';
import { BREAKER_LIMIT, IDLE_CONNECTION_COUNT, listRoutes, listShares } from './work.js';
import type { RouteEntry, UpstreamShare } from './work.js';

/** Ports and files of one Caddy process. */
export interface CaddySetting {
  readonly port: number;
  readonly adminPort: number;
  /** Absent: no access log. */
  readonly accessLogFile?: string;
}

/** The whole configuration, as `POST /load` and `caddy run --config` take it. */
export function buildCaddyConfig(setting: CaddySetting, work: Work): object {
  const proxy = proxyHandler(work);
  const routes = listRoutes(work).map((entry) => ({ match: [matchOf(entry)], handle: [proxy], terminal: true }));
  const { accessLogFile } = setting;
  return {
    admin: { listen: `127.0.0.1:${setting.adminPort}`, config: { persist: false } },
    logging: {
      logs: {
        // The default log writes each request too, unless it is told to leave them out.
        default: { level: 'WARN', exclude: ['http.log.access'] },
        ...(accessLogFile === undefined ? {} : { access: accessLog(accessLogFile) }),
      },
    },
    apps: {
      http: {
        servers: {
          front: {
            listen: [`127.0.0.1:${setting.port}`],
            protocols: ['h1'],
            automatic_https: { disable: true },
            // Opt-in here, always on in the mesh: the work includes counting requests.
            metrics: {},
            ...(accessLogFile === undefined ? {} : { logs: {} }),
            routes: [requestIdRoute(), ...routes, { handle: [{ handler: 'static_response', status_code: 404 }] }],
          },
        },
      },
    },
  };
}

/**
 * A list in which each upstream stands as often as its weight says, over the weights' greatest common divisor. Caddy 2.6 has
 * no weights, so this is how its users write them.
 */
export function repeatByWeight(shares: readonly UpstreamShare[]): number[] {
  const divisor = shares.map(({ weight }) => weight).reduce(greatestCommonDivisor);
  return shares.flatMap(({ port, weight }) => Array.from({ length: weight / divisor }, () => port));
}

function proxyHandler(work: Work): object {
  const ports = repeatByWeight(listShares(work));
  const limit = work.breaker === true ? { max_requests: BREAKER_LIMIT } : {};
  return {
    handler: 'reverse_proxy',
    upstreams: ports.map((port) => ({ dial: `127.0.0.1:${port}`, ...limit })),
    // The default picks at random; in turn is cheaper, and exact with the repeated entries.
    ...(ports.length > 1 ? { load_balancing: { selection_policy: { policy: 'round_robin' } } } : {}),
    transport: {
      protocol: 'http',
      // Else Caddy asks the upstream for gzip on behalf of clients that did not, and decompresses.
      compression: false,
      // The default of 32 would close most of 1,000 clients' connections after each request.
      keep_alive: { enabled: true, max_idle_conns_per_host: IDLE_CONNECTION_COUNT },
      versions: ['1.1'],
    },
  };
}

/** Null in a header matcher means: the field must not be there. */
function requestIdRoute(): object {
  return {
    match: [{ header: { 'X-Request-Id': null } }],
    handle: [{ handler: 'headers', request: { set: { 'X-Request-Id': ['{http.request.uuid}'] } } }],
  };
}

function accessLog(filename: string): object {
  return { level: 'INFO', include: ['http.log.access'], writer: { output: 'file', filename, roll: false } };
}

function matchOf({ match, pattern, headerValue }: RouteEntry): object {
  switch (match) {
    case 'exact':
      return { path: [pattern] };
    case 'prefix':
      // A path of `*` alone always matches; leaving it out saves the comparison.
      if (headerValue !== undefined) return { header: { 'X-Route': [headerValue] } };
      return { path: [`${pattern}*`] };
    case 'regex':
      return { path_regexp: { pattern: `^${pattern}$` } };
  }
}

function greatestCommonDivisor(first: number, second: number): number {
  return second === 0 ? first : greatestCommonDivisor(second, first % second);
}
