// SPDX-License-Identifier: Apache-2.0
/**
 * The failure table: each way in which a request can fail, by its number in assembly/layout.ts. Status, flag, detail and
 * body are Envoy's, so that dashboards and runbooks keep working.
 */
import * as layout from '../../assembly/layout.js';

export interface Failure {
  /** Stable name, the value of the `reason` label of weft_local_responses_total. */
  readonly code: string;
  readonly status: number;
  /** FLAG_* bit, 0 = none. */
  readonly flag: number;
  /** Envoy's response code details. */
  readonly details: string;
  readonly body: string;
  /** The client's connection can't be used further. */
  readonly close: boolean;
}

const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';

function failure(code: string, status: number, flag: number, details: string, body = '', close = false): Failure {
  return { code, status, flag, details, body, close };
}

function reset(code: string, status: number, flag: number, reason: string): Failure {
  const details = `upstream_reset_before_response_started{${reason.replaceAll(' ', '_')}}`;
  return failure(code, status, flag, details, RESET + reason);
}

const FAILURES = new Map<number, Failure>([
  [layout.FAILURE_NO_ROUTE, failure('no_route', 404, layout.FLAG_NR, 'route_not_found')],
  [layout.FAILURE_CLUSTER_NOT_FOUND, failure('cluster_not_found', 503, layout.FLAG_NC, 'cluster_not_found')],
  [
    layout.FAILURE_NO_HEALTHY_UPSTREAM,
    failure('no_healthy_upstream', 503, layout.FLAG_UH, 'no_healthy_upstream', 'no healthy upstream'),
  ],
  [layout.FAILURE_OVERFLOW, reset('overflow', 503, layout.FLAG_UO, 'overflow')],
  [layout.FAILURE_CONNECT, reset('connect_failure', 503, layout.FLAG_UF, 'remote connection failure')],
  [layout.FAILURE_CONNECT_TIMEOUT, reset('connect_timeout', 503, layout.FLAG_UF, 'connection timeout')],
  [layout.FAILURE_UPSTREAM_CLOSED, reset('upstream_closed', 503, layout.FLAG_UC, 'connection termination')],
  [layout.FAILURE_REMOTE_RESET, reset('remote_reset', 503, layout.FLAG_UR, 'remote reset')],
  [layout.FAILURE_UPSTREAM_PROTOCOL, reset('upstream_protocol_error', 502, layout.FLAG_UPE, 'protocol error')],
  [
    layout.FAILURE_TIMEOUT,
    failure('upstream_timeout', 504, layout.FLAG_UT, 'response_timeout', 'upstream request timeout'),
  ],
  [
    layout.FAILURE_PER_TRY_TIMEOUT,
    failure('per_try_timeout', 504, layout.FLAG_UT, 'upstream_per_try_timeout', 'upstream request timeout'),
  ],
  [layout.FAILURE_BAD_REQUEST, failure('bad_request', 400, layout.FLAG_DPE, 'http1.codec_error', 'Bad Request', true)],
  [
    layout.FAILURE_HEAD_TOO_LARGE,
    failure('head_too_large', 431, 0, 'request_headers_too_large', 'Request Header Fields Too Large', true),
  ],
  [layout.FAILURE_PATH_NORMALIZATION, failure('path_normalization', 400, 0, 'path_normalization_failed', '', true)],
  [layout.FAILURE_MISSING_HOST, failure('missing_host', 400, 0, 'missing_host_header', '', true)],
  [layout.FAILURE_LOW_VERSION, failure('low_version', 426, 0, 'low_version', '', true)],
  [layout.FAILURE_METHOD, failure('method', 405, 0, 'method_not_allowed', '', true)],
  // What the client sends next may be of the protocol that it has asked for.
  [layout.FAILURE_UPGRADE, failure('upgrade', 403, 0, 'upgrade_failed', '', true)],
  [layout.FAILURE_DOWNSTREAM_CLOSED, failure('downstream_closed', 0, layout.FLAG_DC, 'downstream_remote_disconnect')],
  [layout.FAILURE_FAULT_ABORT, failure('fault_abort', 0, layout.FLAG_FI, 'fault_filter_abort', 'fault filter abort')],
  [layout.FAILURE_ENGINE, failure('internal_error', 500, 0, 'internal_error', 'internal error')],
  // The rewritten head has no room: the client's fields and the added ones together are too large.
  [
    layout.FAILURE_OUTPUT_FULL,
    failure('head_too_large', 431, 0, 'request_headers_too_large', 'Request Header Fields Too Large'),
  ],
  [
    layout.FAILURE_REQUEST_HEADER_TIMEOUT,
    failure('request_header_timeout', 408, 0, 'request_header_timeout', 'request header timeout', true),
  ],
  [
    layout.FAILURE_REQUEST_TIMEOUT,
    failure('request_timeout', 408, 0, 'request_overall_timeout', 'request timeout', true),
  ],
  [
    layout.FAILURE_STREAM_IDLE_REQUEST,
    failure('stream_idle_request', 408, layout.FLAG_SI, 'stream_idle_timeout', 'stream timeout', true),
  ],
  [layout.FAILURE_STREAM_IDLE, failure('stream_idle', 504, layout.FLAG_SI, 'stream_idle_timeout', 'stream timeout')],
  [layout.FAILURE_DRAINING, failure('overload', 503, layout.FLAG_OM, 'overload', 'weft overloaded')],
]);

/** The row of a failure number; a number without a row is a bug and reads as an internal error. */
export function failureOf(number: number): Failure {
  return FAILURES.get(number) ?? (FAILURES.get(layout.FAILURE_ENGINE) as Failure);
}

/** Every row, for documentation and for the bounded set of reason codes in metrics. */
export function allFailures(): readonly Failure[] {
  return [...FAILURES.values()];
}
