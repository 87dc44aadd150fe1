// SPDX-License-Identifier: Apache-2.0
/** Options for what clients may cost -> ClientLimits. Times are seconds with fractions; 0 switches a limit off. */
import { DEFAULT_CLIENT_LIMITS, HIGHEST_HEAD_BYTES, HIGHEST_HEADERS } from '../engine/client-limits.js';
import type { ClientLimits } from '../engine/client-limits.js';
import { UsageError } from './settings.js';
import type { OptionTable } from './settings.js';

/** Enough for a request line and a Host; with less nothing could be asked. */
const LOWEST_HEAD_BYTES = 128;
/** A day; longer than that is no limit, which is 0. */
const LONGEST_SECONDS = 86_400;
const MOST_CONNECTIONS = 2 ** 31 - 1;

const { headTimeoutMs, requestTimeoutMs, streamIdleTimeoutMs, idleTimeoutMs } = DEFAULT_CLIENT_LIMITS;

export const LIMIT_OPTIONS = {
  'max-head-bytes': {
    type: 'number',
    requiresArg: true,
    default: DEFAULT_CLIENT_LIMITS.maxHeadBytes,
    describe: 'Bytes of a request head; beyond it 431',
  },
  'max-request-headers': {
    type: 'number',
    requiresArg: true,
    default: DEFAULT_CLIENT_LIMITS.maxRequestHeaders,
    describe: 'Header fields of a request; beyond it 431',
  },
  'head-timeout-seconds': {
    type: 'number',
    requiresArg: true,
    default: headTimeoutMs / 1000,
    describe: 'From the first byte of a head to its last; beyond it 408. 0 = no limit',
  },
  'request-timeout-seconds': {
    type: 'number',
    requiresArg: true,
    default: requestTimeoutMs / 1000,
    describe: 'From the first byte of a request to the last of its body; beyond it 408. 0 = no limit',
  },
  'stream-idle-timeout-seconds': {
    type: 'number',
    requiresArg: true,
    default: streamIdleTimeoutMs / 1000,
    describe: 'Without a byte in either direction during a request; beyond it 408, 504 or a break. 0 = no limit',
  },
  'idle-timeout-seconds': {
    type: 'number',
    requiresArg: true,
    default: idleTimeoutMs / 1000,
    describe: "Without a request on a client's connection; beyond it the connection is closed. 0 = no limit",
  },
  'max-connections': {
    type: 'number',
    requiresArg: true,
    default: DEFAULT_CLIENT_LIMITS.maxConnections,
    describe: 'Client connections of one listener over all threads; beyond it they are closed. 0 = no limit',
  },
  http10: {
    type: 'boolean',
    default: DEFAULT_CLIENT_LIMITS.acceptsHttp10,
    describe: 'Serve HTTP/1.0 clients (Envoy accept_http_10, Istio PILOT_HTTP10); otherwise they get 426',
  },
  'proxy-protocol': {
    type: 'boolean',
    default: DEFAULT_CLIENT_LIMITS.expectsProxyHeader,
    describe:
      'Clients come through a load balancer that sends a PROXY header, version 1 or 2 (Istio gatewayTopology.proxyProtocol)',
  },
} as const satisfies OptionTable;

export interface LimitArguments {
  readonly maxHeadBytes: number;
  readonly maxRequestHeaders: number;
  readonly headTimeoutSeconds: number;
  readonly requestTimeoutSeconds: number;
  readonly streamIdleTimeoutSeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly maxConnections: number;
  readonly http10: boolean;
  readonly proxyProtocol: boolean;
}

/** Throws UsageError for a limit that can't be kept. */
export function limitsOf(args: LimitArguments): ClientLimits {
  return {
    maxHeadBytes: whole('--max-head-bytes', args.maxHeadBytes, LOWEST_HEAD_BYTES, HIGHEST_HEAD_BYTES),
    maxRequestHeaders: whole('--max-request-headers', args.maxRequestHeaders, 1, HIGHEST_HEADERS),
    headTimeoutMs: milliseconds('--head-timeout-seconds', args.headTimeoutSeconds),
    requestTimeoutMs: milliseconds('--request-timeout-seconds', args.requestTimeoutSeconds),
    streamIdleTimeoutMs: milliseconds('--stream-idle-timeout-seconds', args.streamIdleTimeoutSeconds),
    idleTimeoutMs: milliseconds('--idle-timeout-seconds', args.idleTimeoutSeconds),
    maxConnections: whole('--max-connections', args.maxConnections, 0, MOST_CONNECTIONS),
    acceptsHttp10: args.http10,
    expectsProxyHeader: args.proxyProtocol,
  };
}

function whole(option: string, value: number, lowest: number, highest: number): number {
  if (!Number.isInteger(value) || value < lowest || value > highest)
    throw new UsageError(`${option}: ${value} is not a whole number from ${lowest} to ${highest}`);
  return value;
}

function milliseconds(option: string, seconds: number): number {
  if (!(seconds >= 0 && seconds <= LONGEST_SECONDS))
    throw new UsageError(`${option}: ${seconds} is not a time from 0 to ${LONGEST_SECONDS} seconds`);
  // Rounded up, so that a fraction of a millisecond does not become no limit.
  return Math.ceil(seconds * 1000);
}
