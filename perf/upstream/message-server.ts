// SPDX-License-Identifier: Apache-2.0
/**
 * The WebSocket origin, a process of its own: accepts every handshake and answers each message of the suite's length with the
 * same one. A request without an upgrade gets 200, which is how a proxy is seen to be up.
 *
 *   node message-server.js PORT_COUNT        over IPC: the ports, then each request head while recording is on
 */
import { createHash } from 'node:crypto';
import net from 'node:net';
import { CLIENT_FRAME, SERVER_FRAME, afterHead } from '../load/message-frames.js';
import type { ToUpstream, UpstreamMessage } from './messages.js';

/** RFC 6455 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const KEY = /\r\nsec-websocket-key: *(\S+)/i;
const PLAIN = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
/** As many as one read can bring. */
const MANY = Buffer.concat(Array.from({ length: 1024 }, () => SERVER_FRAME));

const [portCount = 1] = process.argv.slice(2).map(Number);
let recording = false;

function send(message: UpstreamMessage): void {
  process.send?.(message);
}

function serve(socket: net.Socket): void {
  let head: Buffer | undefined = Buffer.alloc(0);
  let pendingBytes = 0;
  const onMessages = (length: number): void => {
    pendingBytes += length;
    let count = Math.floor(pendingBytes / CLIENT_FRAME.length);
    pendingBytes -= count * CLIENT_FRAME.length;
    for (; count > 0; count -= 1024) socket.write(MANY.subarray(0, Math.min(count, 1024) * SERVER_FRAME.length));
  };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    if (head === undefined) return onMessages(chunk.length);
    head = Buffer.concat([head, chunk]);
    const rest = afterHead(head);
    if (rest === undefined) return;
    const text = head.toString('latin1', 0, head.length - rest.length - 4);
    if (recording) send({ head: text });
    const key = KEY.exec(text)?.[1];
    head = key === undefined ? rest : undefined;
    socket.write(key === undefined ? PLAIN : switching(key));
    if (head === undefined && rest.length > 0) onMessages(rest.length);
  });
}

function switching(key: string): string {
  const accept = createHash('sha1')
    .update(key + ACCEPT_SUFFIX)
    .digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`;
}

function listen(): Promise<number> {
  const server = net.createServer({ noDelay: true }, serve);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
      resolve((server.address() as net.AddressInfo).port),
    );
  });
}

process.on('message', (message: ToUpstream) => {
  recording = message.recording;
  send({ recording });
});
// The suite is gone: nobody else stops this process.
process.on('disconnect', () => process.exit(0));
send({ ports: await Promise.all(Array.from({ length: portCount }, listen)) });
