// SPDX-License-Identifier: Apache-2.0
/**
 * WebSocket messages as a closed loop, a process of its own: each connection keeps a number of messages under way. Prints one
 * JSON line of ClosedFigures without latencies, since with several under way they would describe the queue.
 *
 *   node message-client.js PORT CONNECTIONS STREAMS SECONDS PATH
 */
import net from 'node:net';
import { CLIENT_FRAME, SERVER_FRAME, afterHead } from './message-frames.js';

const HANDSHAKE_TIMEOUT_MS = 20_000;
const [port = 0, connections = 1, streams = 1, seconds = 1] = process.argv.slice(2, 6).map(Number);
const path = process.argv[6] ?? '/';
const BATCH = Buffer.concat(Array.from({ length: streams }, () => CLIENT_FRAME));

let answered = 0;
let ending = false;

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}

/** Resolves once the handshake is done. */
function open(): Promise<net.Socket> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    let head: Buffer | undefined = Buffer.alloc(0);
    let pendingBytes = 0;
    const timer = setTimeout(() => fail('a handshake got no answer'), HANDSHAKE_TIMEOUT_MS);
    socket.on('error', (error) => (ending ? undefined : fail(`a connection failed: ${error.message}`)));
    socket.on('close', () => (ending ? undefined : fail('a connection was closed')));
    socket.on('connect', () =>
      socket.write(
        `GET ${path} HTTP/1.1\r\nhost: perf.example\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
          'sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      ),
    );
    socket.on('data', (chunk: Buffer) => {
      if (head !== undefined) {
        head = Buffer.concat([head, chunk]);
        if (afterHead(head) === undefined) return;
        if (!head.toString('latin1').startsWith('HTTP/1.1 101'))
          fail(`answered with ${head.toString('latin1', 0, 80)}`);
        head = undefined;
        clearTimeout(timer);
        resolve(socket);
        return;
      }
      pendingBytes += chunk.length;
      const count = Math.floor(pendingBytes / SERVER_FRAME.length);
      pendingBytes -= count * SERVER_FRAME.length;
      answered += count;
      if (!ending) for (let left = count; left > 0; left -= streams) socket.write(batch(Math.min(left, streams)));
    });
  });
}

function batch(count: number): Buffer {
  return count === streams ? BATCH : BATCH.subarray(0, count * CLIENT_FRAME.length);
}

const sockets = await Promise.all(Array.from({ length: connections }, open));
const begun = performance.now();
for (const socket of sockets) socket.write(BATCH);
setTimeout(() => {
  ending = true;
  const took = (performance.now() - begun) / 1000;
  for (const socket of sockets) socket.destroy();
  if (answered === 0) fail('no message was answered');
  console.log(JSON.stringify({ requests: answered, seconds: took }));
}, seconds * 1000);
