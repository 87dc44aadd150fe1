// SPDX-License-Identifier: Apache-2.0
/**
 * Head bytes -> the head that goes on, the way a JavaScript proxy without an engine does it: one string, split into lines,
 * names in lower case, hop-by-hop fields dropped, forwarding fields added, joined and written. It checks next to nothing,
 * so it does less than the engine.
 */
import { randomUUID } from 'node:crypto';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Writes the upstream's request head to `out`; returns its length in bytes. */
export function forwardRequestHead(head: Buffer, length: number, clientAddress: string, out: Buffer): number {
  const lines = head.toString('latin1', 0, length).split('\r\n');
  const [method = '', target = ''] = (lines[0] ?? '').split(' ');
  const fields = readFields(lines);
  const forwarded = fields.get('x-forwarded-for');
  fields.set('x-forwarded-for', forwarded === undefined ? clientAddress : `${forwarded},${clientAddress}`);
  if (!fields.has('x-forwarded-proto')) fields.set('x-forwarded-proto', 'http');
  if (!fields.has('x-request-id')) fields.set('x-request-id', randomUUID());
  return out.write(joinHead(`${method} ${target} HTTP/1.1`, fields), 0, 'latin1');
}

/** Writes the client's response head to `out`; returns its length in bytes. */
export function forwardResponseHead(head: Buffer, length: number, serviceTimeMs: number, out: Buffer): number {
  const lines = head.toString('latin1', 0, length).split('\r\n');
  const fields = readFields(lines);
  fields.set('server', 'weft');
  fields.set('x-envoy-upstream-service-time', String(serviceTimeMs));
  return out.write(joinHead(lines[0] ?? '', fields), 0, 'latin1');
}

function readFields(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (let index = 1; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    if (!HOP_BY_HOP.has(name)) fields.set(name, line.slice(colon + 1).trim());
  }
  return fields;
}

function joinHead(firstLine: string, fields: ReadonlyMap<string, string>): string {
  let text = `${firstLine}\r\n`;
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}
