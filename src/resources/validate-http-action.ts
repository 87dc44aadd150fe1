// SPDX-License-Identifier: Apache-2.0
/** The rules of the actions and header changes inside Istio's `HTTPRoute` that a table cannot say. */
import { fieldsSet, show } from './findings.js';
import type { Draft, Place } from './findings.js';
import { inspectHeaderValue } from './header-value.js';
import { isToken } from './scalars.js';
import type {
  HeaderOperationsSpec,
  HttpFaultInjectionSpec,
  HttpRedirectSpec,
  HttpRetrySpec,
  HttpRewriteSpec,
  PercentSpec,
} from './types.js';

const REDIRECT_CODES: readonly number[] = [301, 302, 303, 307, 308];

export function checkRedirect(redirect: Draft<HttpRedirectSpec>, place: Place): void {
  const parts = ['uri', 'prefixRewrite', 'authority', 'port', 'derivePort', 'scheme'];
  if (fieldsSet(redirect, parts).length === 0) {
    place.report('empty-redirect', 'redirect changes nothing', `Set one of ${parts.join(', ')}.`);
  }
  const code = redirect.redirectCode;
  if (code !== undefined && !REDIRECT_CODES.includes(code)) {
    const hint = `Supported codes are ${REDIRECT_CODES.join(', ')}.`;
    place.at('redirectCode').report('unsupported-redirect-code', `status is no redirect (${code})`, hint);
  }
}

/** Istio's limits on `HTTPBody`. */
const MAX_BODY_BYTES = 1024 * 1024;
const LARGE_BODY_BYTES = 100 * 1024;

/** Checks the body of a directResponse. */
export function checkDirectResponse(body: { readonly string?: string; readonly bytes?: string }, place: Place): void {
  const { bytes } = body;
  if (bytes !== undefined && !/^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2,3}={0,2})?$/.test(bytes)) {
    place.at('bytes').report('invalid-base64', `is not base64 (${show(bytes)})`, 'Encode the body, or use string.');
    return;
  }
  const size = bytes === undefined ? Buffer.byteLength(body.string ?? '') : Buffer.from(bytes, 'base64').length;
  if (size > MAX_BODY_BYTES) {
    place.report('body-too-large', `body is larger than 1 MiB (${size} bytes)`, 'Serve it from a backend.');
  } else if (size > LARGE_BODY_BYTES) {
    place.report('body-large', `body is larger than 100 KiB (${size} bytes) and is held in memory`, '');
  }
}

export function checkRewrite(rewrite: Draft<HttpRewriteSpec>, place: Place): void {
  if (fieldsSet(rewrite, ['uri', 'authority', 'uriRegexRewrite']).length > 0) return;
  place.report('empty-rewrite', 'rewrite changes nothing', 'Set one of uri, authority and uriRegexRewrite.');
}

const RETRY_CONDITIONS: ReadonlySet<string> = new Set(
  (
    '5xx gateway-error reset reset-before-request connect-failure refused-stream retriable-4xx retriable-status-codes ' +
    'retriable-headers envoy-ratelimited http3-post-connect-failure cancelled deadline-exceeded internal ' +
    'resource-exhausted unavailable'
  ).split(' '),
);

export function checkRetries(retries: Draft<HttpRetrySpec>, place: Place): void {
  const others = fieldsSet(retries, ['perTryTimeout', 'retryOn', 'retryRemoteLocalities']);
  if ((retries.attempts ?? 0) === 0 && others.length > 0) {
    const text = `retries are disabled by attempts: 0 but ${others.join(', ')} is set`;
    place.report('retries-disabled', text, 'Give a number of attempts, or remove the other fields.');
  }
  const tokens = retries.retryOn === undefined || retries.retryOn === '' ? [] : retries.retryOn.split(',');
  for (const token of tokens) {
    const condition = token.trim();
    const isStatus = /^\d{3}$/.test(condition);
    if (!isStatus && !RETRY_CONDITIONS.has(condition)) {
      const hint = `Allowed: ${[...RETRY_CONDITIONS].join(', ')}, or a status.`;
      place.at('retryOn').report('invalid-retry-condition', `unknown condition (${show(condition)})`, hint);
    } else if (condition !== token) {
      const hint = 'Istio refuses spaces here; write the conditions with commas only.';
      place.at('retryOn').report('retry-condition-spaces', `has spaces around a condition (${show(token)})`, hint);
    }
  }
}

/** The smallest share that Envoy can express is one in a million. */
export function checkFaultPercent(percent: PercentSpec, place: Place): void {
  const { value } = percent;
  if (value === undefined || value === 0 || value >= 0.0001) return;
  place.at('value').report('invalid-percent', `percentage must be 0 or within [0.0001, 100] (${value})`);
}

interface FaultDraft {
  readonly delay?: Draft<HttpFaultInjectionSpec['delay']> | undefined;
  readonly abort?: Draft<HttpFaultInjectionSpec['abort']> | undefined;
}

export function checkFault(fault: FaultDraft, place: Place): void {
  const kinds = fieldsSet(fault, ['delay', 'abort']);
  if (kinds.length === 0) place.report('empty-fault', 'fault injects nothing', 'Set delay, abort or both.');
  for (const [kind, refused] of [
    ['delay', 'exponentialDelay'],
    ['abort', 'http2Error'],
  ] as const) {
    const draft = fault[kind];
    if (draft === undefined) continue;
    if (fieldsSet(draft, [refused]).length > 0) {
      place.at(kind, refused).reportKey('unsupported-fault', `${refused} is not supported, in Istio as in Weft`);
    }
    if (fieldsSet(draft, ['percentage', 'percent']).length === 0 || draft.percentage?.value === 0) {
      const text = 'fault has no percentage and will never be injected';
      place.at(kind).report('fault-without-percentage', text, 'Set percentage.value, 100 for every request.');
    }
  }
  if (fault.delay !== undefined && fieldsSet(fault.delay, ['fixedDelay', 'exponentialDelay']).length === 0) {
    place.at('delay').report('missing-field', 'fixedDelay is required', 'Say how long to hold the request.');
  }
  if (fault.abort !== undefined && fieldsSet(fault.abort, ['httpStatus', 'grpcStatus', 'http2Error']).length === 0) {
    place.at('abort').report('abort-without-status', 'abort names no status and is ignored', 'Set httpStatus.');
  }
}

type OperationsDraft = Draft<HeaderOperationsSpec>;

export function checkRequestHeaders(operations: OperationsDraft, place: Place): void {
  checkOperations(operations, place, (name) => name.startsWith(':') && name !== ':authority');
}

export function checkResponseHeaders(operations: OperationsDraft, place: Place): void {
  checkOperations(operations, place, (name) => name.startsWith(':') || name === 'host');
}

function checkOperations(operations: OperationsDraft, place: Place, isReserved: (name: string) => boolean): void {
  for (const kind of ['set', 'add'] as const) {
    for (const [name, value] of Object.entries(operations[kind] ?? {})) {
      const lower = name.toLowerCase();
      if (isReserved(lower)) reportReserved(name, place.at(kind, name));
      else if (lower !== ':authority') checkHeaderName(name, place.at(kind, name));
      if (value !== undefined) checkHeaderValue(value, place.at(kind, name));
    }
  }
  for (const [index, name] of (operations.remove ?? []).entries()) {
    if (name === undefined) continue;
    const at = place.at('remove', index);
    if (name.startsWith(':') || name.toLowerCase() === 'host') reportReserved(name, at);
    else checkHeaderName(name, at);
  }
}

function reportReserved(name: string, place: Place): void {
  place.report('reserved-header', `header cannot be changed here (${name})`, 'Use rewrite.authority for the host.');
}

function checkHeaderName(name: string, place: Place): void {
  if (isToken(name)) return;
  place.reportKey('invalid-header-name', `is not a header name (${show(name)})`, 'Use letters, digits and "-".');
}

function checkHeaderValue(value: string, place: Place): void {
  const { fault, notExecuted, unknown } = inspectHeaderValue(value);
  if (fault !== undefined) {
    place.report('invalid-header-value', `${fault} (${show(value)})`, 'Write %% for a percent sign.');
  }
  for (const operator of notExecuted) {
    place.report('not-executed', `operator is valid but not executed by Weft yet (%${operator}%)`);
  }
  for (const operator of unknown) {
    const text = `unknown operator, with which Envoy refuses the whole route table (%${operator}%)`;
    place.report('unknown-header-operator', text, 'Write %% for a percent sign.');
  }
}

/** On the route level, several new values for the authority would contradict each other. */
export function checkAuthoritySources(
  rewrite: Draft<HttpRewriteSpec> | undefined,
  request: Draft<HeaderOperationsSpec> | undefined,
  place: Place,
): void {
  const sources = rewrite?.authority === undefined ? [] : ['rewrite.authority'];
  for (const kind of ['set', 'add'] as const) {
    for (const name of Object.keys(request?.[kind] ?? {})) {
      if (['host', ':authority'].includes(name.toLowerCase())) sources.push(`headers.request.${kind}.${name}`);
    }
  }
  if (sources.length < 2) return;
  place.report('authority-conflict', `authority is set more than once (${sources.join(', ')})`, 'Keep one of them.');
}
