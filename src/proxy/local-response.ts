// SPDX-License-Identifier: Apache-2.0
/**
 * The respond step: failures, redirects and direct responses -> HTTP. The only place that turns a failure number into an
 * answer. A small head is written into memory and goes through the same engine call as an upstream's head, so that a
 * route's response header operations apply to it as well (Istio headers.response).
 */
import { STATUS_CODES } from 'node:http';
import * as layout from '../../assembly/layout.js';
import type { RedirectAction } from '../model/model.js';
import type { RequestExchange, ThreadContext } from './contracts.js';
import { failureOf } from './failures.js';
import { nearestMiss } from './nearest-miss.js';

export interface LocalResponse {
  readonly status: number;
  readonly body: Uint8Array;
  /** Header lines, each ending in CRLF; content-length is added. */
  readonly fields: string;
  /** Envoy's response code details. */
  readonly details: string;
  readonly close: boolean;
  /** For x-weft-reason. */
  readonly reason: string;
  /** The status for gRPC clients, where it is not the one that `status` maps to. */
  readonly grpcStatus?: number;
  /** Sent to gRPC clients as it is. */
  readonly isPlain?: boolean;
}

const EMPTY = new Uint8Array(0);
const TEXT = 'content-type: text/plain\r\n';

/** gRPC's status for an HTTP status (gRPC over HTTP/2, HTTP-to-gRPC mapping, as Envoy applies it). */
function grpcStatusOf(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}

/** The answer for a failure number. */
export function failureResponse(path: ThreadContext, exchange: RequestExchange, number: number): LocalResponse {
  const failure = failureOf(number);
  return {
    status: failure.status,
    body: failure.body === '' ? EMPTY : Buffer.from(failure.body),
    fields:
      (failure.body === '' ? '' : TEXT) + (number === layout.FAILURE_OVERFLOW ? 'x-envoy-overloaded: true\r\n' : ''),
    details: detailsOf(failure.details, exchange.failureDetail),
    close: failure.close,
    reason:
      failure.code + (number === layout.FAILURE_NO_ROUTE ? unmatched(path, exchange) : responsible(path, exchange)),
  };
}

/** Envoy's name for a reset with what TLS says of it: `...{remote_connection_failure|TLS_error:|...}`, without spaces. */
function detailsOf(details: string, failureDetail: string): string {
  if (!failureDetail.startsWith('TLS_error:') || !details.endsWith('}')) return details;
  return `${details.slice(0, -1)}|${failureDetail.replaceAll(/\s+/g, '_')}}`;
}

/** The answer of an injected abort; `grpcStatus` where the rule names one, also for clients that do not speak gRPC. */
export function abortResponse(
  path: ThreadContext,
  exchange: RequestExchange,
  status: number,
  grpcStatus: number | undefined,
): LocalResponse {
  const made = failureResponse(path, exchange, layout.FAILURE_FAULT_ABORT);
  if (grpcStatus === undefined) return { ...made, status };
  const fields = exchange.isGrpc ? made.fields : `${made.fields}grpc-status: ${grpcStatus}\r\n`;
  return { ...made, status, fields, grpcStatus };
}

/** The answer of a redirect or direct-response route. */
export function routedResponse(path: ThreadContext, exchange: RequestExchange, decision: number): LocalResponse {
  const route = exchange.generation.routeExtras(exchange.route);
  const common = { details: 'direct_response', close: false, reason: `direct_response${responsible(path, exchange)}` };
  if (decision === layout.DECISION_DIRECT) {
    const body = route?.directBody ?? EMPTY;
    return { ...common, status: route?.directStatus ?? 500, body, fields: body.length > 0 ? TEXT : '' };
  }
  const action = route?.redirect;
  if (!action) throw new Error(`route ${exchange.route} was decided as a redirect and has none`);
  return { ...common, status: action.status, body: EMPTY, fields: `location: ${location(path, exchange, action)}\r\n` };
}

/** Which rule was responsible, for x-weft-reason; '' where that is not sent or no rule was. */
function responsible(path: ThreadContext, exchange: RequestExchange): string {
  const origin = path.exposeReasons ? exchange.generation.routeOrigin(exchange.route) : undefined;
  return origin === undefined ? '' : ` ${origin}`;
}

/** Why a request was taken by no route, for x-weft-reason. */
function unmatched(path: ThreadContext, exchange: RequestExchange): string {
  if (!path.exposeReasons) return '';
  const index = path.engine.ints[(path.engine.slab + layout.SLAB_RESULT + layout.RESULT_VIRTUAL_HOST) >> 2] ?? -1;
  const virtualHost = exchange.generation.virtualHostName(index);
  return virtualHost === undefined
    ? ` no virtual host on listener ${exchange.filterChain}`
    : ` no route of virtual host ${virtualHost} matches${nearestMiss(path, exchange, index)}`;
}

/** The Location of a redirect (Istio HTTPRedirect; RFC 9110 10.2.2); always absolute. */
function location(path: ThreadContext, exchange: RequestExchange, action: RedirectAction): string {
  const request = path.readRequest();
  const scheme = action.scheme ?? request.scheme;
  const listenerPort = exchange.generation.listenerOf(exchange.filterChain)?.port ?? 0;
  const wanted = action.port === 'listener' ? listenerPort : action.port;
  const isDefault = (port: number, of: string): boolean => port === (of === 'https' ? 443 : 80);
  let authority = action.authority ?? request.authority;
  const portPlace = /:(\d+)$/.exec(authority);
  if (wanted !== undefined) {
    const host = portPlace && action.authority === undefined ? authority.slice(0, portPlace.index) : authority;
    // The default is left out before anything is taken from the client's Host, as Envoy does.
    authority = isDefault(wanted, scheme)
      ? action.authority === undefined
        ? keepPort(authority, request.scheme, scheme)
        : host
      : `${host}:${wanted}`;
  } else if (action.authority === undefined) authority = keepPort(authority, request.scheme, scheme);
  let target = action.path ?? request.path;
  if (action.prefixRewrite !== undefined) {
    const matched = path.routeWord(exchange.generation, exchange.route, layout.ROUTE_MATCHED_PATH_LENGTH);
    target = action.prefixRewrite + (matched === layout.WHOLE_PATH ? '' : request.path.slice(matched));
  }
  const query = request.hasQuery && !target.includes('?') ? `?${request.query}` : '';
  return `${scheme}://${authority}${target}${query}`.replaceAll(/[\r\n]/g, '');
}

/** The client's port is kept unless the scheme changes and it was the old scheme's default. */
function keepPort(authority: string, from: string, to: string): string {
  if (from === to) return authority;
  return authority.replace(from === 'http' ? /:80$/ : /:443$/, '');
}

/** The same answer for a gRPC client: 200 with the status in a field, as gRPC over HTTP wants a refusal without a message. */
export function grpcResponse(response: LocalResponse): LocalResponse {
  if (response.isPlain === true) return response;
  const message = Buffer.from(response.body).toString('utf8');
  const fields =
    `content-type: application/grpc\r\ngrpc-status: ${response.grpcStatus ?? grpcStatusOf(response.status)}\r\n` +
    (message === '' ? '' : `grpc-message: ${percentEncode(message)}\r\n`) +
    response.fields.replace(TEXT, '');
  return { ...response, status: 200, body: EMPTY, fields };
}

/**
 * Puts the head of a local response into the response record, and its reason among the facts: the caller sends it and takes
 * the reason away again.
 */
export function prepareLocalHead(path: ThreadContext, response: LocalResponse): void {
  const engine = path.engine;
  const { status, fields } = response;
  const size = response.body.length;
  const date = `date: ${new Date().toUTCString()}\r\n`;
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${date}${fields}content-length: ${size}\r\n\r\n`;
  const input = engine.slab + layout.SLAB_INPUT + layout.INPUT_RESPONSE;
  const length = engine.buffer.write(head, input, 'latin1');
  // As an answer to GET, so that the length is taken as the body's; HEAD is the front's business.
  if (engine.exports.parseResponseHead(input, length, layout.METHOD_GET) !== length)
    throw new Error(`local head refused: ${head}`);
  path.setReason(path.exposeReasons ? response.reason : '');
}

/** Puts the head that opens a tunnel by CONNECT into the response record: it has no length (RFC 9110 9.3.6). */
export function prepareConnectHead(path: ThreadContext): void {
  const engine = path.engine;
  const input = engine.slab + layout.SLAB_INPUT + layout.INPUT_RESPONSE;
  const length = engine.buffer.write('HTTP/1.1 200 OK\r\n\r\n', input, 'latin1');
  if (engine.exports.parseResponseHead(input, length, layout.METHOD_CONNECT) !== length)
    throw new Error('the answer to CONNECT is refused');
}

/** gRPC's percent-encoding of grpc-message: what is not printable ASCII, and the percent sign. */
function percentEncode(text: string): string {
  return encodeURIComponent(text).replaceAll('%20', ' ');
}
