// SPDX-License-Identifier: Apache-2.0
/**
 * The few HTTP/2 frames (RFC 9113 4.1, RFC 7541 6) that a client needs who asks once and then sits: a session of a library
 * would cost this process more than the proxy's side of the connection.
 */

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const FRAME_HEAD_BYTES = 9;
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const END_STREAM = 1;
const ACKNOWLEDGED = 1;
const END_HEADERS = 4;
/** Indexed: `:method: GET` and `:scheme: http`. */
const GET_HTTP = Buffer.from([0x82, 0x86]);
/** Literal without indexing, name by index: `:path` and `:authority`. */
const PATH = 0x04;
const AUTHORITY = 0x01;

export const HTTP2_ACKNOWLEDGEMENT = frame(SETTINGS, ACKNOWLEDGED, 0, Buffer.alloc(0));

/** Preface, empty SETTINGS and a GET on stream 1. `authority` and `path` under 127 bytes. */
export function http2Request(authority: string, path: string): Buffer {
  const fields = Buffer.concat([GET_HTTP, literal(PATH, path), literal(AUTHORITY, authority)]);
  return Buffer.concat([
    PREFACE,
    frame(SETTINGS, 0, 0, Buffer.alloc(0)),
    frame(HEADERS, END_HEADERS | END_STREAM, 1, fields),
  ]);
}

/** Whether the peer's SETTINGS have come whole. */
export function settingsToAcknowledge(received: Buffer): boolean {
  return framesOf(received).some(({ type, flags }) => type === SETTINGS && flags === 0);
}

/** Whether the answer on stream 1 is complete. */
export function endsStream(received: Buffer): boolean {
  return framesOf(received).some(
    ({ type, flags, stream }) => (type === DATA || type === HEADERS) && stream === 1 && (flags & END_STREAM) !== 0,
  );
}

function literal(index: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([index, value.length]), Buffer.from(value)]);
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The frames that have come whole. */
function framesOf(received: Buffer): { type: number; flags: number; stream: number }[] {
  const frames = [];
  for (let at = 0; at + FRAME_HEAD_BYTES <= received.length;) {
    const end = at + FRAME_HEAD_BYTES + received.readUIntBE(at, 3);
    if (end > received.length) break;
    frames.push({ type: received[at + 3] ?? 0, flags: received[at + 4] ?? 0, stream: received.readUInt32BE(at + 5) });
    at = end;
  }
  return frames;
}
