// SPDX-License-Identifier: Apache-2.0
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { ANY, FORWARD_ROUTE, listenerOf, MODEL, ORIGIN } from '../../test/support/admin-source.js';
import { REVIEWS, REVIEWS_CLUSTER, REVIEWS_V2 } from '../../test/support/statistics.js';
import type { Route, RouteAction, RouteMatch, RoutingModel } from '../model/model.js';
import type { HostData } from '../rules/encoded-tables.js';
import { renderConfigDump } from './config-dump.js';
import type { ConfigDumpInput } from './config-dump.js';
import { BadParameterError } from './query.js';

const INPUT: ConfigDumpInput = {
  model: MODEL,
  host: undefined,
  node: { id: 'node-1' },
  generation: 7,
  lastUpdated: '2026-08-22T12:00:30.000Z',
};
const PLAIN = { includeEndpoints: false };

function typesOf(dump: { configs: object[] }): string[] {
  return dump.configs.map((config) => (config as { '@type': string })['@type'].split('.v3.')[1] ?? '');
}

/** The one route of a model that has only this one, as the dump shows it. */
function renderedRoute(facts: Partial<Route>): object | undefined {
  const model: RoutingModel = { listeners: [listenerOf([{ ...FORWARD_ROUTE, ...facts }])], clusters: [] };
  const { configs } = renderConfigDump({ ...INPUT, model }, { ...PLAIN, resource: 'dynamic_route_configs' });
  const { route_config } = configs[0] as { route_config: { virtual_hosts: { routes: object[] }[] } };
  return route_config.virtual_hosts[0]?.routes[0];
}

const matching = (facts: Partial<RouteMatch>) => renderedRoute({ match: { ...ANY, ...facts } });
const doing = (action: RouteAction) => renderedRoute({ action });

describe('the dump', () => {
  it("has Envoy's sections in its order", () => {
    expect(typesOf(renderConfigDump(INPUT, PLAIN))).toEqual([
      'BootstrapConfigDump',
      'ClustersConfigDump',
      'ListenersConfigDump',
      'RoutesConfigDump',
    ]);
    expect(typesOf(renderConfigDump(INPUT, { includeEndpoints: true }))[2]).toBe('EndpointsConfigDump');
  });

  it('gives each resource the generation as its version', () => {
    const dump = renderConfigDump(INPUT, PLAIN);
    expect(dump.configs[1]).toMatchObject({
      version_info: '7',
      dynamic_active_clusters: [{ version_info: '7', last_updated: INPUT.lastUpdated }],
    });
    expect(dump.configs[2]).toMatchObject({ dynamic_listeners: [{ active_state: { version_info: '7' } }] });
  });

  it('can be narrowed to one list', () => {
    const dump = renderConfigDump(INPUT, { ...PLAIN, resource: 'dynamic_active_clusters' });
    expect(typesOf(dump)).toEqual(['ClustersConfigDump.DynamicCluster']);
    expect(() => renderConfigDump(INPUT, { ...PLAIN, resource: 'dynamic_endpoint_configs' })).toThrow(
      BadParameterError,
    );
    expect(() => renderConfigDump(INPUT, { ...PLAIN, resource: 'clusters' })).toThrow(/dynamic_active_clusters/);
  });

  it('can be narrowed to whole names', () => {
    const sizeFor = (pattern: string) =>
      renderConfigDump(INPUT, {
        ...PLAIN,
        resource: 'dynamic_active_clusters',
        nameRegex: RE2JS.compile(pattern),
      }).configs.length;
    expect(sizeFor('outbound.*reviews.*')).toBe(1);
    expect(sizeFor('reviews')).toBe(0);
  });

  it('is empty and still well formed before the first configuration', () => {
    const dump = renderConfigDump({ ...INPUT, model: undefined, lastUpdated: undefined }, PLAIN);
    expect(dump.configs[1]).toMatchObject({ dynamic_active_clusters: [] });
  });

  it('lists routes once when two listeners share them', () => {
    const [listener] = MODEL.listeners;
    if (listener === undefined) throw new Error('the model of the test has a listener');
    const model = { ...MODEL, listeners: [listener, { ...listener, name: '::_8080', address: '::' }] };
    const dump = renderConfigDump({ ...INPUT, model }, PLAIN);
    expect(dump.configs[2]).toMatchObject({ dynamic_listeners: [{ name: '0.0.0.0_8080' }, { name: '::_8080' }] });
    expect((dump.configs[3] as { dynamic_route_configs: object[] }).dynamic_route_configs).toHaveLength(1);
  });
});

describe('clusters and listeners', () => {
  it('show limits, policy and where they come from', () => {
    const { configs } = renderConfigDump(INPUT, { ...PLAIN, resource: 'dynamic_active_clusters' });
    expect(configs[0]).toMatchObject({
      cluster: {
        name: REVIEWS_CLUSTER,
        connect_timeout: '10s',
        lb_policy: 'LEAST_REQUEST',
        circuit_breakers: { thresholds: [{ max_connections: 10, max_pending_requests: 5 }] },
        typed_extension_protocol_options: {
          'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
            common_http_protocol_options: { idle_timeout: '3600s', max_requests_per_connection: 1 },
          },
        },
        metadata: {
          filter_metadata: {
            istio: {
              services: [{ host: REVIEWS.host, name: 'reviews', namespace: 'demo' }],
              subset: 'v2',
              config: '/apis/networking.istio.io/v1/namespaces/demo/destination-rule/reviews',
            },
            weft: { origin: { file: 'reviews.yaml', line: 12 } },
          },
        },
      },
    });
  });

  it('show endpoints with their health and workload', () => {
    const { configs } = renderConfigDump(INPUT, { includeEndpoints: true, resource: 'dynamic_endpoint_configs' });
    expect(configs[0]).toMatchObject({
      endpoint_config: {
        cluster_name: REVIEWS_CLUSTER,
        endpoints: [
          {
            lb_endpoints: [
              {
                health_status: 'HEALTHY',
                metadata: { filter_metadata: { istio: { workload: 'reviews-v2;demo;reviews;v2;' } } },
              },
              { health_status: 'UNHEALTHY' },
            ],
          },
        ],
      },
    });
  });

  it('show path normalization as the connection manager has it', () => {
    const model = { ...MODEL, listeners: [listenerOf([], { pathNormalization: 'DECODE_AND_MERGE_SLASHES' })] };
    const { configs } = renderConfigDump({ ...INPUT, model }, { ...PLAIN, resource: 'dynamic_listeners' });
    const expected = { merge_slashes: true, path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD' };
    expect(configs[0]).toMatchObject({
      active_state: { listener: { filter_chains: [{ filters: [{ typed_config: expected }] }] } },
    });
  });
});

describe('matches', () => {
  it('render paths', () => {
    expect(matching({})).toMatchObject({ match: { prefix: '/' } });
    expect(matching({ path: { kind: 'exact', value: '/a', ignoreCase: true } })).toMatchObject({
      match: { path: '/a', case_sensitive: false },
    });
    expect(matching({ path: { kind: 'regex', value: '/a.*' } })).toMatchObject({
      match: { safe_regex: { regex: '/a.*' } },
    });
  });

  it('render headers, inverted ones as Envoy must be told, and pseudo-headers first', () => {
    const headers = [
      { name: 'version', value: { kind: 'exact', value: 'new' }, invert: false },
      { name: 'user', value: { kind: 'prefix', value: 'bot' }, invert: true },
      { name: 'x', value: { kind: 'present' }, invert: true },
    ] as const;
    expect(matching({ headers, method: { kind: 'regex', value: 'GET|HEAD' } })).toMatchObject({
      match: {
        headers: [
          { name: ':method', string_match: { safe_regex: { regex: 'GET|HEAD' } } },
          { name: 'version', string_match: { exact: 'new' } },
          { name: 'user', string_match: { prefix: 'bot' }, invert_match: true, treat_missing_header_as_empty: true },
          { name: 'x', present_match: true, invert_match: true },
        ],
      },
    });
  });

  it('render query parameters', () => {
    const queryParams = [
      { name: 'q', value: { kind: 'exact', value: '1' } },
      { name: 'debug', value: { kind: 'present' } },
    ] as const;
    expect(matching({ queryParams })).toMatchObject({
      match: {
        query_parameters: [
          { name: 'q', string_match: { exact: '1' } },
          { name: 'debug', present_match: true },
        ],
      },
    });
  });
});

describe('actions', () => {
  it('render one cluster with retries, timeout and headers on the route', () => {
    const route = doing({
      kind: 'forward',
      clusters: [
        {
          cluster: 'c',
          weight: 1,
          requestHeaders: [
            { op: 'remove', name: 'x-old' },
            {
              op: 'set',
              name: 'x-who',
              value: [
                { kind: 'literal', text: '100% ' },
                { kind: 'request-header', name: 'x-user', alternative: 'x-account', maxBytes: 10 },
                { kind: 'downstream-remote-address' },
              ],
            },
          ],
          responseHeaders: [{ op: 'add', name: 'x-by', value: [{ kind: 'literal', text: 'weft' }] }],
          hostRewrite: 'inner.example',
        },
      ],
      timeoutMs: 1500,
      retry: { attempts: 2, conditions: ['connect-failure', 'refused-stream'] },
      rewrite: { kind: 'path', value: '/v2' },
      fault: { delay: { delayMs: 10_000, perMillion: 100_000 }, abort: { status: 503, perMillion: 1 } },
    });
    expect(route).toMatchObject({
      route: {
        cluster: 'c',
        timeout: '1.5s',
        retry_policy: { retry_on: 'connect-failure,refused-stream', num_retries: 2 },
        prefix_rewrite: '/v2',
        host_rewrite_literal: 'inner.example',
      },
      request_headers_to_remove: ['x-old'],
      request_headers_to_add: [
        {
          header: { key: 'x-who', value: '100%% %REQ(x-user?x-account):10%%DOWNSTREAM_REMOTE_ADDRESS%' },
          append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
        },
      ],
      response_headers_to_add: [{ header: { key: 'x-by' }, append_action: 'APPEND_IF_EXISTS_OR_ADD' }],
      typed_per_filter_config: {
        'envoy.filters.http.fault': {
          delay: { fixed_delay: '10s', percentage: { numerator: 100_000, denominator: 'MILLION' } },
          abort: { http_status: 503, percentage: { numerator: 1 } },
        },
      },
      metadata: {
        filter_metadata: {
          istio: { config: '/apis/networking.istio.io/v1/namespaces/demo/virtual-service/reviews' },
          weft: { origin: ORIGIN },
        },
      },
    });
  });

  it('render retries, mirrors, CORS and aborts by gRPC status in full', () => {
    const rendered = doing({
      kind: 'forward',
      clusters: [{ cluster: 'c', weight: 1, requestHeaders: [], responseHeaders: [] }],
      timeoutMs: 0,
      retry: {
        attempts: 3,
        conditions: ['5xx', 'retriable-status-codes'],
        statusCodes: [418],
        perTryTimeoutMs: 1500,
        backoffBaseMs: 10,
      },
      mirrors: [{ cluster: 'shadow', perMillion: 5000 }],
      cors: {
        allowsAnyOrigin: false,
        allowOrigins: [{ kind: 'exact', value: 'https://a.example' }],
        allowMethods: 'GET',
        allowHeaders: '',
        exposeHeaders: '',
        maxAge: '60',
        allowCredentials: true,
        answersUnmatchedPreflights: false,
      },
      fault: { abort: { status: 200, grpcStatus: 14, perMillion: 1 } },
    });
    expect(rendered).toMatchObject({
      route: {
        retry_policy: {
          num_retries: 3,
          retriable_status_codes: [418],
          per_try_timeout: '1.5s',
          retry_back_off: { base_interval: '0.01s' },
          retry_host_predicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
        },
        request_mirror_policies: [
          { cluster: 'shadow', runtime_fraction: { default_value: { numerator: 5000, denominator: 'MILLION' } } },
        ],
      },
      typed_per_filter_config: {
        'envoy.filters.http.cors': {
          allow_origin_string_match: [{ exact: 'https://a.example' }],
          max_age: '60',
          forward_not_matching_preflights: true,
        },
        'envoy.filters.http.fault': { abort: { grpc_status: 14 } },
      },
    });
  });

  it('render weights, each with its own headers', () => {
    const remove = [{ op: 'remove', name: 'x-b' }] as const;
    expect(
      doing({
        kind: 'forward',
        clusters: [
          { cluster: 'a', weight: 70, requestHeaders: [], responseHeaders: [] },
          { cluster: 'b', weight: 30, requestHeaders: remove, responseHeaders: [] },
        ],
        timeoutMs: 0,
        retry: { attempts: 0, conditions: [] },
        rewrite: { kind: 'regex', pattern: '^/a', substitution: '/b' },
      }),
    ).toMatchObject({
      route: {
        weighted_clusters: {
          clusters: [
            { name: 'a', weight: 70 },
            { name: 'b', weight: 30, request_headers_to_remove: ['x-b'] },
          ],
        },
        timeout: '0s',
        regex_rewrite: { pattern: { regex: '^/a' }, substitution: '/b' },
      },
    });
  });

  it('render redirects and direct responses', () => {
    expect(
      doing({ kind: 'redirect', status: 308, scheme: 'https', port: 'listener', path: '/new', responseHeaders: [] }),
    ).toMatchObject({
      redirect: {
        response_code: 'PERMANENT_REDIRECT',
        scheme_redirect: 'https',
        port_redirect: 80,
        path_redirect: '/new',
      },
    });
    const body = new TextEncoder().encode('no');
    expect(doing({ kind: 'direct', status: 403, body, responseHeaders: [] })).toMatchObject({
      direct_response: { status: 403, body: { inline_bytes: body } },
    });
  });
});

describe('a proxy that runs from a table file', () => {
  const host: HostData = {
    listeners: [listenerOf([])],
    filterChains: [
      { name: '0.0.0.0_8080', listener: 0, match: { serverNames: [] }, routeConfigName: 'http.80', origin: ORIGIN },
    ],
    virtualHosts: [{ name: 'a:80', domains: ['a'], filterChain: 0, firstRoute: 1, routeCount: 1 }],
    routes: [
      { name: 'other', virtualHost: 9, origin: ORIGIN, conditions: [], keepRequestHead: false, weighted: [] },
      {
        name: 'mine',
        virtualHost: 0,
        origin: ORIGIN,
        conditions: ['path prefix /api'],
        keepRequestHead: false,
        weighted: [{ cluster: REVIEWS_CLUSTER, weight: 1 }],
      },
    ],
    clusters: [
      {
        name: REVIEWS_CLUSTER,
        service: REVIEWS,
        subset: '',
        origin: ORIGIN,
        connectTimeoutMs: 500,
        idleTimeoutMs: 0,
        maxRequestsPerConnection: 0,
        limits: { maxConnections: 1, maxPendingRequests: 1, maxRequests: 1, maxRetries: 1 },
        firstEndpoint: 0,
        endpoints: [{ address: '10.0.0.1', port: 80, weight: 1, healthy: true, workload: REVIEWS_V2 }],
      },
    ],
    patterns: [],
  };

  it('still shows what its tables know', () => {
    const { configs } = renderConfigDump({ ...INPUT, model: undefined, host }, PLAIN);
    expect(configs[1]).toMatchObject({
      dynamic_active_clusters: [{ cluster: { name: REVIEWS_CLUSTER, connect_timeout: '0.5s' } }],
    });
    const routes = [{ name: 'mine', metadata: { filter_metadata: { weft: { conditions: ['path prefix /api'] } } } }];
    expect(configs[3]).toMatchObject({
      dynamic_route_configs: [{ route_config: { name: 'http.80', virtual_hosts: [{ domains: ['a'], routes }] } }],
    });
  });
});
