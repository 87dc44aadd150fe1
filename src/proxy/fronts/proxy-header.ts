// SPDX-License-Identifier: Apache-2.0
/**
 * The first bytes of a connection that comes through a load balancer -> the client's address (PROXY protocol, versions 1 and
 * 2, as haproxy.org's proxy-protocol.txt has it). Strict: what is not exactly a header is malformed, since a guess at it would
 * let clients choose their own address.
 */
import net from 'node:net';

export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'malformed' }
  /** `length` bytes are the header. Without `source` the connection is the balancer's own (UNKNOWN, LOCAL, other families). */
  | {
      readonly kind: 'header';
      readonly length: number;
      readonly source?: { readonly address: string; readonly port: number };
    };

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const MALFORMED: ProxyHeader = { kind: 'malformed' };

const V1_START = 'PROXY ';
/** The longest line of version 1, with its CRLF. */
const V1_MAX_BYTES = 107;
const V1_PORT = /^(0|[1-9]\d{0,4})$/;

const V2_SIGNATURE = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const V2_FIXED_BYTES = 16;
const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
const TCP4_BYTES = 12;
const TCP6_BYTES = 36;

/** `bytes` is what has come so far, at least one. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  return bytes[0] === V2_SIGNATURE[0] ? readV2(bytes) : readV1(bytes);
}

function readV1(bytes: Buffer): ProxyHeader {
  const text = bytes.toString('latin1', 0, V1_MAX_BYTES);
  if (!V1_START.startsWith(text.slice(0, V1_START.length))) return MALFORMED;
  const end = text.indexOf('\r\n');
  if (end < 0) return text.length < V1_MAX_BYTES ? INCOMPLETE : MALFORMED;
  const length = end + 2;
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = '', ...rest] = text
    .slice(0, end)
    .split(' ');
  // What follows UNKNOWN is to be ignored.
  if (family === 'UNKNOWN') return { kind: 'header', length };
  const isAddress = family === 'TCP4' ? net.isIPv4 : family === 'TCP6' ? net.isIPv6 : undefined;
  if (isAddress === undefined || rest.length > 0 || !isAddress(source) || !isAddress(destination)) return MALFORMED;
  const port = portOf(sourcePort);
  if (port === undefined || portOf(destinationPort) === undefined) return MALFORMED;
  return { kind: 'header', length, source: { address: source, port } };
}

function portOf(text: string): number | undefined {
  return V1_PORT.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

function readV2(bytes: Buffer): ProxyHeader {
  const known = Math.min(bytes.length, V2_SIGNATURE.length);
  if (!bytes.subarray(0, known).equals(V2_SIGNATURE.subarray(0, known))) return MALFORMED;
  if (bytes.length < V2_FIXED_BYTES) return INCOMPLETE;
  const command = bytes[12];
  const family = bytes[13];
  const size = bytes.readUInt16BE(14);
  if (command !== LOCAL && command !== PROXY) return MALFORMED;
  const length = V2_FIXED_BYTES + size;
  const needed = command === LOCAL ? 0 : family === TCP4 ? TCP4_BYTES : family === TCP6 ? TCP6_BYTES : 0;
  if (size < needed) return MALFORMED;
  if (bytes.length < length) return INCOMPLETE;
  if (needed === 0) return { kind: 'header', length };
  const width = needed === TCP4_BYTES ? 4 : 16;
  const raw = bytes.subarray(V2_FIXED_BYTES, V2_FIXED_BYTES + width);
  const port = bytes.readUInt16BE(V2_FIXED_BYTES + 2 * width);
  return { kind: 'header', length, source: { address: width === 4 ? raw.join('.') : ipv6Of(raw), port } };
}

/** In the form of RFC 5952, which is how sockets print addresses. */
function ipv6Of(raw: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => raw.readUInt16BE(2 * index).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
