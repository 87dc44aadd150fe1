// SPDX-License-Identifier: Apache-2.0
/** Path patterns with one literal prefix -> groups: automata that find all matching routes of many patterns in one walk. */
import type { RouteAutomaton } from './combine-automata.js';
import { AcceptSets, combineAutomata } from './combine-automata.js';
import { appendCandidates } from './encode-candidates.js';
import type { PatternTable } from './encode-patterns.js';
import type { TableWriter } from './table-writer.js';

/** A route whose path pattern is tried on every path with its literal prefix. */
export interface PatternRoute {
  readonly route: number;
  readonly pattern: string;
  /** Nothing but the path decides. */
  readonly isFinal: boolean;
}

export interface EncodedGroups {
  /** Group records. */
  readonly first: number;
  readonly count: number;
  /** Routes that no group answers for: their patterns are tested one by one. */
  readonly rest: readonly PatternRoute[];
}

/** Automata by pattern; routes with the same pattern share one. */
function automataOf(routes: readonly PatternRoute[], patterns: PatternTable, sets: AcceptSets): RouteAutomaton[] {
  const byPattern = new Map<string, number[]>();
  for (const { pattern, route } of routes) {
    const own = byPattern.get(pattern);
    if (own) own.push(route);
    else byPattern.set(pattern, [route]);
  }
  const automata: RouteAutomaton[] = [];
  for (const [pattern, own] of byPattern) {
    const { dfa } = patterns.entryOf(pattern);
    if (!dfa) continue;
    const set = sets.numberOf(own);
    const accepts = Uint32Array.from(dfa.accepting, (accepting) => (accepting === 1 ? set : 0));
    automata.push({ ...dfa, accepts, routeCount: own.length });
  }
  return automata;
}

/** Routes up to the first that takes every request that gets there. */
function reachable(routes: readonly number[], finalRoutes: ReadonlySet<number>): readonly number[] {
  const end = routes.findIndex((route) => finalRoutes.has(route));
  return end < 0 ? routes : routes.slice(0, end + 1);
}

/** Appends the groups of routes (in rule order) whose patterns begin with the same literal text. */
export function encodeGroups(
  writer: TableWriter,
  patterns: PatternTable,
  routes: readonly PatternRoute[],
): EncodedGroups {
  const first = writer.groups.count;
  if (routes.length < 2) return { first, count: 0, rest: routes };
  const sets = new AcceptSets();
  const finalRoutes = new Set(routes.filter(({ isFinal }) => isFinal).map(({ route }) => route));
  const grouped = new Set<number>();
  for (const automaton of combineAutomata(automataOf(routes, patterns, sets), sets)) {
    if (automaton.routeCount < 2 || !patterns.hasRoomFor(automaton)) continue;
    const lists = new Map<number, number>([[0, -1]]);
    for (const set of new Set(automaton.accepts)) {
      if (set === 0) continue;
      for (const route of sets.routesOf(set)) grouped.add(route);
      lists.set(set, appendCandidates(writer.candidates, reachable(sets.routesOf(set), finalRoutes)));
    }
    const { record, order } = patterns.append(automaton, automaton.accepts);
    const acceptsFirst = writer.groupAccepts.reserve(order.length);
    order.forEach((state, index) => {
      writer.groupAccepts.set(acceptsFirst + index, 0, lists.get(automaton.accepts[state] ?? 0) ?? -1);
    });
    writer.groups.append(record, acceptsFirst);
  }
  const rest = routes.filter(({ route }) => !grouped.has(route));
  return { first, count: writer.groups.count - first, rest };
}
