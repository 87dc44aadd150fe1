// SPDX-License-Identifier: Apache-2.0
/**
 * A scriptable HTTP/1.1 origin on bare TCP: what it answers is bytes, so it can answer what no library would, in pieces,
 * late, or not at all. It reads requests just well enough to know where they end, and keeps them.
 */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReceivedRequest {
  readonly method: string;
  readonly target: string;
  /** Names as received. */
  readonly fields: readonly (readonly [string, string])[];
  /** Which connection of the origin it came on, counted from 0. */
  readonly connection: number;
  /** Values of a field, by its lower-case name. */
  values(name: string): string[];
}

/** The answering side of one request. */
export interface Answer {
  readonly socket: net.Socket;
  readonly request: ReceivedRequest;
  /** Resolves with the body when all of it has come; rejects when the connection ends before. */
  readonly body: Promise<Buffer>;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** Body bytes received so far. */
  receivedBytes(): number;
  send(bytes: string | Uint8Array): void;
  /** Sends in pieces of `size` bytes, each in a packet of its own as far as TCP allows. */
  sendSplit(bytes: string, size: number): Promise<void>;
}

export type Handler = (answer: Answer) => unknown;

/** An answer with a Content-Length. */
export function ok(body: string, fields = ''): string {
  return `HTTP/1.1 200 OK\r\n${fields}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export class RawUpstream {
  readonly requests: ReceivedRequest[] = [];
  /** Connections accepted since the start. */
  connectionCount = 0;
  readonly open = new Set<net.Socket>();
  readonly #handlers = new Map<string, Handler>();
  readonly #server: net.Server;
  readonly #fallback: Handler;

  private constructor(fallback: Handler) {
    this.#fallback = fallback;
    this.#server = net.createServer(
      { noDelay: true },
      (socket) => new Connection(this, socket, this.connectionCount++),
    );
  }

  /** `fallback` answers where `on` has set nothing for the path. */
  static async start(fallback: Handler = (answer) => answer.send(ok('hello'))): Promise<RawUpstream> {
    const upstream = new RawUpstream(fallback);
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Sets who answers requests for `path` (compared without the query). */
  on(path: string, handler: Handler): void {
    this.#handlers.set(path, handler);
  }

  /** Requests for `path` so far. */
  requestsFor(path: string): ReceivedRequest[] {
    return this.requests.filter((request) => pathOf(request.target) === path);
  }

  handle(answer: Answer): void {
    this.requests.push(answer.request);
    const handler = this.#handlers.get(pathOf(answer.request.target)) ?? this.#fallback;
    // A handler that waits for a connection which ends has nothing more to do; the test looks at the client's side.
    Promise.resolve(handler(answer)).catch(() => undefined);
  }

  async stop(): Promise<void> {
    for (const socket of this.open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function pathOf(target: string): string {
  return target.split('?')[0] ?? '';
}

/** Reads one connection's requests, one after the other. */
class Connection {
  readonly #upstream: RawUpstream;
  readonly #socket: net.Socket;
  readonly #index: number;
  readonly #closed: Promise<void>;
  #buffered = Buffer.alloc(0);
  #body: BodyReader | null = null;

  constructor(upstream: RawUpstream, socket: net.Socket, index: number) {
    this.#upstream = upstream;
    this.#socket = socket;
    this.#index = index;
    upstream.open.add(socket);
    // Who answers sees a broken connection by `closed` and `body`.
    socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.once('close', () => {
      upstream.open.delete(socket);
      this.#body?.fail();
    });
    socket.on('data', (chunk) => this.#onData(chunk));
  }

  #onData(chunk: Buffer): void {
    let rest: Buffer<ArrayBufferLike> = chunk;
    while (rest.length > 0) {
      if (this.#body) {
        rest = this.#body.take(rest);
        if (this.#body.done) this.#body = null;
        continue;
      }
      this.#buffered = Buffer.concat([this.#buffered, rest]);
      const end = this.#buffered.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = this.#buffered.toString('latin1', 0, end);
      rest = this.#buffered.subarray(end + 4);
      this.#buffered = Buffer.alloc(0);
      this.#begin(head);
    }
  }

  #begin(head: string): void {
    const [line = '', ...fieldLines] = head.split('\r\n');
    const [method = '', target = ''] = line.split(' ');
    const fields = fieldLines.map((field) => {
      const colon = field.indexOf(':');
      return [field.slice(0, colon), field.slice(colon + 1).trim()] as const;
    });
    const values = (name: string): string[] =>
      fields.filter(([candidate]) => candidate.toLowerCase() === name).map(([, value]) => value);
    const body = new BodyReader(values('transfer-encoding').length > 0, Number(values('content-length')[0] ?? 0));
    this.#body = body.done ? null : body;
    const socket = this.#socket;
    this.#upstream.handle({
      socket,
      request: { method, target, fields, connection: this.#index, values },
      body: body.whole,
      closed: this.#closed,
      receivedBytes: () => body.receivedBytes,
      send: (bytes) => void socket.write(bytes),
      sendSplit: async (bytes, size) => {
        for (let start = 0; start < bytes.length && !socket.destroyed; start += size) {
          socket.write(bytes.slice(start, start + size));
          await sleep(2);
        }
      },
    });
  }
}

/** Large bodies are counted, not kept. */
const KEPT_BYTES = 1 << 20;

class BodyReader {
  done = false;
  receivedBytes = 0;
  readonly whole: Promise<Buffer>;
  readonly #chunked: boolean;
  #remaining: number;
  #line = '';
  #state: 'size' | 'data' | 'data-end' | 'trailer' = 'size';
  readonly #kept: Buffer[] = [];
  #finish: (body: Buffer) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(chunked: boolean, length: number) {
    this.#chunked = chunked;
    this.#remaining = chunked ? 0 : length;
    this.whole = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#reject = reject;
    });
    // Nobody has to wait for a body.
    this.whole.catch(() => undefined);
    if (!chunked && length === 0) this.#end();
  }

  fail(): void {
    this.#reject(new Error('the connection ended inside the request body'));
  }

  /** Takes what belongs to the body; returns what comes after it. */
  take(chunk: Buffer): Buffer {
    if (!this.#chunked) {
      const part = chunk.subarray(0, this.#remaining);
      this.#keep(part);
      if (this.#remaining === 0) this.#end();
      return chunk.subarray(part.length);
    }
    let offset = 0;
    while (offset < chunk.length && !this.done) {
      if (this.#state === 'data') {
        const part = chunk.subarray(offset, offset + this.#remaining);
        this.#keep(part);
        offset += part.length;
        if (this.#remaining === 0) this.#state = 'data-end';
        continue;
      }
      const end = chunk.indexOf(0x0a, offset);
      this.#line += chunk.toString('latin1', offset, end < 0 ? undefined : end);
      if (end < 0) return Buffer.alloc(0);
      offset = end + 1;
      this.#onLine(this.#line.trimEnd());
      this.#line = '';
    }
    return chunk.subarray(offset);
  }

  #onLine(line: string): void {
    if (this.#state === 'size') {
      this.#remaining = parseInt(line, 16);
      this.#state = this.#remaining === 0 ? 'trailer' : 'data';
    } else if (this.#state === 'data-end') this.#state = 'size';
    else if (line === '') this.#end();
  }

  #keep(part: Buffer): void {
    this.#remaining -= part.length;
    this.receivedBytes += part.length;
    if (this.receivedBytes <= KEPT_BYTES) this.#kept.push(Buffer.from(part));
  }

  #end(): void {
    this.done = true;
    this.#finish(Buffer.concat(this.#kept));
  }
}
