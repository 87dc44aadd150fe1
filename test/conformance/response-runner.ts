// SPDX-License-Identifier: Apache-2.0
/** A corpus of responses and a proxy between -> what the client gets of each, and whether its next request gets its own answer. */
import net from 'node:net';
import { readRequestHead, responseHeadReader, StrictReader } from '../support/strict-reader.js';
import type { StrictMessage } from '../support/strict-reader.js';
import type { ResponseCase, ResponseOutcome } from './response-case.js';

const SILENCE_MS = 2000;
const PROBE_ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nprobed';

/** An upstream that sends the same bytes for every request but the probe. */
export class AnsweringUpstream {
  bytes = '';
  closes = false;
  readonly #server: net.Server;
  readonly #open = new Set<net.Socket>();

  private constructor() {
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  static async start(): Promise<AnsweringUpstream> {
    const upstream = new AnsweringUpstream();
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(socket: net.Socket): void {
    this.#open.add(socket);
    const reader = new StrictReader(readRequestHead, (message) => {
      const probe = message.startLine.includes(' /probe ');
      socket.write(probe ? PROBE_ANSWER : this.bytes, 'latin1');
      if (this.closes && !probe) socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    socket.on('data', (chunk) => reader.push(chunk));
  }
}

export interface ObservedResponse {
  readonly outcome: ResponseOutcome | 'none';
  readonly status: number;
  readonly final: StrictMessage | undefined;
  readonly interim: readonly number[];
  readonly violation: string | null;
  /** Body of the answer to the request after it, on the same connection if that is still open. */
  readonly probeBody: string;
}

function statusOf(message: StrictMessage | undefined): number {
  return Number(message?.startLine.slice(9, 12) ?? 0);
}

/** A client connection whose answers are read strictly. */
class ResponseClient {
  readonly reader: StrictReader;
  readonly #socket: net.Socket;
  #closed = false;
  #wake: () => void = () => undefined;

  constructor(port: number, method: string) {
    const methods = [method];
    this.reader = new StrictReader(responseHeadReader(() => methods.shift() ?? 'GET'));
    this.#socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('error', () => undefined);
    this.#socket.on('data', (chunk) => {
      this.reader.push(chunk);
      this.#wake();
    });
    this.#socket.on('end', () => this.#end());
    this.#socket.on('close', () => this.#end());
  }

  get isOpen(): boolean {
    return !this.#closed;
  }

  /** Sends a request and waits for its final answer, the end of the connection, or long silence. */
  async request(method: string, target: string): Promise<StrictMessage | undefined> {
    const before = this.finals().length;
    this.#socket.write(`${method} ${target} HTTP/1.1\r\nHost: web.example\r\n\r\n`);
    const deadline = performance.now() + SILENCE_MS;
    while (this.finals().length === before && !this.#closed && this.reader.violation === null) {
      if (performance.now() > deadline) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SILENCE_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.finals()[before];
  }

  finals(): StrictMessage[] {
    return this.reader.messages.filter((message) => statusOf(message) >= 200);
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(): void {
    if (!this.#closed) this.reader.end();
    this.#closed = true;
    this.#wake();
  }
}

/** Lets the upstream answer one request as the case says. */
export async function observeResponse(
  port: number,
  upstream: AnsweringUpstream,
  testCase: ResponseCase,
): Promise<ObservedResponse> {
  upstream.bytes = testCase.bytes;
  upstream.closes = testCase.closes;
  const client = new ResponseClient(port, testCase.method);
  const final = await client.request(testCase.method, '/a');
  const status = statusOf(final);
  const interim = client.reader.messages.map(statusOf).filter((code) => code < 200);
  const broken = !final && client.reader.isInside && !client.isOpen;
  const prober = client.isOpen ? client : new ResponseClient(port, 'GET');
  const probed = await prober.request('GET', '/probe');
  prober.close();
  client.close();
  return {
    outcome: final ? (status === 502 || status === 503 ? 'refused' : 'delivered') : broken ? 'broken' : 'none',
    status,
    final,
    interim,
    violation: client.reader.violation ?? prober.reader.violation,
    probeBody: probed?.body ?? '',
  };
}
