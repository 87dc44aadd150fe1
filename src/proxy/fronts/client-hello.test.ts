// SPDX-License-Identifier: Apache-2.0
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import { readClientHello } from './client-hello.js';

/** What a real client sends first. */
function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', reject);
      socket.once('data', (bytes) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      tls.connect({ ...options, socket: connect(port, '127.0.0.1') }).on('error', () => undefined);
    });
  });
}

/** The same handshake bytes in records of `size` bytes. */
function inRecordsOf(hello: Buffer, size: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 5; at < hello.length; at += size) {
    const part = hello.subarray(at, at + size);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part);
  }
  return Buffer.concat(records);
}

describe('readClientHello', () => {
  let hello: Buffer;
  beforeAll(async () => {
    hello = await helloOf({ servername: 'a.example', ALPNProtocols: ['h2', 'http/1.1'] });
  });

  it('reads the server name that a client sends', () => {
    expect(readClientHello(hello)).toEqual({ kind: 'hello', serverName: 'a.example' });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('finds none where the client names none (%s)', async (version) => {
    const nameless = await helloOf({ minVersion: version, maxVersion: version });
    expect(readClientHello(nameless)).toEqual({ kind: 'hello', serverName: '' });
  });

  it('waits for the rest, wherever it is cut', () => {
    for (let length = 0; length < hello.length; length++) {
      expect(readClientHello(hello.subarray(0, length))).toEqual({ kind: 'incomplete' });
    }
  });

  it.each([1, 7, 100])('puts a hello together that comes in records of %i bytes', (size) => {
    expect(readClientHello(inRecordsOf(hello, size))).toEqual({ kind: 'hello', serverName: 'a.example' });
  });

  it.each(['GET / HTTP/1.1\r\n\r\n', '\0', '\x16\x02\x01\0\x05hello', '\x16\x03\x01\0\x04\x02\0\0\0'])(
    'refuses %j',
    (text) => {
      expect(readClientHello(Buffer.from(text, 'latin1'))).toEqual({ kind: 'not-tls' });
    },
  );

  it('never throws, and never reads beyond a changed length', () => {
    for (let at = 0; at < hello.length; at++) {
      for (const value of [0, 1, 0x7f, 0xff]) {
        expect(['hello', 'incomplete', 'not-tls']).toContain(readClientHello(Buffer.from(hello.with(at, value))).kind);
      }
    }
  });
});
