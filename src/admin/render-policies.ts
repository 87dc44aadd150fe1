// SPDX-License-Identifier: Apache-2.0
/** What a forwarding route does beside choosing a cluster -> Envoy's retry, mirror, CORS and fault messages as JSON. */
import type { CorsPolicy, Fault, ForwardAction, Mirror, RetryPolicy } from '../model/model.js';
import { renderDuration } from './render-cluster.js';
import { renderStringMatch } from './render-match.js';

export function renderRetry(retry: RetryPolicy): object {
  const { statusCodes, perTryTimeoutMs, backoffBaseMs } = retry;
  return {
    retry_on: retry.conditions.join(','),
    num_retries: retry.attempts,
    ...(statusCodes === undefined ? {} : { retriable_status_codes: statusCodes }),
    ...(perTryTimeoutMs === undefined ? {} : { per_try_timeout: renderDuration(perTryTimeoutMs) }),
    ...(backoffBaseMs === undefined ? {} : { retry_back_off: { base_interval: renderDuration(backoffBaseMs) } }),
    ...(retry.reusesHosts === true || retry.attempts === 0
      ? {}
      : {
          retry_host_predicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }],
          host_selection_retry_max_attempts: 5,
        }),
    ...(retry.prefersOtherLocalities === true
      ? { retry_priority: { name: 'envoy.retry_priorities.previous_priorities' } }
      : {}),
  };
}

export function renderMirrors(mirrors: readonly Mirror[] | undefined): object {
  if (mirrors === undefined) return {};
  const policies = mirrors.map(({ cluster, perMillion }) => ({
    cluster,
    runtime_fraction: { default_value: percentage(perMillion) },
  }));
  return { request_mirror_policies: policies };
}

/** Settings of filters for one route. */
export function renderFilterSettings({ fault, cors }: ForwardAction): object {
  if (fault === undefined && cors === undefined) return {};
  return {
    typed_per_filter_config: {
      ...(fault === undefined ? {} : { 'envoy.filters.http.fault': renderFault(fault) }),
      ...(cors === undefined ? {} : { 'envoy.filters.http.cors': renderCors(cors) }),
    },
  };
}

function renderFault({ delay, abort }: Fault): object {
  const status = abort?.grpcStatus === undefined ? { http_status: abort?.status } : { grpc_status: abort.grpcStatus };
  return {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
    ...(delay === undefined
      ? {}
      : { delay: { fixed_delay: renderDuration(delay.delayMs), percentage: percentage(delay.perMillion) } }),
    ...(abort === undefined ? {} : { abort: { ...status, percentage: percentage(abort.perMillion) } }),
  };
}

function renderCors(cors: CorsPolicy): object {
  const origins = [
    ...(cors.allowsAnyOrigin ? [{ exact: '*' }] : []),
    ...cors.allowOrigins.map((match) => renderStringMatch(match)),
  ];
  const texts = {
    allow_methods: cors.allowMethods,
    allow_headers: cors.allowHeaders,
    expose_headers: cors.exposeHeaders,
    max_age: cors.maxAge,
  };
  return {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.cors.v3.CorsPolicy',
    allow_origin_string_match: origins,
    ...Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== '')),
    allow_credentials: cors.allowCredentials,
    forward_not_matching_preflights: !cors.answersUnmatchedPreflights,
  };
}

function percentage(perMillion: number): object {
  return { numerator: perMillion, denominator: 'MILLION' };
}
