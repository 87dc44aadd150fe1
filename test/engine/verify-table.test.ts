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
  exact,
  forwardTo,
  listenerOf,
  modelOf,
  prefix,
  regex,
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

  const BEYOND = 0x3fff_ff00;
  it.each([
    [
      'a listener whose slots are no power of two',
      layout.TABLE_FILTER_CHAINS,
      layout.FILTER_CHAIN_HOST_SLOTS_COUNT,
      3,
      -30,
    ],
    ['a `*` host that is none', layout.TABLE_FILTER_CHAINS, layout.FILTER_CHAIN_ANY_HOST, BEYOND, -30],
    ['a virtual host with too many routes', layout.TABLE_VIRTUAL_HOSTS, 4, BEYOND, -31],
    ['path slots outside', layout.TABLE_VIRTUAL_HOSTS, layout.VIRTUAL_HOST_SLOTS_FIRST, BEYOND, -32],
    ['a root that is no node', layout.TABLE_VIRTUAL_HOSTS, layout.VIRTUAL_HOST_ROOT, BEYOND, -33],
    ['a route without clusters', layout.TABLE_ROUTES, layout.ROUTE_WEIGHTED_COUNT, 0, -10],
    ['a total that no draw can reach', layout.TABLE_ROUTES, layout.ROUTE_WEIGHT_TOTAL, 99, -11],
    ['a path pattern that is none', layout.TABLE_ROUTES, layout.ROUTE_PATH_VALUE, BEYOND, -12],
    ['an unknown action', layout.TABLE_ROUTES, layout.ROUTE_ACTION, 4, -13],
    ['a route of no virtual host', layout.TABLE_ROUTES, layout.ROUTE_VIRTUAL_HOST, BEYOND, -14],
    ['a rewrite outside the texts', layout.TABLE_ROUTES, layout.ROUTE_REWRITE_OFFSET, 4, -15],
    ['conditions outside', layout.TABLE_ROUTES, layout.ROUTE_CONDITIONS_COUNT, BEYOND, -17],
    ['weights that fall', layout.TABLE_WEIGHTED, layout.WEIGHTED_CUMULATIVE, 9, -11],
    ['a cluster that is none', layout.TABLE_WEIGHTED, layout.WEIGHTED_CLUSTER, BEYOND, -18],
    ['header operations outside', layout.TABLE_WEIGHTED, layout.WEIGHTED_REQUEST_OPS_COUNT, BEYOND, -19],
    ['a candidate that is no route', layout.TABLE_CANDIDATES, 0, BEYOND, -20],
    ['a list that does not ascend', layout.TABLE_CANDIDATES, 0, 5, -20],
    ['an unknown subject', layout.TABLE_CONDITIONS, layout.CONDITION_SUBJECT, 6, -21],
    ['a name outside the texts', layout.TABLE_CONDITIONS, layout.CONDITION_NAME_LENGTH, BEYOND, -22],
    ['a value outside the texts', layout.TABLE_CONDITIONS, layout.CONDITION_LENGTH, BEYOND, -23],
    ['endpoints outside', layout.TABLE_CLUSTERS, layout.CLUSTER_ENDPOINTS_COUNT, BEYOND, -26],
    ['more healthy endpoints than there are', layout.TABLE_CLUSTERS, layout.CLUSTER_HEALTHY_COUNT, 2, -26],
    ['an unknown load balancer', layout.TABLE_CLUSTERS, layout.CLUSTER_LOAD_BALANCER, 3, -27],
    ['a sum of weights that is wrong', layout.TABLE_CLUSTERS, layout.CLUSTER_WEIGHT_TOTAL, 0, -28],
    ['an address outside the texts', layout.TABLE_ENDPOINTS, layout.ENDPOINT_ADDRESS_OFFSET, 0, -29],
    ['a node that leads back', layout.TABLE_PATH_NODES, layout.NODE_CHILDREN_FIRST, 0, -35],
    ['a label outside the texts', layout.TABLE_PATH_NODES, layout.NODE_LABEL_LENGTH, BEYOND, -35],
    ['an automaton outside', layout.TABLE_PATTERNS, layout.PATTERN_STATE_COUNT, BEYOND, -36],
    ['a start between two rows', layout.TABLE_PATTERNS, layout.PATTERN_START, 1, -37],
    ['a byte class that is none', layout.TABLE_AUTOMATA, 0, 0xffff_ffff, -37],
    ['a transition that is no row', layout.TABLE_AUTOMATA, 260, BEYOND, -37],
    ['a group without a pattern', layout.TABLE_GROUPS, layout.GROUP_PATTERN, BEYOND, -38],
    ['a group with too many states', layout.TABLE_GROUPS, layout.GROUP_ACCEPTS_FIRST, BEYOND, -38],
  ])('refuses %s', (_name, section, offset, value, check) => {
    const header = { name: 'x-a', value: { kind: 'exact', value: 'b' }, invert: false } as const;
    const routes = [
      routeOf(regex('/x[0-9]+'), { headers: [header] }, forwardTo(['a', 3], ['b', 5])),
      routeOf(regex('/x[a-z]+')),
      routeOf(prefix('/a/b')),
      routeOf(prefix('/a'), { headers: [header] }),
      routeOf(prefix('/a')),
      routeOf(exact('/e')),
    ];
    const matcher = new MatcherEngine(file, ARENA_BYTES);
    const { tables } = encodeTables(modelOf(listenerOf(virtualHostOf(['a', '*.b', '*'], routes))));
    expect(matcher.loadBytes(tables)).toBe(0);
    const view = new DataView(tables.buffer);
    view.setUint32(view.getUint32(section + 4, true) + offset, value, true);
    expect(matcher.loadBytes(tables)).toBe(check);
  });
});
