// SPDX-License-Identifier: Apache-2.0
/**
 * A finished exchange -> one access-log line, on the data-path thread. Lines gather as bytes and are handed to the main thread
 * in batches, which alone writes the file, so that threads do not cut into each other's lines.
 */
import type { AccessLogEntry } from '../telemetry/access-log.js';
import { formatJson, formatText } from '../telemetry/access-log.js';
import { formatResponseFlags } from '../engine/response-flags.js';
import type { FinishedExchange } from './contracts.js';

const BATCH_BYTES = 64 * 1024;
const BATCH_MS = 250;
/** A UTF-16 unit takes at most three bytes of UTF-8. */
const BYTES_PER_UNIT = 3;

/** Takes a batch; its memory is the receiver's from then on. */
export type SendLines = (lines: Uint8Array<ArrayBuffer>, count: number) => void;

export class AccessLog {
  readonly #format: (entry: AccessLogEntry) => string;
  readonly #send: SendLines;
  #batch = Buffer.from(new ArrayBuffer(BATCH_BYTES));
  #length = 0;
  #count = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(encoding: 'TEXT' | 'JSON', send: SendLines) {
    this.#format = encoding === 'JSON' ? formatJson : formatText;
    this.#send = send;
  }

  write(exchange: FinishedExchange): void {
    this.writeEntry(entryOf(exchange));
  }

  writeEntry(entry: AccessLogEntry): void {
    const line = this.#format(entry);
    const atMost = line.length * BYTES_PER_UNIT;
    if (this.#length + atMost > this.#batch.length) this.flush();
    if (atMost > this.#batch.length) {
      const bytes = Buffer.from(line);
      this.#send(new Uint8Array(bytes), 1);
      return;
    }
    this.#length += this.#batch.write(line, this.#length, 'utf8');
    this.#count++;
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS).unref();
  }

  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#count === 0) return;
    this.#send(new Uint8Array(this.#batch.buffer, 0, this.#length), this.#count);
    this.#batch = Buffer.from(new ArrayBuffer(BATCH_BYTES));
    this.#length = 0;
    this.#count = 0;
  }
}

/** A head as text; names are looked for in its lower-case form, which is made once. */
class HeadText {
  readonly #text: string;
  readonly #lower: string;

  constructor(text: string) {
    this.#text = text;
    this.#lower = text.toLowerCase();
  }

  /** The first line with this lower-case name; '' when there is none. */
  field(name: string): string {
    const start = this.#lower.indexOf(`\r\n${name}:`);
    if (start < 0) return '';
    const end = this.#text.indexOf('\r\n', start + 2);
    return this.#text.slice(start + name.length + 3, end < 0 ? undefined : end).trim();
  }
}

/** Names of filter chains -> their listener's address with the port set off by a colon; there are few of them. */
const listenerAddresses = new Map<string, string>();

/** `address:port` of the listener of a filter chain. */
export function addressOf(filterChain: string): string {
  let address = listenerAddresses.get(filterChain);
  if (address === undefined)
    listenerAddresses.set(filterChain, (address = filterChain.replace(/_(\d+)(\/.*)?$/, ':$1')));
  return address;
}

function entryOf(exchange: FinishedExchange): AccessLogEntry {
  const text = exchange.requestHead.toString('latin1');
  const received = new HeadText(text);
  // What the upstream got has the request id and the forwarding headers that Weft added.
  const sent = exchange.sentHead === '' ? received : new HeadText(exchange.sentHead);
  const methodEnd = text.indexOf(' ');
  const targetEnd = text.indexOf(' ', methodEnd + 1);
  const service = exchange.upstreamServiceMs;
  return {
    startTimeMs: Math.round(performance.timeOrigin + exchange.startedAtMs),
    method: methodEnd < 0 ? '' : text.slice(0, methodEnd),
    path: targetEnd < 0 ? '' : text.slice(methodEnd + 1, targetEnd),
    protocol: text.startsWith(' HTTP/1.0\r', targetEnd) ? 'HTTP/1.0' : 'HTTP/1.1',
    responseCode: exchange.status,
    responseFlags: formatResponseFlags(exchange.flags),
    responseCodeDetails: exchange.responseDetails,
    upstreamTransportFailureReason: exchange.failureDetail,
    bytesReceived: exchange.requestBytes - exchange.requestHeadBytes,
    bytesSent: exchange.responseBytes - exchange.responseHeadBytes,
    durationMs: Math.round(performance.now() - exchange.startedAtMs),
    upstreamServiceTimeMs: service >= 0 ? service : undefined,
    forwardedFor: sent.field('x-forwarded-for'),
    userAgent: received.field('user-agent'),
    requestId: sent.field('x-request-id'),
    authority: received.field('host'),
    upstreamHost: exchange.upstreamAddress,
    upstreamCluster: exchange.clusterName,
    upstreamLocalAddress: exchange.upstreamLocalAddress,
    downstreamLocalAddress: addressOf(exchange.filterChain),
    downstreamRemoteAddress: exchange.downstreamAddress,
    routeName: exchange.generation.routeName(exchange.route),
  };
}
