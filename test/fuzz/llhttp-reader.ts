// SPDX-License-Identifier: Apache-2.0
/** Bytes -> what llhttp takes them for, through Node's own server and client on sockets that exist only in memory. */
import http from 'node:http';
import type net from 'node:net';
import { Duplex } from 'node:stream';
import type { ReadRequest, ReadStream } from './read-stream.js';

const LIMIT_MS = 2000;

/** A connection whose other side has sent these bytes and ended. */
class MemorySocket extends Duplex {
  constructor() {
    super({ allowHalfOpen: true });
  }

  override _read(): void {
    // Bytes come by `push` alone.
  }

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  deliver(bytes: string): void {
    this.push(Buffer.from(bytes, 'latin1'));
    this.push(null);
  }
}

export function readRequestsByLlhttp(bytes: string): Promise<ReadStream> {
  return new Promise((resolve) => {
    const requests: ReadRequest[] = [];
    const socket = new MemorySocket();
    const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      let body = '';
      request.setEncoding('latin1');
      request.on('data', (text: string) => (body += text));
      request.on('end', () => {
        if (request.complete) requests.push({ method: request.method ?? '', target: request.url ?? '', body });
        response.end();
      });
      request.on('error', () => undefined);
    };
    const server = http.createServer({ insecureHTTPParser: false }, answer);
    server.on('checkExpectation', answer);
    const finish = (end: ReadStream['end'], code = ''): void => {
      clearTimeout(timer);
      // What has been parsed is told in later turns of the event loop.
      setImmediate(() =>
        setImmediate(() => {
          socket.destroy();
          resolve({ requests, end, code });
        }),
      );
    };
    const timer = setTimeout(() => finish('incomplete', 'silence'), LIMIT_MS);
    server.on('clientError', (error: NodeJS.ErrnoException) =>
      finish(error.code === 'HPE_INVALID_EOF_STATE' ? 'incomplete' : 'refused', error.code),
    );
    server.on('connect', (request) => finish('closed', request.method));
    socket.on('finish', () => finish('complete'));
    socket.on('close', () => finish('complete'));
    server.emit('connection', socket as unknown as net.Socket);
    socket.deliver(bytes);
  });
}

export interface ReadResponse {
  readonly status: number;
  readonly body: string;
}

/** The final response in what an upstream has sent before it ended; undefined when llhttp finds none or a broken one. */
export function readResponseByLlhttp(method: string, bytes: string): Promise<ReadResponse | undefined> {
  return new Promise((resolve) => {
    const socket = new MemorySocket();
    const finish = (response?: ReadResponse): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(response);
    };
    const timer = setTimeout(() => finish(), LIMIT_MS);
    let isComplete = (): boolean => false;
    const fail = (): void => {
      // What follows a whole response is not a part of it.
      if (!isComplete()) finish();
    };
    const request = http.request({ method, insecureHTTPParser: false, createConnection: () => socket }, (response) => {
      isComplete = () => response.complete;
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (text: string) => (body += text));
      response.on('error', fail);
      response.on('end', () => finish({ status: response.statusCode ?? 0, body }));
      response.on('aborted', fail);
    });
    request.on('error', fail);
    request.on('upgrade', () => finish());
    request.end();
    socket.deliver(bytes);
  });
}
