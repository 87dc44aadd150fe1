// SPDX-License-Identifier: Apache-2.0
/**
 * A request -> the same request again and again over a few keep-alive connections, one at a time on each, every answer
 * checked. It counts requests, not time: for measures of what a request costs the proxy.
 */
import net from 'node:net';

export interface LoadTarget {
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** The end of every answer's body; an answer is complete when it is there. */
  readonly bodyEnd: string;
}

const CONNECTIONS = 8;

export class KeepAliveLoad {
  readonly #request: Buffer;
  readonly #target: LoadTarget;
  readonly #sockets: net.Socket[];

  private constructor(target: LoadTarget, sockets: net.Socket[]) {
    this.#target = target;
    this.#sockets = sockets;
    this.#request = Buffer.from(
      `GET ${target.path} HTTP/1.1\r\nHost: ${target.host}\r\nUser-Agent: load/1.0\r\nAccept: */*\r\n\r\n`,
      'latin1',
    );
  }

  /** Rejects when nobody listens. */
  static async connect(target: LoadTarget): Promise<KeepAliveLoad> {
    const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(target.port)));
    return new KeepAliveLoad(target, sockets);
  }

  /** Sends so many requests in all; rejects on the first that is not answered with 200 and the body. */
  async send(requests: number): Promise<void> {
    const shares = this.#sockets.map((socket, index) =>
      this.#drive(socket, Math.floor((requests + index) / this.#sockets.length)),
    );
    await Promise.all(shares);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #drive(socket: net.Socket, requests: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = requests;
      let answer = '';
      const finish = (error?: Error): void => {
        socket.removeListener('data', onData);
        socket.removeListener('close', onClose);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onClose = (): void => finish(new Error(`the connection was closed with ${left} requests to go`));
      const onData = (chunk: Buffer): void => {
        answer += chunk.toString('latin1');
        if (!answer.endsWith(this.#target.bodyEnd)) return;
        if (!answer.startsWith('HTTP/1.1 200 ')) finish(new Error(`unexpected answer: ${answer.slice(0, 200)}`));
        else if (--left <= 0) finish();
        else socket.write(this.#request);
        answer = '';
      };
      socket.on('data', onData);
      socket.on('close', onClose);
      if (left > 0) socket.write(this.#request);
      else finish();
    });
  }
}

function connect(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });
}
