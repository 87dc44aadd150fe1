// SPDX-License-Identifier: Apache-2.0
/** A bare HTTP/1.1 client: sends any bytes, and reads responses so strictly that it can say where a broken one broke. */
import net from 'node:net';

export interface ReadResponse {
  readonly status: number;
  readonly statusLine: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  readonly body: Buffer;
  /** Statuses of 1xx answers before it. */
  readonly interim: readonly number[];
  /** Where the connection ended too early; null for a whole response. */
  readonly brokenAt: 'head' | 'body' | null;
  /** First value of a field, by its lower-case name. */
  get(name: string): string | undefined;
  values(name: string): string[];
}

interface Waiter {
  readonly isSatisfied: () => boolean;
  readonly resolve: () => void;
}

export class RawClient {
  readonly socket: net.Socket;
  closed = false;
  /** When set, bytes are counted and dropped instead of kept. */
  discards = false;
  receivedBytes = 0;
  #buffered: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  #waiters: Waiter[] = [];

  private constructor(socket: net.Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      this.receivedBytes += chunk.length;
      if (!this.discards) this.#buffered = Buffer.concat([this.#buffered, chunk]);
      this.#wake();
    });
    const end = (): void => {
      this.closed = true;
      this.#wake();
    };
    socket.on('end', end);
    socket.on('close', end);
  }

  /** `localAddress` is the address to come from, such as 127.0.0.2. */
  static connect(port: number, localAddress = '127.0.0.1'): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: '127.0.0.1', localAddress, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RawClient(socket));
      });
    });
  }

  send(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Sends a request without a body. `target` may be any text; `fields` are whole lines with CRLF. */
  request(method: string, host: string, target: string, fields = ''): void {
    this.send(`${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${fields}\r\n`);
  }

  /** Reads the next response; `method` decides whether it has a body. Never rejects: see `brokenAt`. */
  async read(method = 'GET'): Promise<ReadResponse> {
    const interim: number[] = [];
    for (;;) {
      const head = await this.#takeHead();
      if (head === null) return response('', interim, 'none', Buffer.alloc(0), 'head');
      const status = statusOf(head);
      if (status < 200) {
        interim.push(status);
        continue;
      }
      const framing = framingOf(head, method);
      const { body, whole } = await this.#takeBody(head, framing);
      return response(head, interim, framing, body, whole ? null : 'body');
    }
  }

  /** Resolves when the other side has closed. */
  whenClosed(): Promise<void> {
    return this.#until(() => false);
  }

  /** Resolves when this many bytes have come, or the connection is closed. */
  whenReceived(bytes: number): Promise<void> {
    return this.#until(() => this.receivedBytes >= bytes);
  }

  close(): void {
    this.socket.destroy();
  }

  #wake(): void {
    const ready = this.#waiters.filter((waiter) => this.closed || waiter.isSatisfied());
    this.#waiters = this.#waiters.filter((waiter) => !ready.includes(waiter));
    for (const waiter of ready) waiter.resolve();
  }

  #until(isSatisfied: () => boolean): Promise<void> {
    if (this.closed || isSatisfied()) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ isSatisfied, resolve }));
  }

  #take(length: number): Buffer {
    const part = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(part.length);
    return part;
  }

  async #takeHead(): Promise<string | null> {
    await this.#until(() => this.#buffered.includes('\r\n\r\n'));
    const end = this.#buffered.indexOf('\r\n\r\n');
    return end < 0 ? null : this.#take(end + 4).toString('latin1');
  }

  async #takeExactly(length: number): Promise<{ bytes: Buffer; whole: boolean }> {
    await this.#until(() => this.#buffered.length >= length);
    const bytes = this.#take(length);
    return { bytes, whole: bytes.length === length };
  }

  async #takeLine(): Promise<string | null> {
    await this.#until(() => this.#buffered.includes('\r\n'));
    const end = this.#buffered.indexOf('\r\n');
    return end < 0 ? null : this.#take(end + 2).toString('latin1', 0, end);
  }

  /** Reads trailer fields and the empty line after them. */
  async #takeTrailers(): Promise<boolean> {
    for (;;) {
      const line = await this.#takeLine();
      if (line === '') return true;
      if (line === null || !/^[!-9;-~]+: /.test(line)) return false;
    }
  }

  async #takeBody(head: string, framing: ReadResponse['framing']): Promise<{ body: Buffer; whole: boolean }> {
    if (framing === 'none') return { body: Buffer.alloc(0), whole: true };
    if (framing === 'length') {
      const { bytes, whole } = await this.#takeExactly(Number(valuesIn(head, 'content-length')[0]));
      return { body: bytes, whole };
    }
    if (framing === 'close') {
      await this.whenClosed();
      return { body: this.#take(this.#buffered.length), whole: true };
    }
    const parts: Buffer[] = [];
    for (;;) {
      const line = await this.#takeLine();
      if (line === null || !/^[0-9a-fA-F]+$/.test(line)) return { body: Buffer.concat(parts), whole: false };
      const size = parseInt(line, 16);
      if (size === 0) return { body: Buffer.concat(parts), whole: await this.#takeTrailers() };
      const chunk = await this.#takeExactly(size);
      parts.push(chunk.bytes);
      if (!chunk.whole || (await this.#takeLine()) !== '') return { body: Buffer.concat(parts), whole: false };
    }
  }
}

/** One request on a connection of its own. */
export async function exchange(
  port: number,
  host: string,
  target: string,
  options: { method?: string; fields?: string; body?: string } = {},
): Promise<ReadResponse> {
  const client = await RawClient.connect(port);
  const { method = 'GET', fields = '', body } = options;
  const length = body === undefined ? '' : `content-length: ${Buffer.byteLength(body)}\r\n`;
  client.request(method, host, target, fields + length);
  if (body !== undefined) client.send(body);
  const answer = await client.read(method);
  client.close();
  return answer;
}

function fieldsOf(head: string): (readonly [string, string])[] {
  const lines = head
    .split('\r\n')
    .slice(1)
    .filter((line) => line !== '');
  return lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
}

function valuesIn(head: string, name: string): string[] {
  return fieldsOf(head)
    .filter(([candidate]) => candidate === name)
    .map(([, value]) => value);
}

function statusOf(head: string): number {
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0);
}

function framingOf(head: string, method: string): ReadResponse['framing'] {
  const status = statusOf(head);
  if (method === 'HEAD' || status === 204 || status === 304) return 'none';
  if (valuesIn(head, 'transfer-encoding').length > 0) return 'chunked';
  return valuesIn(head, 'content-length').length > 0 ? 'length' : 'close';
}

function response(
  head: string,
  interim: readonly number[],
  framing: ReadResponse['framing'],
  body: Buffer,
  brokenAt: ReadResponse['brokenAt'],
): ReadResponse {
  const values = (name: string): string[] => valuesIn(head, name);
  const statusLine = head.slice(0, head.indexOf('\r\n'));
  const get = (name: string): string | undefined => values(name)[0];
  return { status: statusOf(head), statusLine, fields: fieldsOf(head), framing, body, interim, brokenAt, get, values };
}
