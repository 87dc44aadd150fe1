// SPDX-License-Identifier: Apache-2.0
/**
 * The one WebSocket message of the suite as its bytes on the wire (RFC 6455 5.2), so that client and origin count bytes
 * instead of parsing: each is to cost less than any proxy.
 */

/** The longest payload whose length stands in the first two bytes. */
export const MESSAGE_BYTES = 125;
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);
const BINARY_FINAL = 0x82;
const MASKED = 0x80;

const payload = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz'.repeat(4).slice(0, MESSAGE_BYTES));

/** As a server sends it. */
export const SERVER_FRAME = Buffer.concat([Buffer.from([BINARY_FINAL, MESSAGE_BYTES]), payload]);
/** As a client sends it. */
export const CLIENT_FRAME = Buffer.concat([
  Buffer.from([BINARY_FINAL, MASKED | MESSAGE_BYTES]),
  MASK,
  payload.map((byte, index) => byte ^ (MASK[index & 3] ?? 0)),
]);

/** What lies behind the head of a handshake in `received`; undefined while the head is not complete. */
export function afterHead(received: Buffer): Buffer | undefined {
  const end = received.indexOf('\r\n\r\n');
  return end < 0 ? undefined : received.subarray(end + 4);
}
