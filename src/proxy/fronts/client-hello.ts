// SPDX-License-Identifier: Apache-2.0
/**
 * The first bytes of a TLS connection -> the server name that the client asks for (RFC 8446 4.1.2, RFC 6066 3). Read before
 * any TLS library, because the name decides whether clients are asked for a certificate, and because a name that no filter
 * chain has is refused without an answer. Bytes are only looked at: the library reads them again.
 */

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;
const RECORD_HEADER_BYTES = 5;
const HELLO_HEADER_BYTES = 4;
/** Version and random. */
const HELLO_FIXED_BYTES = 34;
/** Far beyond what clients send (some 2 KB with post-quantum keys); more is not waited for. */
export const MAX_CLIENT_HELLO_BYTES = 65_536;

export type ClientHello =
  /** '' when the client names no server. */
  | { readonly kind: 'hello'; readonly serverName: string }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'not-tls' };

const INCOMPLETE: ClientHello = { kind: 'incomplete' };
const NOT_TLS: ClientHello = { kind: 'not-tls' };

/** `bytes` is what the client has sent so far. */
export function readClientHello(bytes: Buffer): ClientHello {
  const message = handshakeBytes(bytes);
  if (!Buffer.isBuffer(message)) return message;
  if (message.length > 0 && message[0] !== CLIENT_HELLO) return NOT_TLS;
  if (message.length < HELLO_HEADER_BYTES) return INCOMPLETE;
  const length = message.readUIntBE(1, 3);
  if (length > MAX_CLIENT_HELLO_BYTES) return NOT_TLS;
  if (message.length < HELLO_HEADER_BYTES + length) return INCOMPLETE;
  const serverName = serverNameOf(message.subarray(HELLO_HEADER_BYTES, HELLO_HEADER_BYTES + length));
  return serverName === undefined ? NOT_TLS : { kind: 'hello', serverName };
}

/** The payloads of the complete handshake records at the start, one after the other: a hello may be cut into several. */
function handshakeBytes(bytes: Buffer): Buffer | ClientHello {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== HANDSHAKE_RECORD) return parts.length === 0 ? NOT_TLS : Buffer.concat(parts);
    if (bytes.length - at < RECORD_HEADER_BYTES) break;
    if (bytes[at + 1] !== 3) return NOT_TLS;
    const end = at + RECORD_HEADER_BYTES + bytes.readUInt16BE(at + 3);
    if (end > bytes.length) break;
    parts.push(bytes.subarray(at + RECORD_HEADER_BYTES, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** Undefined when the lengths inside do not fit. */
function serverNameOf(hello: Buffer): string | undefined {
  let at = HELLO_FIXED_BYTES;
  // Session id, cipher suites and compression methods, each behind its length.
  for (const width of [1, 2, 1]) {
    if (at + width > hello.length) return undefined;
    at += width + hello.readUIntBE(at, width);
  }
  if (at === hello.length) return '';
  if (at + 2 > hello.length) return undefined;
  const end = at + 2 + hello.readUInt16BE(at);
  if (end !== hello.length) return undefined;
  at += 2;
  while (at + 4 <= end) {
    const type = hello.readUInt16BE(at);
    const next = at + 4 + hello.readUInt16BE(at + 2);
    if (next > end) return undefined;
    if (type === SERVER_NAME_EXTENSION) return hostNameOf(hello.subarray(at + 4, next));
    at = next;
  }
  return at === end ? '' : undefined;
}

function hostNameOf(extension: Buffer): string | undefined {
  if (extension.length < 5 || extension[2] !== HOST_NAME) return undefined;
  const length = extension.readUInt16BE(3);
  if (length === 0 || 5 + length !== extension.length) return undefined;
  return extension.toString('latin1', 5);
}
