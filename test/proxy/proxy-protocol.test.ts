// SPDX-License-Identifier: Apache-2.0
/** Clients behind a load balancer: PROXY headers of both versions, whole, in pieces, and wrong. */
import net from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readProxyHeader } from '../../src/proxy/fronts/proxy-header.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { RawUpstream } from '../support/raw-upstream.js';
import { TcpClient } from '../support/tcp-upstream.js';

const REQUEST = 'GET / HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n';
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

function v2(command: number, family: number, addresses: Buffer): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(addresses.length);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family]), size, addresses]);
}

const portBytes = (port: number): Buffer => Buffer.from([port >> 8, port & 255]);
const v2OfIpv4 = (source: readonly number[], port: number, more = Buffer.alloc(0)): Buffer =>
  v2(
    0x21,
    0x11,
    Buffer.concat([Buffer.from(source), Buffer.from([10, 0, 0, 1]), portBytes(port), portBytes(80), more]),
  );

describe('a listener that expects PROXY headers', () => {
  let upstream: RawUpstream;
  let proxy: Gateway;

  beforeAll(async () => {
    upstream = await RawUpstream.start();
    proxy = await startGateway({
      config: [gateway(), ...forwarded('a', [{ port: upstream.port }])],
      options: ['--proxy-protocol'],
      accessLog: 'TEXT',
    });
  });

  afterAll(async () => {
    await proxy.stop();
    await upstream.stop();
  });

  async function ask(...pieces: readonly (string | Buffer)[]): Promise<string> {
    const client = new TcpClient(proxy.port);
    for (const piece of pieces) {
      client.socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('the end', () => client.isEnded || client.isClosed || undefined);
    client.socket.destroy();
    return client.text;
  }

  const lastForwardedFor = (): string | undefined => upstream.requests.at(-1)?.values('x-forwarded-for')[0];

  it.each([
    ['version 1, IPv4', Buffer.from('PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n'), '192.0.2.7'],
    ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n'), '2001:db8::7'],
    ['version 2, IPv4', v2OfIpv4([192, 0, 2, 8], 4712), '192.0.2.8'],
    [
      'version 2, IPv4 and values after it',
      v2OfIpv4([192, 0, 2, 9], 4712, Buffer.from('04000100', 'hex')),
      '192.0.2.9',
    ],
    [
      'version 2, IPv6',
      v2(0x21, 0x21, Buffer.concat([Buffer.from('20010db8000000000000000000000007', 'hex'), Buffer.alloc(20, 1)])),
      '2001:db8::7',
    ],
  ])('takes the client from %s', async (_, header, address) => {
    expect(await ask(Buffer.concat([header, Buffer.from(REQUEST)]))).toContain('200 OK');
    expect(lastForwardedFor()).toBe(address);
    // In pieces, cut inside the header and behind it.
    expect(await ask(header.subarray(0, 5), header.subarray(5, 14), header.subarray(14), REQUEST)).toContain('200 OK');
    expect(lastForwardedFor()).toBe(address);
  });

  it('writes the address to the access log', async () => {
    await ask(`PROXY TCP4 192.0.2.77 10.0.0.1 4711 80\r\n${REQUEST}`);
    expect(await proxy.accessLogLine('192.0.2.77:4711')).toContain('"GET / HTTP/1.1" 200');
  });

  it.each([
    ['UNKNOWN', Buffer.from('PROXY UNKNOWN what ever\r\n')],
    ['LOCAL', v2(0x20, 0x00, Buffer.alloc(0))],
  ])('keeps the address of the connection for %s', async (_, header) => {
    expect(await ask(Buffer.concat([header, Buffer.from(REQUEST)]))).toContain('200 OK');
    expect(lastForwardedFor()).toBe('127.0.0.1');
  });

  it.each([
    ['no header', ''],
    ['another word', 'PROXX TCP4 192.0.2.7 10.0.0.1 4711 80\r\n'],
    ['an address of the wrong family', 'PROXY TCP4 2001:db8::7 10.0.0.1 4711 80\r\n'],
    ['a port that is too large', 'PROXY TCP4 192.0.2.7 10.0.0.1 65536 80\r\n'],
    ['a port with a sign', 'PROXY TCP4 192.0.2.7 10.0.0.1 +1 80\r\n'],
    ['a port less', 'PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n'],
    ['a word more', 'PROXY TCP4 192.0.2.7 10.0.0.1 4711 80 1\r\n'],
    ['a line that does not end', `PROXY TCP4 ${'1'.repeat(120)}`],
    ['a bare line feed', 'PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\n'],
  ])('closes a connection with %s, and nothing goes upstream', async (_, header) => {
    const before = upstream.requests.length;
    expect(await ask(header + REQUEST)).toBe('');
    expect(upstream.requests).toHaveLength(before);
  });

  it('closes a connection whose version 2 header is too short for its family or of a version to come', async () => {
    expect(await ask(v2(0x21, 0x11, Buffer.alloc(11)), REQUEST)).toBe('');
    expect(await ask(v2(0x31, 0x11, Buffer.alloc(12)), REQUEST)).toBe('');
  });
});

describe('readProxyHeader', () => {
  const ports = fc.integer({ min: 0, max: 65_535 });

  it('reads what a balancer writes, and never before the last byte', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), ports, ports, fc.string(), (source, destination, from, to, rest) => {
        const header = `PROXY TCP4 ${source} ${destination} ${from} ${to}\r\n`;
        const bytes = Buffer.from(header + rest, 'latin1');
        const expected = { kind: 'header', length: header.length, source: { address: source, port: from } };
        expect(readProxyHeader(bytes)).toEqual(expected);
        for (let length = 1; length < header.length; length++) {
          expect(readProxyHeader(bytes.subarray(0, length))).toEqual({ kind: 'incomplete' });
        }
        const raw = source.split('.').map(Number);
        const second = v2OfIpv4(raw, from);
        expect(readProxyHeader(second)).toEqual({ ...expected, length: second.length });
        for (let length = 1; length < second.length; length++) {
          expect(readProxyHeader(second.subarray(0, length))).toEqual({ kind: 'incomplete' });
        }
      }),
    );
  });

  it('takes any bytes without failing, and gives addresses only', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.constantFrom('', 'PROXY TCP4 ', SIGNATURE),
        (bytes, start) => {
          const result = readProxyHeader(Buffer.concat([Buffer.from(start), bytes]));
          if (result.kind === 'header' && result.source) expect(net.isIP(result.source.address)).not.toBe(0);
        },
      ),
    );
  });
});
