// SPDX-License-Identifier: Apache-2.0
/** An origin for load: answers each request without a body at once with its own name, and keeps nothing of it. */
import net from 'node:net';

const HEAD_END = '\r\n\r\n';

export class FastUpstream {
  readonly name: string;
  requestCount = 0;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #delayMs: number;
  readonly #answer: Buffer;

  private constructor(name: string, delayMs: number) {
    this.name = name;
    this.#delayMs = delayMs;
    const body = `hello from ${name}\n`;
    const head = `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-upstream: ${name}\r\ncontent-length: ${body.length}`;
    this.#answer = Buffer.from(head + HEAD_END + body);
    this.#server = net.createServer({ noDelay: true }, (socket) => this.#serve(socket));
  }

  /** `delayMs` holds every answer back, so that requests are under way at any time. */
  static async start(name: string, delayMs = 0, port = 0): Promise<FastUpstream> {
    const upstream = new FastUpstream(name, delayMs);
    await new Promise<void>((resolve, reject) => {
      upstream.#server.once('error', reject);
      upstream.#server.listen(port, '127.0.0.1', resolve);
    });
    return upstream;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Ends as a killed process does: port and connections are gone at once. */
  async kill(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #serve(socket: net.Socket): void {
    this.#sockets.add(socket);
    // A client that is gone needs no answer.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
    let tail = '';
    socket.on('data', (chunk) => {
      const parts = (tail + chunk.toString('latin1')).split(HEAD_END);
      tail = parts.pop() ?? '';
      for (let count = parts.length; count > 0; count--) this.#reply(socket);
    });
  }

  #reply(socket: net.Socket): void {
    this.requestCount++;
    if (this.#delayMs === 0) socket.write(this.#answer);
    else setTimeout(() => socket.write(this.#answer), this.#delayMs);
  }
}
