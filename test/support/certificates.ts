// SPDX-License-Identifier: Apache-2.0
/**
 * X.509 certificates for tests, made when they run: node:crypto has keys and signatures but can't make certificates, so the
 * few DER structures (RFC 5280 4.1) are written here. Keys are P-256, signatures ECDSA with SHA-256.
 */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly privateKey: string;
}

export interface CertificateWishes {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly uris?: readonly string[];
  /** Default: an hour ago, and an hour from now. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

const HOUR_MS = 3_600_000;
const ECDSA_WITH_SHA256 = sequence(objectId('1.2.840.10045.4.3.2'));

/** An authority that signs itself, and certificates that it issues. */
export class Authority {
  readonly certificate: string;
  readonly #name: string;
  readonly #key: KeyObject;

  constructor(commonName: string) {
    const { privateKey, publicKey } = newKeys();
    this.#name = commonName;
    this.#key = privateKey;
    const isAuthority = extension('2.5.29.19', sequence(Buffer.from([1, 1, 0xff])), true);
    this.certificate = signed({ commonName }, commonName, publicKey, privateKey, [isAuthority]);
  }

  issue(wishes: CertificateWishes): Certificate {
    const { privateKey, publicKey } = newKeys();
    const names = [
      ...(wishes.dnsNames ?? []).map((name) => element(0x82, Buffer.from(name, 'latin1'))),
      ...(wishes.uris ?? []).map((uri) => element(0x86, Buffer.from(uri, 'latin1'))),
    ];
    const extensions = names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names), false)];
    return {
      certificate: signed(wishes, this.#name, publicKey, this.#key, extensions),
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }
}

function newKeys(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

function signed(
  wishes: CertificateWishes,
  issuer: string,
  publicKey: KeyObject,
  signer: KeyObject,
  extensions: readonly Buffer[],
): string {
  const { notBefore = new Date(Date.now() - HOUR_MS), notAfter = new Date(Date.now() + HOUR_MS) } = wishes;
  const body = sequence(
    element(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ECDSA_WITH_SHA256,
    distinguishedName(issuer),
    sequence(time(notBefore), time(notAfter)),
    distinguishedName(wishes.commonName),
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length === 0 ? [] : [element(0xa3, sequence(...extensions))]),
  );
  const signature = sign('sha256', body, signer);
  const der = sequence(body, ECDSA_WITH_SHA256, element(3, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString('base64').replaceAll(/(.{64})/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(objectId('2.5.4.3'), element(12, Buffer.from(commonName, 'utf8')));
  return sequence(element(0x31, attribute));
}

function extension(id: string, value: Buffer, isCritical: boolean): Buffer {
  const critical = isCritical ? [Buffer.from([1, 1, 0xff])] : [];
  return sequence(objectId(id), ...critical, element(4, value));
}

function time(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return element(24, Buffer.from(digits, 'latin1'));
}

function integer(bytes: Buffer): Buffer {
  return element(2, bytes);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const number of rest) {
    const groups = [number & 0x7f];
    for (let left = number >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(6, Buffer.from(bytes));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, Buffer.concat(parts));
}

function element(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}
