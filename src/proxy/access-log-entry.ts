// SPDX-License-Identifier: Apache-2.0
/**
 * A finished exchange -> one access-log line, on the data-path thread. Lines gather and go to the main thread in batches,
 * which alone writes the file, so that threads do not cut into each other's lines.
 */
import type { AccessLogEntry } from '../telemetry/access-log.js';
import { formatJson, formatText } from '../telemetry/access-log.js';
import { formatResponseFlags } from '../engine/response-flags.js';
import type { FinishedExchange } from './contracts.js';

const BATCH_BYTES = 32 * 1024;
const BATCH_MS = 250;

export class AccessLog {
  readonly #format: (entry: AccessLogEntry) => string;
  readonly #send: (lines: string) => void;
  #lines = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(encoding: 'TEXT' | 'JSON', send: (lines: string) => void) {
    this.#format = encoding === 'JSON' ? formatJson : formatText;
    this.#send = send;
  }

  write(exchange: FinishedExchange): void {
    this.#lines += this.#format(entryOf(exchange));
    if (this.#lines.length >= BATCH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref();
  }

  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') this.#send(lines);
  }
}

/** The first line of a head with this lower-case name. */
function field(head: string, name: string): string | undefined {
  const start = head.toLowerCase().indexOf(`\r\n${name}:`);
  if (start < 0) return undefined;
  const end = head.indexOf('\r\n', start + 2);
  return head.slice(start + name.length + 3, end < 0 ? undefined : end).trim();
}

function optional<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  return value === undefined || value === '' ? {} : ({ [key]: value } as Record<Key, string>);
}

function entryOf(exchange: FinishedExchange): AccessLogEntry {
  const received = exchange.requestHead.toString('latin1');
  // What the upstream got has the request id and the forwarding headers that Weft added.
  const sent = exchange.sentHead === '' ? received : exchange.sentHead;
  const [method, target] = received.slice(0, received.indexOf('\r\n')).split(' ');
  const service = exchange.upstreamServiceMs;
  const durationMs = performance.now() - exchange.startedAtMs;
  return {
    startTimeMs: Math.round(performance.timeOrigin + exchange.startedAtMs),
    ...optional('method', method),
    ...optional('path', target),
    protocol: 'HTTP/1.1',
    responseCode: exchange.status,
    responseFlags: formatResponseFlags(exchange.flags),
    ...optional('responseCodeDetails', exchange.responseDetails),
    ...optional('upstreamTransportFailureReason', exchange.failureDetail),
    bytesReceived: exchange.requestBytes - exchange.requestHeadBytes,
    bytesSent: exchange.responseBytes - exchange.responseHeadBytes,
    durationMs: Math.round(durationMs),
    ...(service >= 0 ? { upstreamServiceTimeMs: service } : {}),
    ...optional('forwardedFor', field(sent, 'x-forwarded-for')),
    ...optional('userAgent', field(received, 'user-agent')),
    ...optional('requestId', field(sent, 'x-request-id')),
    ...optional('authority', field(received, 'host')),
    ...optional('upstreamHost', exchange.upstreamAddress),
    ...optional('upstreamCluster', exchange.clusterName),
    ...optional('upstreamLocalAddress', exchange.upstreamLocalAddress),
    ...optional('downstreamLocalAddress', exchange.filterChain.replace(/_(\d+)(\/.*)?$/, ':$1')),
    ...optional('downstreamRemoteAddress', exchange.downstreamAddress),
    ...optional('routeName', exchange.generation.routeName(exchange.route)),
  };
}
