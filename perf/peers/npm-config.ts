// SPDX-License-Identifier: Apache-2.0
/** Work -> the JSON file that the servers in perf/peers/npm read, routes written out in rule order. */
import type { StartOptions } from './contract.js';
import { BREAKER_LIMIT, IDLE_CONNECTION_COUNT, listRoutes, listShares } from './work.js';
import type { RouteEntry, UpstreamShare } from './work.js';

/** What perf/peers/npm/work-file.mjs reads. */
export interface WorkFile {
  readonly port: number;
  readonly threads: number;
  readonly routes: readonly RouteEntry[];
  readonly shares: readonly UpstreamShare[];
  readonly idleConnectionCount: number;
  /** Requests under way to one upstream from one process; null: not counted. */
  readonly limit: number | null;
  readonly accessLogFile: string | null;
}

/** The content of the work file; null `accessLogFile` for no access log. */
export function buildWorkFile(
  { port, threads, work }: Pick<StartOptions, 'port' | 'threads' | 'work'>,
  accessLogFile: string | null,
): WorkFile {
  return {
    port,
    threads,
    routes: listRoutes(work),
    shares: listShares(work),
    idleConnectionCount: IDLE_CONNECTION_COUNT,
    limit: work.breaker === true ? BREAKER_LIMIT : null,
    accessLogFile,
  };
}
