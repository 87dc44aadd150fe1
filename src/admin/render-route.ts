// SPDX-License-Identifier: Apache-2.0
/** The virtual hosts of a filter chain -> envoy.config.route.v3.RouteConfiguration as JSON. */
import type {
  ForwardAction,
  HttpConnectionManager,
  RedirectAction,
  Rewrite,
  Route,
  RouteAction,
} from '../model/model.js';
import { istioConfig, renderDuration } from './render-cluster.js';
import { renderFilterSettings, renderMirrors, renderRetry } from './render-policies.js';
import { renderHeaderOps } from './render-headers.js';
import { renderRouteMatch } from './render-match.js';

/** envoy.config.route.v3.RedirectAction.RedirectResponseCode. */
const REDIRECT_CODE: Readonly<Record<RedirectAction['status'], string>> = {
  301: 'MOVED_PERMANENTLY',
  302: 'FOUND',
  303: 'SEE_OTHER',
  307: 'TEMPORARY_REDIRECT',
  308: 'PERMANENT_REDIRECT',
};

/** `listenerPort` is the port that the configuration speaks of. */
export function renderRouteConfig(filter: HttpConnectionManager, listenerPort: number): object {
  return {
    '@type': 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
    name: filter.routeConfigName,
    virtual_hosts: filter.virtualHosts.map(({ name, domains, routes }) => ({
      name,
      domains,
      routes: routes.map((route) => renderRoute(route, listenerPort)),
    })),
    validate_clusters: false,
  };
}

function renderRoute({ name, match, action, origin }: Route, listenerPort: number): object {
  return {
    ...(name === '' ? {} : { name }),
    match: renderRouteMatch(match),
    ...renderAction(action, listenerPort),
    metadata: { filter_metadata: { istio: istioConfig(origin), weft: { origin } } },
  };
}

function renderAction(action: RouteAction, listenerPort: number): object {
  switch (action.kind) {
    case 'forward':
      return renderForward(action);
    case 'redirect':
      return {
        redirect: renderRedirect(action, listenerPort),
        ...renderHeaderOps('response', action.responseHeaders),
      };
    case 'direct':
      return {
        direct_response: { status: action.status, body: { inline_bytes: action.body } },
        ...renderHeaderOps('response', action.responseHeaders),
      };
  }
}

/** One cluster takes its header operations to the route, several to each weight, as Envoy's schema has them. */
function renderForward(action: ForwardAction): object {
  const [only, ...others] = action.clusters;
  const filters = renderFilterSettings(action);
  const shared = {
    timeout: renderDuration(action.timeoutMs),
    retry_policy: renderRetry(action.retry),
    ...renderMirrors(action.mirrors),
    ...renderRewrite(action.rewrite),
  };
  if (only !== undefined && others.length === 0) {
    return {
      route: {
        cluster: only.cluster,
        ...shared,
        ...(only.hostRewrite === undefined ? {} : { host_rewrite_literal: only.hostRewrite }),
      },
      ...renderHeaderOps('request', only.requestHeaders),
      ...renderHeaderOps('response', only.responseHeaders),
      ...filters,
    };
  }
  const clusters = action.clusters.map((weighted) => ({
    name: weighted.cluster,
    weight: weighted.weight,
    ...renderHeaderOps('request', weighted.requestHeaders),
    ...renderHeaderOps('response', weighted.responseHeaders),
    ...(weighted.hostRewrite === undefined ? {} : { host_rewrite_literal: weighted.hostRewrite }),
  }));
  return { route: { weighted_clusters: { clusters }, ...shared }, ...filters };
}

function renderRewrite(rewrite: Rewrite | undefined): object {
  if (rewrite === undefined) return {};
  if (rewrite.kind === 'path') return { prefix_rewrite: rewrite.value };
  return { regex_rewrite: { pattern: { regex: rewrite.pattern }, substitution: rewrite.substitution } };
}

function renderRedirect(action: RedirectAction, listenerPort: number): object {
  const port = action.port === 'listener' ? listenerPort : action.port;
  return {
    ...(action.scheme === undefined ? {} : { scheme_redirect: action.scheme }),
    ...(action.authority === undefined ? {} : { host_redirect: action.authority }),
    ...(port === undefined ? {} : { port_redirect: port }),
    ...(action.path === undefined ? {} : { path_redirect: action.path }),
    ...(action.prefixRewrite === undefined ? {} : { prefix_rewrite: action.prefixRewrite }),
    response_code: REDIRECT_CODE[action.status],
  };
}
