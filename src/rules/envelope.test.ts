// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  exact,
  forwardTo,
  listenerOf,
  modelOf,
  prefix,
  routeOf,
  virtualHostOf,
} from '../../test/support/model-factory.js';
import { encodeTables } from './encode.js';
import { packRules, unpackRules } from './envelope.js';

const META = { created: '2026-01-02T03:04:05.000Z', source: '2 files' };

function someRules(): Uint8Array {
  const direct = { kind: 'direct', status: 418, body: new Uint8Array([1, 2, 255]), responseHeaders: [] } as const;
  const routes = [routeOf(exact('/tea'), {}, direct), routeOf(prefix('/'), {}, forwardTo(['a', 1], ['missing', 3]))];
  return packRules(encodeTables(modelOf(listenerOf(virtualHostOf(['é.example', '*'], routes)))), META);
}

describe('rules file', () => {
  it('gives back what was packed', () => {
    const routes = [routeOf(prefix('/'))];
    const { tables, host } = encodeTables(modelOf(listenerOf(virtualHostOf(['*'], routes))));
    const unpacked = unpackRules(packRules({ tables, host }, META));
    if ('error' in unpacked) expect.fail(unpacked.error);
    expect(Buffer.compare(unpacked.encoded.tables, tables)).toBe(0);
    expect(unpacked.encoded.host).toEqual(host);
    expect(unpacked.meta).toEqual(META);
  });

  it('keeps the bodies of direct responses as bytes', () => {
    const unpacked = unpackRules(someRules());
    if ('error' in unpacked) expect.fail(unpacked.error);
    expect([...(unpacked.encoded.host.routes[0]?.directBody ?? [])]).toEqual([1, 2, 255]);
  });

  it('reads from the middle of a larger buffer', () => {
    const rules = someRules();
    const buffer = new Uint8Array(rules.length + 7);
    buffer.set(rules, 7);
    expect(unpackRules(buffer.subarray(7))).not.toHaveProperty('error');
  });

  it.each([
    ['another kind of file', (file: Uint8Array) => Buffer.concat([Buffer.from('apiVersion: v1'), file]), /not a rules/],
    ['an empty file', () => new Uint8Array(0), /not a rules/],
    ['another format', (file: Uint8Array) => file.with(8, 99), /has format 99, this build reads 2/],
    ['another layout', (file: Uint8Array) => file.with(12, 77), /has table layout 77/],
    ['a file cut off', (file: Uint8Array) => file.subarray(0, file.length - 3), /bytes behind its head/],
    ['a changed byte', (file: Uint8Array) => file.with(400, (file[400] ?? 0) ^ 1), /checksum/],
    ['a changed checksum', (file: Uint8Array) => file.with(30, (file[30] ?? 0) ^ 1), /checksum/],
  ])('refuses %s', (_name, damage, message) => {
    const result = unpackRules(damage(Uint8Array.from(someRules())));
    expect(result).toHaveProperty('error', expect.stringMatching(message));
  });

  it('notices a change of any single byte', () => {
    const file = Uint8Array.from(someRules());
    for (let position = 0; position < file.length; position++) {
      expect(unpackRules(file.with(position, (file[position] ?? 0) ^ 0x10))).toHaveProperty('error');
    }
  });
});
