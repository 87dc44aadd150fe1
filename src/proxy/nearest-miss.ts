// SPDX-License-Identifier: Apache-2.0
/** A request that no route takes -> the route that came closest and the condition that kept it away, for x-weft-reason. */
import type { RequestExchange, ThreadContext } from './contracts.js';

/** A virtual host may have thousands of routes, and this runs on a thread that carries traffic. */
const MAX_ROUTES = 256;

/**
 * ` nearest: <origin>: <condition>` for the parsed request, or '' when there is none. Closest is the route of which most
 * conditions hold before the first that fails; of several the first. Routes whose pattern only the host can run are passed
 * over.
 */
export function nearestMiss(path: ThreadContext, exchange: RequestExchange, virtualHost: number): string {
  const { generation, index } = exchange;
  const [first, count] = generation.routesOf(virtualHost);
  let nearest = -1;
  let held = -1;
  for (let route = first; route < first + Math.min(count, MAX_ROUTES); route++) {
    const failed = path.engine.exports.testRoute(index, route);
    if (failed <= held) continue;
    nearest = route;
    held = failed;
  }
  if (nearest < 0) return '';
  return `; nearest: ${generation.routeOrigin(nearest) ?? ''}: ${generation.condition(nearest, held)}`;
}
