// SPDX-License-Identifier: Apache-2.0
/**
 * An accepted socket -> one that reads into memory of ours. Node.js has that (`onread`) for sockets that connect, not for
 * those that a server accepts, so the connection's handle is taken out of the accepted socket and put into a new one. Where
 * a Node.js release has no such handle, 'data' events are copied into the same memory: slower, nothing else.
 */
import net from 'node:net';

/** What is used of sockets beyond their documented interface; all of it is checked for. */
interface SocketInternals {
  _handle?: { useUserBuffer?: unknown; readStart?: unknown } | null;
  /** The server that counts the connection until it closes. */
  _server?: unknown;
}

/**
 * `onRead` is called with the number of bytes that lie at the start of `buffer`, during the call only; its `true` tells
 * Node.js to go on. The server must have been created with `pauseOnConnect`. Use the socket that is returned, not `accepted`.
 */
export function adoptSocket(
  accepted: net.Socket,
  buffer: Uint8Array,
  onRead: (length: number) => true,
  allowHalfOpen: boolean,
): net.Socket {
  const internals = accepted as SocketInternals;
  const handle = internals._handle;
  if (typeof handle?.useUserBuffer !== 'function' || typeof handle.readStart !== 'function') {
    readByEvents(accepted, buffer, onRead);
    return accepted;
  }
  internals._handle = null;
  const options = { handle, allowHalfOpen, onread: { buffer, callback: onRead } };
  const socket = new net.Socket(options);
  (socket as SocketInternals)._server = internals._server;
  internals._server = null;
  socket.resume();
  socket.read(0);
  return socket;
}

/** The same for any socket, such as a TLS one. */
export function readByEvents(socket: net.Socket, buffer: Uint8Array, onRead: (length: number) => void): void {
  socket.on('data', (chunk: Buffer) => {
    for (let start = 0; start < chunk.length && !socket.destroyed; start += buffer.length) {
      const part = chunk.subarray(start, start + buffer.length);
      buffer.set(part);
      onRead(part.length);
    }
  });
  socket.resume();
}
