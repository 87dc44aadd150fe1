// SPDX-License-Identifier: Apache-2.0
/**
 * The origin behind every proxy, a process of its own: requests -> one precomputed answer, so that it costs far less than a
 * proxy. Raw sockets, because any HTTP library would compute heads; reads go to one shared buffer, since a read is consumed
 * before the next one happens.
 *
 *   node server.js PORT_COUNT BODY_BYTES        over IPC: the ports, then each request head while recording is on
 */
import net from 'node:net';
import { countRequests, newFraming } from './framing.js';
import type { ToUpstream, UpstreamMessage } from './messages.js';

const READ_BUFFER_BYTES = 256 * 1024;
/** Text whose bytes differ, so that a proxy which mixes bodies up is noticed. */
const PATTERN = '0123456789abcdefghijklmnopqrstuvwxyz\n';

const [portCount = 1, bodyBytes = 128] = process.argv.slice(2).map(Number);
const body = PATTERN.repeat(Math.ceil(bodyBytes / PATTERN.length)).slice(0, bodyBytes);
let recording = false;

function answerOf(index: number): Buffer {
  const head = [
    'HTTP/1.1 200 OK',
    'content-type: text/plain; charset=utf-8',
    'cache-control: max-age=60',
    'etag: "5f-3a1b"',
    `x-upstream: ${index}`,
    `date: ${new Date().toUTCString()}`,
    `content-length: ${bodyBytes}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

function send(message: UpstreamMessage): void {
  process.send?.(message);
}

function serve(accepted: net.Socket, answer: Buffer): void {
  const framing = newFraming();
  const onBytes = (bytes: Buffer): void => {
    if (recording) send({ head: bytes.toString('latin1').split('\r\n\r\n')[0] ?? '' });
    for (let count = countRequests(framing, bytes); count > 0; count--) socket.write(answer);
  };
  const socket = readingInto(accepted, onBytes);
  // A proxy that closes a connection, however it does, is no failure of the origin.
  socket.on('error', () => undefined);
  socket.resume();
}

const shared = Buffer.allocUnsafe(READ_BUFFER_BYTES);

/**
 * A 'data' event allocates each chunk; `onread` does not, but can be had for an accepted socket only by wrapping its handle
 * again. Where a Node.js release has no such handle, 'data' serves.
 */
function readingInto(accepted: net.Socket, onBytes: (bytes: Buffer) => void): net.Socket {
  const owner = accepted as unknown as { _handle: object | null };
  const handle = owner._handle;
  if (handle === null || handle === undefined) return accepted.on('data', onBytes);
  owner._handle = null;
  const onread = {
    buffer: shared,
    callback(length: number): boolean {
      onBytes(shared.subarray(0, length));
      return true;
    },
  };
  // The handle is no option in the published types.
  const socket = new net.Socket({ handle, onread } as unknown as net.SocketConstructorOpts);
  socket.setNoDelay(true);
  socket.read(0);
  return socket;
}

function listen(index: number): Promise<number> {
  const answer = answerOf(index);
  const server = net.createServer({ pauseOnConnect: true, noDelay: true }, (socket) => serve(socket, answer));
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
send({ ports: await Promise.all(Array.from({ length: portCount }, (_, index) => listen(index))) });
