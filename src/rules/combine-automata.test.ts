// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { RandomSource } from '../../test/support/random.js';
import type { RouteAutomaton } from './combine-automata.js';
import { AcceptSets, combineAutomata } from './combine-automata.js';
import type { Dfa } from './regex/dfa.js';
import { compileDfa, runDfa } from './regex/dfa.js';

function dfaOf(pattern: string): Dfa {
  const compiled = compileDfa(pattern);
  if (compiled.kind !== 'dfa') throw new Error(`no DFA for ${pattern}`);
  return compiled.dfa;
}

/** Route numbers are indexes of the patterns. */
function combined(dfas: readonly Dfa[], sets: AcceptSets): RouteAutomaton[] {
  const automata = dfas.map((dfa, route) => {
    const set = sets.numberOf([route]);
    return { ...dfa, accepts: Uint32Array.from(dfa.accepting, (accepting) => (accepting ? set : 0)), routeCount: 1 };
  });
  return combineAutomata(automata, sets);
}

function run(automata: readonly RouteAutomaton[], sets: AcceptSets, text: string): number[] {
  const routes = automata.flatMap((automaton) => {
    let state = automaton.start;
    for (const byte of Buffer.from(text)) {
      const index = state * automaton.classCount + (automaton.classOf[byte] ?? 0);
      state = automaton.transitions[index] ?? 0;
    }
    return sets.routesOf(automaton.accepts[state] ?? 0);
  });
  return routes.sort((left, right) => left - right);
}

describe('combineAutomata', () => {
  it('finds for any text the patterns that match it by themselves', () => {
    const random = new RandomSource(7);
    const pieces = ['/a', '/b', '[ab]', '/.*', 'x?', '/é', '(a|b)+', '[0-9]{2}', '.*', '/'];
    const texts = ['/a', '/b', 'a', 'b', 'x', '/é', '12', '/', 'ab', '\n'];
    for (let round = 0; round < 30; round++) {
      const join = (from: readonly string[]): string =>
        Array.from({ length: 1 + random.below(4) }, () => random.pick(from)).join('');
      const dfas = Array.from({ length: 1 + random.below(40) }, () => dfaOf(join(pieces)));
      const sets = new AcceptSets();
      const automata = combined(dfas, sets);
      for (let turn = 0; turn < 100; turn++) {
        const text = join(texts);
        const alone = dfas.flatMap((dfa, route) => (runDfa(dfa, Buffer.from(text)) ? [route] : []));
        expect(run(automata, sets, text)).toEqual(alone);
      }
    }
  });

  it('makes one automaton of many patterns that differ in a literal', () => {
    const dfas = Array.from({ length: 200 }, (_, index) => dfaOf(`/[a-z]+/service-${index}(/.*)?`));
    const sets = new AcceptSets();
    const automata = combined(dfas, sets);
    expect(automata.map(({ routeCount }) => routeCount)).toEqual([200]);
    expect(run(automata, sets, '/team/service-17/x')).toEqual([17]);
  });

  it('stops merging patterns that multiply, and loses none', () => {
    const dfas = Array.from({ length: 64 }, (_, index) => dfaOf(`.*word-${index}-.*`));
    const sets = new AcceptSets();
    const automata = combined(dfas, sets);
    expect(automata.length).toBeGreaterThan(4);
    expect(automata.reduce((sum, { routeCount }) => sum + routeCount, 0)).toBe(64);
    const states = automata.reduce((sum, { stateCount }) => sum + stateCount, 0);
    expect(states).toBeLessThan(64 * 1000);
    expect(run(automata, sets, '/word-3-word-60-')).toEqual([3, 60]);
  });
});
