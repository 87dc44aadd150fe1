// SPDX-License-Identifier: Apache-2.0
/**
 * The WebSocket side of the uWebSockets.js front: the head of an upstream's 101 -> the library's own handshake, and the
 * library's callbacks -> the relay of the connection.
 */
import { createHash } from 'node:crypto';
import type { ThreadContext } from '../contracts.js';
import type { UwsContext, UwsResponse, UwsWebSocket, UwsWebSocketBehavior } from './uws-module.js';
import { MAX_MESSAGE_BYTES } from './websocket-relay.js';
import type { RelaySocket } from './websocket-relay.js';

/** RFC 6455 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** The library writes these itself, from what `upgrade` is given. */
const WRITTEN_BY_LIBRARY = /^(?:connection|upgrade|sec-websocket-(?:accept|protocol|extensions)|date|content-length):/i;

/** What the library wants back to make a WebSocket of a request. */
export interface Handshake {
  readonly key: string;
  readonly context: UwsContext;
}

/** Callbacks of one connection. */
export interface WebSocketEvents {
  onMessage(message: ArrayBuffer, isBinary: boolean): void;
  onPing(data: ArrayBuffer): void;
  onPong(data: ArrayBuffer): void;
  onDrain(): void;
  onClosed(code: number, reason: ArrayBuffer): void;
}

interface UserData {
  readonly events: WebSocketEvents;
}

/** What the open handler, which runs inside `upgrade`, was called with. */
let opened: UwsWebSocket<UserData> | null = null;

/** Why the 101 with this head can't be an answer to `handshake`; undefined when it can. */
export function switchProblem(handshake: Handshake, head: string): string | undefined {
  const accept = createHash('sha1')
    .update(handshake.key + ACCEPT_SUFFIX)
    .digest('base64');
  if (fieldOf(head, 'sec-websocket-accept') !== accept) return 'sec-websocket-accept does not fit the key';
  if (fieldOf(head, 'sec-websocket-extensions') !== '') return 'sec-websocket-extensions that nobody offered';
  return undefined;
}

/** Sends the 101 with the fields of `head`. Returns the connection; the response must not be used any more. */
export function upgrade(
  response: UwsResponse,
  { key, context }: Handshake,
  head: string,
  events: WebSocketEvents,
): RelaySocket {
  const fields = head.split('\r\n').filter((line) => line !== '' && !WRITTEN_BY_LIBRARY.test(line));
  // The library ends the last line itself.
  response.writeStatus(fields.join('\r\n'));
  opened = null;
  response.upgrade({ events }, key, fieldOf(head, 'sec-websocket-protocol'), '', context);
  if (opened === null) throw new Error('the library has not opened the WebSocket');
  return opened;
}

/** Handlers for all WebSockets of a port, without `upgrade`. An exception must not pass through the library's native frames. */
export function webSocketHandlers(path: ThreadContext): Omit<UwsWebSocketBehavior<UserData>, 'upgrade'> {
  const guarded = (socket: UwsWebSocket<UserData>, run: (events: WebSocketEvents) => void): void => {
    try {
      path.readClock();
      run(socket.getUserData().events);
    } catch (error) {
      path.onBug(error);
    }
  };
  return {
    maxPayloadLength: MAX_MESSAGE_BYTES,
    // The relay looks at what is buffered, and tunnels have a timer of their own.
    maxBackpressure: 0,
    idleTimeout: 0,
    sendPingsAutomatically: false,
    open: (socket) => {
      opened = socket;
    },
    message: (socket, message, isBinary) => guarded(socket, (events) => events.onMessage(message, isBinary)),
    ping: (socket, data) => guarded(socket, (events) => events.onPing(data)),
    pong: (socket, data) => guarded(socket, (events) => events.onPong(data)),
    drain: (socket) => guarded(socket, (events) => events.onDrain()),
    close: (socket, code, reason) => guarded(socket, (events) => events.onClosed(code, reason)),
  };
}

/** Value of the only field of that name; '' without one. */
function fieldOf(head: string, name: string): string {
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && line.slice(0, colon).toLowerCase() === name) return line.slice(colon + 1).trim();
  }
  return '';
}
