// SPDX-License-Identifier: Apache-2.0
/**
 * Opens connections that ask once and then sit. A batch at a time, so that what is counted is sitting connections and not
 * the queue in front of a busy proxy.
 */
import net from 'node:net';
import type { Protocol } from '../peers/contract.js';
import { HTTP2_ACKNOWLEDGEMENT, endsStream, http2Request, settingsToAcknowledge } from './http2-frames.js';

const BATCH = 50;

export interface IdleConnections {
  readonly count: number;
  /** How many the proxy has closed since. */
  closedCount(): number;
  close(): void;
}

/** Rejects when a connection is refused or its one request is not answered with 200. */
export async function openIdleConnections(
  port: number,
  path: string,
  count: number,
  protocol: Protocol = 'http1',
): Promise<IdleConnections> {
  const sockets: net.Socket[] = [];
  try {
    while (sockets.length < count) {
      const size = Math.min(BATCH, count - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: size }, () => askOnce(port, path, protocol)))));
    }
  } catch (error) {
    for (const socket of sockets) socket.destroy();
    throw error;
  }
  let closed = 0;
  for (const socket of sockets) socket.once('close', () => closed++);
  return {
    count,
    closedCount: () => closed,
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function askOnce(port: number, path: string, protocol: Protocol): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let answer = Buffer.alloc(0);
    let acknowledged = false;
    const settle = (error: Error | undefined): void => {
      socket.removeAllListeners('data').removeAllListeners('error').removeAllListeners('close');
      socket.setTimeout(0);
      // The proxy may close it later: that is counted, and no failure of this process.
      socket.on('error', () => undefined);
      if (error === undefined) return resolve(socket);
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(20_000, () => settle(new Error('an idle connection got no answer in 20 s')));
    socket.on('error', settle);
    socket.on('close', () => settle(new Error('an idle connection was closed before its answer')));
    const request =
      protocol === 'http2'
        ? http2Request('perf.example', path)
        : Buffer.from(`GET ${path} HTTP/1.1\r\nhost: perf.example\r\n\r\n`);
    socket.on('connect', () => socket.write(request));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (protocol === 'http2') {
        if (!acknowledged && settingsToAcknowledge(answer)) {
          acknowledged = true;
          socket.write(HTTP2_ACKNOWLEDGEMENT);
        }
        if (endsStream(answer) && acknowledged) settle(undefined);
        return;
      }
      const text = answer.toString('latin1');
      if (!isWhole(text)) return;
      settle(text.startsWith('HTTP/1.1 200') ? undefined : new Error(`answered with ${text.split('\r\n')[0]}`));
    });
  });
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  const length = /content-length: *(\d+)/i.exec(answer);
  if (length === null) return answer.endsWith('\r\n0\r\n\r\n');
  return end >= 0 && answer.length >= end + 4 + Number(length[1]);
}
