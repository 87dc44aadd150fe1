// SPDX-License-Identifier: Apache-2.0
/** An AdminSource from plain data, which remembers what it was asked to do. */
import type { AdminSource, ConfigStatus } from '../../src/admin/admin-source.js';
import type { Listener, Origin, Route, RouteMatch, RoutingModel } from '../../src/model/model.js';
import { Logger } from '../../src/telemetry/log.js';
import { endpointOf, REVIEWS, REVIEWS_CLUSTER, SERVER, STATISTICS } from './statistics.js';

export const ORIGIN: Origin = {
  kind: 'VirtualService',
  namespace: 'demo',
  name: 'reviews',
  file: 'reviews.yaml',
  line: 12,
  path: 'spec.http[0]',
};

export const ANY: RouteMatch = { path: { kind: 'any' }, headers: [], queryParams: [] };

export const FORWARD_ROUTE: Route = {
  name: 'v2-first',
  match: ANY,
  action: {
    kind: 'forward',
    clusters: [{ cluster: REVIEWS_CLUSTER, weight: 100, requestHeaders: [], responseHeaders: [] }],
    timeoutMs: 1500,
    retry: { attempts: 2, conditions: ['connect-failure', 'refused-stream'] },
  },
  origin: ORIGIN,
};

export function listenerOf(routes: readonly Route[], facts: Partial<Listener> = {}): Listener {
  return {
    name: '0.0.0.0_8080',
    address: '0.0.0.0',
    port: 8080,
    configPort: 80,
    kind: 'gateway',
    pathNormalization: 'BASE',
    filterChains: [
      {
        name: '0.0.0.0_8080',
        match: { serverNames: [] },
        filter: {
          kind: 'http',
          routeConfigName: 'http.80',
          virtualHosts: [{ name: 'reviews.example:80', domains: ['reviews.example'], routes, origins: [ORIGIN] }],
        },
        origin: ORIGIN,
      },
    ],
    origin: { ...ORIGIN, kind: 'Gateway', name: 'ingress', path: 'spec.servers[0]' },
    ...facts,
  };
}

export const MODEL: RoutingModel = {
  listeners: [listenerOf([FORWARD_ROUTE])],
  clusters: [
    {
      name: REVIEWS_CLUSTER,
      service: REVIEWS,
      subset: 'v2',
      loadBalancer: 'LEAST_REQUEST',
      endpoints: [endpointOf('10.0.0.1'), endpointOf('fd00::2', false)],
      circuitBreaker: { maxConnections: 10, maxPendingRequests: 5, maxRequests: 100, maxRetries: 3 },
      connectTimeoutMs: 10_000,
      idleTimeoutMs: 3_600_000,
      maxRequestsPerConnection: 1,
      origin: { ...ORIGIN, kind: 'DestinationRule' },
    },
  ],
};

export const CONFIG_STATUS: ConfigStatus = {
  ...SERVER.config,
  reason: '',
  contentHash: 'a1b2',
  lastAttemptMs: SERVER.config.lastSuccessMs,
  sources: ['mesh/'],
  problems: [],
  kept: [],
};

export interface FakeAdminSource extends AdminSource {
  /** `drain`, `quit`, `crash 0`, in order. */
  readonly actions: string[];
  readonly logLines: string[];
}

export function fakeAdminSource(facts: Partial<AdminSource> = {}): FakeAdminSource {
  const actions: string[] = [];
  const logLines: string[] = [];
  return {
    logger: new Logger('info', (line) => logLines.push(line)),
    statistics: () => STATISTICS,
    server: () => SERVER,
    commandLineOptions: () => ({ threads: 2, bind: '0.0.0.0' }),
    model: () => MODEL,
    host: () => undefined,
    configStatus: () => CONFIG_STATUS,
    listeners: () => [
      { name: '0.0.0.0_8080', address: '0.0.0.0', port: 8080, needsWire: false },
      { name: '::_8443', address: '::', port: 8443, needsWire: true, error: 'address already in use\n' },
    ],
    printRoutes: () => 'NAME  DOMAINS  MATCH\nhttp.80  reviews.example  /*\n',
    drain: async () => {
      actions.push('drain');
    },
    quit: () => {
      actions.push('quit');
    },
    crashThread: (index) => {
      if (index >= STATISTICS.threads.length) return false;
      actions.push(`crash ${index}`);
      return true;
    },
    ...facts,
    actions,
    logLines,
  };
}
