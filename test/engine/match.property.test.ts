// SPDX-License-Identifier: Apache-2.0
/** The engine against the plain reading of the model (test/support/naive-matcher.ts), on generated rules and requests. */
import { describe, expect, it } from 'vitest';
import { encodeTables } from '../../src/rules/encode.js';
import { randomListener, randomRequest } from '../support/match-generator.js';
import { ENGINE_FILES, MatcherEngine } from '../support/matcher-engine.js';
import { modelOf } from '../support/model-factory.js';
import { firstFailure, naiveMatch, virtualHostsOf } from '../support/naive-matcher.js';
import { RandomSource } from '../support/random.js';

const MODELS = 500;
const REQUESTS_PER_MODEL = 400;
const seed = Number(process.env['WEFT_SEED'] ?? Date.now() % 1_000_000_000);

/** No automata at all, some, or all that are wanted: the rest is asked of the host. */
const AUTOMATA_BUDGETS = [0, 6000, undefined];

describe.each(ENGINE_FILES)('matching with %s', (file) => {
  // The build with assertions is many times slower and is there to catch what the release build hides.
  const models = file === 'engine.wasm' ? MODELS : MODELS / 10;

  it(`agrees with the reference matcher (WEFT_SEED=${seed})`, () => {
    const random = new RandomSource(seed);
    const matcher = new MatcherEngine(file);
    let matches = 0;
    let asked = 0;
    for (let round = 0; round < models; round++) {
      const listener = randomListener(random);
      const budget = random.pick([0, 1, 2]);
      const maxAutomataBytes = AUTOMATA_BUDGETS[budget];
      const encoded = encodeTables(modelOf(listener), maxAutomataBytes === undefined ? {} : { maxAutomataBytes });
      expect(matcher.load(encoded)).toBe(0);
      for (let turn = 0; turn < REQUESTS_PER_MODEL; turn++) {
        const request = randomRequest(random);
        matcher.writeRequest(request);
        const decision = matcher.route(0);
        const expected = naiveMatch(listener, request);
        const firstRoute = encoded.host.virtualHosts[expected.virtualHost]?.firstRoute ?? 0;
        const route = expected.route < 0 ? -1 : firstRoute + expected.route;
        if (decision.virtualHost !== expected.virtualHost || decision.route !== route) {
          const rules = virtualHostsOf(listener)[expected.virtualHost];
          expect.fail(JSON.stringify({ round, turn, request, decision, expected, route, rules }));
        }
        if (route >= 0) matches++;
        asked += decision.asked;
      }
    }
    expect(matches).toBeGreaterThan(models * 20);
    expect(asked).toBeGreaterThan(0);
  });

  it(`tells which condition of a route fails first (WEFT_SEED=${seed})`, () => {
    const random = new RandomSource(seed);
    const matcher = new MatcherEngine(file);
    for (let round = 0; round < models / 10; round++) {
      const listener = randomListener(random);
      const encoded = encodeTables(modelOf(listener), { maxAutomataBytes: random.chance(0.5) ? 0 : 100_000 });
      expect(matcher.load(encoded)).toBe(0);
      const routes = virtualHostsOf(listener).flatMap((host) => host.routes);
      for (let turn = 0; turn < 20; turn++) {
        const request = randomRequest(random);
        matcher.writeRequest(request);
        const results = routes.map((_, index) => matcher.testRoute(index));
        expect(results).toEqual(routes.map((route) => firstFailure(route, request)));
      }
    }
  });
});
