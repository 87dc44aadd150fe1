// SPDX-License-Identifier: Apache-2.0
/**
 * What a client may do and cost, as plain data: bytes and fields of a head, time, connections. The defaults are Envoy's; where
 * Envoy leaves a limit off and its advice for proxies at an edge has one, it is that.
 */
import { DEFAULT_MAX_HEADERS, MAX_HEAD_BYTES, MAX_HEADERS } from '../../assembly/layout.js';

export interface ClientLimits {
  /** Bytes of a request head, at most HIGHEST_HEAD_BYTES. */
  readonly maxHeadBytes: number;
  /** Fields of a request, at most HIGHEST_HEADERS. */
  readonly maxRequestHeaders: number;
  /** From the first byte of a head to its last, ms; 0 = no limit. */
  readonly headTimeoutMs: number;
  /** From the first byte of a request to its last, ms; 0 = no limit. */
  readonly requestTimeoutMs: number;
  /** Without a byte in either direction while a request is under way, ms; 0 = no limit. */
  readonly streamIdleTimeoutMs: number;
  /** Without a request on a connection, ms; 0 = no limit. */
  readonly idleTimeoutMs: number;
  /** Client connections of one listener over all threads; 0 = no limit. */
  readonly maxConnections: number;
  /** Requests of HTTP/1.0 are served, instead of 426. */
  readonly acceptsHttp10: boolean;
  /** Connections begin with a PROXY header of a load balancer; others are closed. */
  readonly expectsProxyHeader: boolean;
}

export const HIGHEST_HEAD_BYTES = MAX_HEAD_BYTES;
export const HIGHEST_HEADERS = MAX_HEADERS;

export const DEFAULT_CLIENT_LIMITS: ClientLimits = {
  maxHeadBytes: MAX_HEAD_BYTES,
  maxRequestHeaders: DEFAULT_MAX_HEADERS,
  headTimeoutMs: 60_000,
  requestTimeoutMs: 0,
  streamIdleTimeoutMs: 300_000,
  idleTimeoutMs: 3_600_000,
  maxConnections: 0,
  acceptsHttp10: false,
  expectsProxyHeader: false,
};
