// SPDX-License-Identifier: Apache-2.0
/** Istio's HTTPFaultInjection -> delays and aborts as shares of the requests. */
import type { Fault } from '../model/model.js';
import type { HttpFaultInjectionSpec } from '../resources/types.js';
import { durationMs } from './traffic-policy.js';

/** gRPC's status numbers in Istio's spelling; the place in the list is the number. */
const GRPC_STATUSES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** A fault without a percentage is never injected (Istio: absent means 0). */
export function lowerFault(spec: HttpFaultInjectionSpec | undefined): Fault | undefined {
  const delayShare = perMillion(spec?.delay?.percentage?.value ?? spec?.delay?.percent);
  const delayMs = durationMs(spec?.delay?.fixedDelay) ?? 0;
  const abortShare = perMillion(spec?.abort?.percentage?.value);
  const grpcStatus = GRPC_STATUSES.indexOf(spec?.abort?.grpcStatus ?? '');
  // Envoy: an abort by gRPC status is an HTTP 200 that carries it.
  const status = spec?.abort?.httpStatus ?? (grpcStatus < 0 ? undefined : 200);
  const hasDelay = delayShare > 0 && delayMs > 0;
  const hasAbort = abortShare > 0 && status !== undefined;
  if (!hasDelay && !hasAbort) return undefined;
  return {
    ...(hasDelay ? { delay: { delayMs, perMillion: delayShare } } : {}),
    ...(hasAbort ? { abort: { status, perMillion: abortShare, ...(grpcStatus < 0 ? {} : { grpcStatus }) } } : {}),
  };
}

export function perMillion(percent: number | undefined): number {
  return Math.round((percent ?? 0) * 10_000);
}
