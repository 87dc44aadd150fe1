// SPDX-License-Identifier: Apache-2.0
/**
 * A process of its own that is the endpoint behind the proxy: small answers, `/large` of 1 MB, and `/sink`, which is read and
 * never answered. Its first message is its port. Requests have a head in one packet, as a proxy writes them.
 */
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { LARGE_BYTES } from './attacks.js';

const SMALL = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello');
const LARGE = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${LARGE_BYTES}\r\n\r\n${'b'.repeat(LARGE_BYTES)}`);

const server = net.createServer({ noDelay: true }, (socket) => {
  let isSink = false;
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    const head = chunk.toString('latin1', 0, 32);
    isSink ||= head.startsWith('POST /sink');
    if (!isSink) socket.write(head.startsWith('GET /large') ? LARGE : SMALL);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.on('disconnect', () => process.exit(0));
