// SPDX-License-Identifier: Apache-2.0
/** A TCP server of bytes, and a client that keeps what it gets: for what is passed on without being understood. */
import { once } from 'node:events';
import net from 'node:net';

export class TcpUpstream {
  readonly sockets = new Set<net.Socket>();
  connectionCount = 0;
  readonly #server: net.Server;

  private constructor(onConnection: (socket: net.Socket) => void) {
    this.#server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.connectionCount++;
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
      onConnection(socket);
    });
  }

  static async start(onConnection: (socket: net.Socket) => void): Promise<TcpUpstream> {
    const upstream = new TcpUpstream(onConnection);
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  /** Answers each connection with `name:` and then whatever it is sent, until the client ends. */
  static echo(name: string): Promise<TcpUpstream> {
    return TcpUpstream.start((socket) => {
      socket.write(`${name}:`);
      socket.pipe(socket);
    });
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export class TcpClient {
  readonly socket: net.Socket;
  received = Buffer.alloc(0);
  /** The other side will send no more. */
  isEnded = false;
  isClosed = false;

  constructor(port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    this.socket.on('data', (chunk: Buffer) => (this.received = Buffer.concat([this.received, chunk])));
    this.socket.on('end', () => (this.isEnded = true));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.isClosed = true));
  }

  get text(): string {
    return this.received.toString('latin1');
  }
}
