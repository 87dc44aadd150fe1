// SPDX-License-Identifier: Apache-2.0
/**
 * A corpus of requests and a proxy between -> what became of each: a client that sends bytes and an upstream that records
 * strictly. After the bytes comes a probe, a plain request on the same connection: it is answered only if the proxy found
 * the end of each message where the client meant it.
 */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { fieldValues, readRequestHead, responseHeadReader, StrictReader } from '../support/strict-reader.js';
import type { StrictMessage } from '../support/strict-reader.js';
import type { RequestEnd } from './message-case.js';

const PROBE = 'GET /probe HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n';
/** Silence after which a connection is said to wait for more: where that is expected, and where an answer is. */
const EXPECTED_SILENCE_MS = 150;
const SILENCE_MS = 600;
const STEP_MS = 1;

export interface ObservedRequest {
  readonly line: string;
  readonly body: string;
  readonly message: StrictMessage;
}

export interface Observed {
  /** Whole requests at the upstream, without the probe. */
  readonly requests: readonly ObservedRequest[];
  readonly end: RequestEnd;
  /** Statuses of the answers before the probe's. */
  readonly statuses: readonly number[];
  /** Malformed bytes that the proxy sent to either side. */
  readonly violations: readonly string[];
}

/** An upstream that records whole requests of all its connections and answers each with its own request line. */
export class RecordingUpstream {
  requests: ObservedRequest[] = [];
  violations: string[] = [];
  readonly #server: net.Server;
  readonly #open = new Set<net.Socket>();

  private constructor() {
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(): Promise<RecordingUpstream> {
    const upstream = new RecordingUpstream();
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  forget(): void {
    this.requests = [];
    this.violations = [];
  }

  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: net.Socket): void {
    this.#open.add(socket);
    const reader = new StrictReader(readRequestHead, (message) => {
      const line = message.startLine.slice(0, -' HTTP/1.1'.length);
      this.requests.push({ line, body: message.body, message });
      const body = line.startsWith('HEAD ') ? '' : line;
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${line.length}\r\n\r\n${body}`, 'latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('data', (chunk) => {
      reader.push(chunk);
      if (reader.violation === null) return;
      this.violations.push(`to the upstream: ${reader.violation}`);
      socket.destroy();
    });
  }
}

/** Configuration that sends every host and path to the port. */
export function catchAllConfig(port: number): string[] {
  return [gateway(), service('web.example', [{ port }]), virtualService('*', [{ route: [to('web.example')] }])];
}

export interface Sending {
  /** Answers to wait for before the probe is sent; Infinity sends none until the connection is silent. */
  readonly answers: number;
  /** False when the message is not complete, so that a probe would become a part of it. */
  readonly probes?: boolean;
  readonly halfClose?: boolean;
  /** Methods of the requests, because an answer to HEAD has no body. */
  readonly methods?: readonly string[];
  /** The connection may well stay silent. */
  readonly isBrief?: boolean;
  /** Bytes in each piece; all at once when left out. */
  readonly pieceBytes?: number;
}

/** Sends `bytes` (latin-1 text) on a connection of their own and tells what came of them. */
export async function observeRequest(
  port: number,
  upstream: RecordingUpstream,
  bytes: string,
  sending: Sending,
): Promise<Observed> {
  upstream.forget();
  const methods = [...(sending.methods ?? [])];
  const client = new StrictReader(responseHeadReader(() => methods.shift() ?? 'GET'));
  const statuses = (): number[] =>
    client.messages.map((message) => Number(message.startLine.slice(9, 12))).filter((status) => status >= 200);
  let closed = false;
  let heardMs = performance.now();
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    heardMs = performance.now();
    client.push(chunk);
  });
  const onEnd = (): void => {
    if (!closed) client.end();
    closed = true;
  };
  socket.on('end', onEnd).on('close', onEnd);
  const silenceMs = sending.probes === false || sending.isBrief ? EXPECTED_SILENCE_MS : SILENCE_MS;
  const settle = async (isOver: () => boolean): Promise<void> => {
    heardMs = performance.now();
    while (!closed && !isOver() && performance.now() - heardMs < silenceMs) await sleep(STEP_MS);
  };
  await sendPieces(socket, bytes, sending.pieceBytes ?? bytes.length);
  if (sending.halfClose) socket.end();
  await settle(() => statuses().length >= sending.answers && sending.answers > 0 && !sending.halfClose);
  if (!closed && !sending.halfClose && sending.probes !== false) {
    socket.write(PROBE);
    await settle(() => false);
  }
  socket.destroy();
  const served = upstream.requests.at(-1)?.line === 'GET /probe' && client.messages.at(-1)?.body === 'GET /probe';
  const requests = served ? upstream.requests.slice(0, -1) : upstream.requests;
  const answered = served ? statuses().slice(0, -1) : statuses();
  return {
    requests,
    end: served ? 'open' : !closed ? 'waits' : (answered.at(-1) ?? 0) >= 400 ? 'refused' : 'closed',
    statuses: answered,
    violations: [...upstream.violations, ...(client.violation === null ? [] : [`to the client: ${client.violation}`])],
  };
}

async function sendPieces(socket: net.Socket, bytes: string, pieceBytes: number): Promise<void> {
  for (let start = 0; start < bytes.length; start += pieceBytes) {
    socket.write(bytes.slice(start, start + pieceBytes), 'latin1');
    if (start + pieceBytes < bytes.length) await sleep(STEP_MS);
  }
}

/** The one Host of a recorded request. */
export function hostOf(request: ObservedRequest): string {
  return fieldValues(request.message, 'host').join(', ');
}
