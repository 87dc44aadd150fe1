// SPDX-License-Identifier: Apache-2.0
/**
 * A VirtualService's `http` -> routes for one listener: every rule times every match block, in document order, until the
 * first that catches everything; what follows can never be reached and does not exist for Istio either.
 */
import type { Route, RouteMatch } from '../model/model.js';
import type { VirtualService } from '../resources/types.js';
import { originOf } from './findings.js';
import type { LowerContext } from './lower-context.js';
import { lowerAction } from './route-action.js';
import { CATCH_ALL, holdsStatically, isCatchAll, lowerMatch } from './route-match.js';
import type { RouteScope } from './route-match.js';

/** Empty when the rules' static conditions rule out this proxy, port or gateway. */
export function lowerRoutes(context: LowerContext, virtualService: VirtualService, scope: RouteScope): Route[] {
  const routes: Route[] = [];
  for (const { rule, resource, path, blocks } of context.delegates.rulesOf(virtualService)) {
    const held = blocks.map(({ block }) => holdsStatically(block, resource, context.node, scope));
    // The action names clusters, so it is made only for rules that exist here.
    if (blocks.length > 0 && !held.includes(true)) continue;
    const action = lowerAction(context, { resource, rule, path }, scope);
    if (action === undefined) continue;
    const name = rule.name ?? '';
    const add = (match: RouteMatch, matchName: string, at: string, statPrefix = ''): boolean => {
      const routeName = matchName === '' ? name : `${name}.${matchName}`;
      const counted = statPrefix === '' ? {} : { statPrefix };
      routes.push({ name: routeName, ...counted, match, action, origin: originOf(resource, at) });
      return isCatchAll(match);
    };
    if (blocks.length === 0) {
      add(CATCH_ALL, '', path);
      return routes;
    }
    for (const [index, { block, path: blockPath }] of blocks.entries()) {
      if (held[index] !== true) continue;
      const match = lowerMatch(block);
      const at = blockPath === '' ? path : blockPath;
      if (match !== undefined && add(match, block.name ?? '', at, block.statPrefix)) return routes;
    }
  }
  return routes;
}

/** Catch-alls go last, each group keeping its order: several VirtualServices may share one host of a gateway. */
export function catchAllsLast(routes: readonly Route[]): Route[] {
  const last = routes.filter((route) => isCatchAll(route.match));
  return last.length === 0 ? [...routes] : [...routes.filter((route) => !isCatchAll(route.match)), ...last];
}
