// SPDX-License-Identifier: Apache-2.0
/**
 * Damaged tables: either verifyTable refuses them, or every call on them ends inside the blob's and the slab's bounds. The
 * table lies at the very end of memory, so a read far outside traps; a write below the slab (control block, shared states) is seen by comparing.
 */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import type { RoutingModel } from '../../src/model/model.js';
import { encodeTables } from '../../src/rules/encode.js';
import { randomListener, randomRequest } from '../support/match-generator.js';
import { ENGINE_FILES, MatcherEngine } from '../support/matcher-engine.js';
import {
  clusterOf,
  endpointOf,
  forwardTo,
  listenerOf,
  modelOf,
  routeOf,
  virtualHostOf,
} from '../support/model-factory.js';
import { RandomSource } from '../support/random.js';

const seed = Number(process.env['WEFT_SEED'] ?? Date.now() % 1_000_000_000);
const ARENA_BYTES = 1024 * 1024;

function someModel(random: RandomSource): RoutingModel {
  const literal = [{ kind: 'literal', text: 'v' }] as const;
  const action = forwardTo(['a', 3], ['b', 5], ['gone', 1]);
  const withOps = {
    ...action,
    clusters: action.clusters.map((cluster) => ({
      ...cluster,
      hostRewrite: 'other.example',
      requestHeaders: [{ op: 'set', name: 'x-set', value: literal } as const, { op: 'remove', name: 'x-a' } as const],
    })),
    fault: { delay: { delayMs: 5, perMillion: 500_000 }, abort: { status: 503, perMillion: 500_000 } },
  };
  const own = virtualHostOf(['own.example'], [routeOf({ kind: 'any' }, {}, withOps)]);
  const endpoints = [endpointOf('10.0.0.1', 2), endpointOf('10.0.0.2', 3), endpointOf('::1', 1, false)];
  return { ...modelOf(randomListener(random), listenerOf(own)), clusters: [clusterOf('a', endpoints), clusterOf('b')] };
}

/** Damages some bytes the way files and memory get damaged: single bits, bytes, words, runs. */
function damage(table: Uint8Array, random: RandomSource): Uint8Array {
  const damaged = table.slice();
  for (let count = 1 + random.below(4); count > 0; count--) {
    const position = random.below(table.length);
    const roll = random.below(4);
    if (roll === 0) damaged[position] = (damaged[position] ?? 0) ^ (1 << random.below(8));
    else if (roll === 1) damaged[position] = random.next() & 255;
    else if (roll === 2) damaged.fill(random.pick([0, 255]), position, position + 4);
    else damaged.copyWithin(position, random.below(table.length), random.below(table.length));
  }
  return damaged;
}

describe.each(ENGINE_FILES)('verifyTable of %s', (file) => {
  const rounds = file === 'engine.wasm' ? 40 : 4;

  it('accepts what the encoder makes, also of an empty model', () => {
    const matcher = new MatcherEngine(file, ARENA_BYTES);
    expect(matcher.load(encodeTables({ listeners: [], clusters: [] }))).toBe(0);
    const random = new RandomSource(seed);
    for (let round = 0; round < rounds; round++) expect(matcher.load(encodeTables(someModel(random)))).toBe(0);
  });

  it('refuses every truncation and every wrong length', () => {
    const matcher = new MatcherEngine(file, ARENA_BYTES);
    const { tables } = encodeTables(someModel(new RandomSource(seed)));
    expect(matcher.loadBytes(tables)).toBe(0);
    for (let length = 0; length < tables.length; length += 7) expect(matcher.verify(length)).toBeLessThan(0);
    expect(matcher.verify(tables.length + 8)).toBeLessThan(0);
  });

  it(`lets no damage do harm (WEFT_SEED=${seed})`, () => {
    const random = new RandomSource(seed);
    const matcher = new MatcherEngine(file, ARENA_BYTES);
    const { bytes, slab } = matcher.engine;
    let accepted = 0;
    let refused = 0;
    for (let round = 0; round < rounds; round++) {
      const { tables, host } = encodeTables(someModel(random), { maxAutomataBytes: random.pick([4000, 1_000_000]) });
      matcher.placeAtEnd(tables.length);
      for (let turn = 0; turn < 60; turn++) {
        if (matcher.load({ tables: damage(tables, random), host }) !== 0) {
          refused++;
          continue;
        }
        accepted++;
        const before = bytes.slice(0, slab);
        for (let request = 0; request < 25; request++) {
          matcher.writeRequest(randomRequest(random));
          const listener = random.below(3);
          const { route } = matcher.route(listener);
          expect(route).toBeLessThan(host.routes.length);
          matcher.testRoute(random.below(host.routes.length));
        }
        expect(Buffer.compare(before, bytes.slice(0, slab))).toBe(0);
      }
    }
    expect(accepted).toBeGreaterThan(rounds);
    expect(refused).toBeGreaterThan(rounds);
  });

  it('lets no single flipped byte do harm', () => {
    const random = new RandomSource(seed);
    const matcher = new MatcherEngine(file, ARENA_BYTES);
    const { tables, host } = encodeTables(someModel(random), { maxAutomataBytes: 3000 });
    matcher.placeAtEnd(tables.length);
    matcher.load({ tables, host });
    const { bytes, slab } = matcher.engine;
    const before = bytes.slice(0, slab);
    const step = file === 'engine.wasm' ? 1 : 13;
    for (let position = 0; position < tables.length; position += step) {
      const at = matcher.base + position;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      if (matcher.verify(tables.length) === 0) {
        matcher.writeRequest(randomRequest(random));
        expect(matcher.route(random.below(2)).route).toBeLessThan(host.routes.length);
        matcher.testRoute(random.below(host.routes.length));
      }
      bytes[at] = tables[position] ?? 0;
    }
    expect(Buffer.compare(before, bytes.slice(0, slab))).toBe(0);
    expect(matcher.verify(tables.length)).toBe(0);
  });

  it('refuses an edge of a trie that leads back', () => {
    const matcher = new MatcherEngine(file, ARENA_BYTES);
    const routes = ['/a', '/a/b', '/a/c'].map((value) => routeOf({ kind: 'prefix', value, ignoreCase: false }));
    const { tables } = encodeTables(modelOf(listenerOf(virtualHostOf(['*'], routes))));
    const view = new DataView(tables.buffer);
    const nodes = view.getUint32(layout.TABLE_PATH_NODES + 4, true);
    view.setUint32(nodes + layout.NODE_CHILDREN_FIRST, 0, true);
    expect(matcher.loadBytes(tables)).toBe(-35);
  });
});
