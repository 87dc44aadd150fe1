// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { openIdleConnections } from './idle-connections.js';
import { CLIENT_FRAME, MESSAGE_BYTES, SERVER_FRAME } from './message-frames.js';

describe('what the load generators send by hand', () => {
  it('is HTTP/2 to a library: a connection that asked once, is answered, and stays', async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(request.headers[':path']);
      response.end('x'.repeat(100));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const idle = await openIdleConnections((server.address() as AddressInfo).port, '/shop', 3, 'http2');
    expect(idle.count).toBe(3);
    expect(idle.closedCount()).toBe(0);
    expect(paths).toEqual(['/shop', '/shop', '/shop']);
    idle.close();
    server.close();
  });

  it('is one WebSocket message to a library, from the client and from the server', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const received: Buffer[] = [];
    server.on('connection', (accepted, { socket }) => {
      accepted.on('message', (data: Buffer) => {
        received.push(data);
        socket.write(SERVER_FRAME);
      });
    });
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const answered = once(client, 'message');
    client.once('upgrade', ({ socket }) => client.once('open', () => socket.write(CLIENT_FRAME)));
    const [answer] = (await answered) as [Buffer];
    expect(received).toHaveLength(1);
    expect(received[0]).toHaveLength(MESSAGE_BYTES);
    expect(answer).toEqual(received[0]);
    client.terminate();
    server.close();
  });
});
