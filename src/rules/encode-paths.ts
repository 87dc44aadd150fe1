// SPDX-License-Identifier: Apache-2.0
/**
 * Routes of a virtual host -> its path index. Each route is filed under what its path must equal or begin with; a route
 * that can never be reached because an earlier one in the same list takes everything is left out. A virtual host whose
 * prefixes nest deeper than the engine can merge (MAX_STREAMS) is filed as one list that is tested route by route.
 */
import * as layout from '../../assembly/layout.js';
import type { Route, RouteMatch, VirtualHost } from '../model/model.js';
import { appendCandidates } from './encode-candidates.js';
import type { PatternRoute } from './encode-groups.js';
import { encodeGroups } from './encode-groups.js';
import { encodeSlots } from './encode-slots.js';
import type { Trie, TrieValue } from './encode-trie.js';
import { encodeTrie } from './encode-trie.js';
import type { PatternTable } from './encode-patterns.js';
import { foldBytes, toByteString } from './key-hash.js';
import type { RecordSection, TableWriter } from './table-writer.js';

/** Candidates in rule order; `closed` when its last one takes every request that gets there. */
interface CandidateList {
  readonly entries: number[];
  closed: boolean;
}

type Lists = Map<string, CandidateList>;

interface PathLists {
  readonly exact: Lists;
  readonly foldedExact: Lists;
  readonly prefix: Lists;
  readonly foldedPrefix: Lists;
  /** By literal prefix, in rule order. */
  readonly patterns: Map<string, PatternRoute[]>;
}

/** Whether nothing but the path decides. */
function isUnconditional(match: RouteMatch): boolean {
  return (
    !match.scheme && !match.method && !match.authority && match.headers.length === 0 && match.queryParams.length === 0
  );
}

function addTo(lists: Lists, key: string, route: number, isFinal: boolean): void {
  let list = lists.get(key);
  if (!list) lists.set(key, (list = { entries: [], closed: false }));
  if (list.closed) return;
  list.entries.push(route);
  list.closed = isFinal;
}

function fileRoute(lists: PathLists, patterns: PatternTable, { match }: Route, route: number): void {
  const { path } = match;
  const isFinal = isUnconditional(match);
  if (path.kind === 'any') {
    addTo(lists.prefix, '', route, isFinal);
  } else if (path.kind === 'regex') {
    const { prefix, complete } = patterns.prefixOf(path.value);
    if (complete) {
      addTo(lists.exact, prefix, route, isFinal);
    } else if (lists.prefix.get(prefix)?.closed !== true) {
      const routes = lists.patterns.get(prefix);
      const entry = { route, pattern: path.value, isFinal };
      if (routes) routes.push(entry);
      else lists.patterns.set(prefix, [entry]);
    }
  } else {
    const bytes = toByteString(path.value);
    const key = path.ignoreCase ? foldBytes(bytes) : bytes;
    const exact = path.ignoreCase ? lists.foldedExact : lists.exact;
    const prefix = path.ignoreCase ? lists.foldedPrefix : lists.prefix;
    addTo(path.kind === 'exact' ? exact : prefix, key, route, isFinal);
  }
}

function appendLists(candidates: RecordSection, lists: Lists): Map<string, number> {
  const firsts = new Map<string, number>();
  for (const [key, { entries }] of lists) firsts.set(key, appendCandidates(candidates, entries));
  return firsts;
}

/** Prefixes with their lists, and with the patterns that begin with them. */
function appendTrie(
  writer: TableWriter,
  patterns: PatternTable,
  lists: Lists,
  patternRoutes: ReadonlyMap<string, readonly PatternRoute[]>,
): Trie {
  const values = new Map<string, TrieValue>();
  for (const [key, { entries }] of lists) {
    if (patternRoutes.has(key)) continue;
    values.set(key, { value: appendCandidates(writer.candidates, entries), groupsFirst: 0, groupsCount: 0 });
  }
  for (const [key, routes] of patternRoutes) {
    const groups = encodeGroups(writer, patterns, routes);
    const tested = groups.rest.map(({ route }) => (route | layout.CANDIDATE_TEST_PATH) >>> 0);
    const entries = [...(lists.get(key)?.entries ?? []), ...tested];
    entries.sort((left, right) => (left & layout.CANDIDATE_ROUTE) - (right & layout.CANDIDATE_ROUTE));
    const value = entries.length === 0 ? -1 : appendCandidates(writer.candidates, entries);
    values.set(key, { value, groupsFirst: groups.first, groupsCount: groups.count });
  }
  return encodeTrie(values, { nodes: writer.pathNodes, keys: writer.pathKeys, text: writer.text });
}

/** Appends the virtual host's record with its path index; its routes are numbered from `firstRoute`. */
export function encodeVirtualHost(
  writer: TableWriter,
  patterns: PatternTable,
  { routes }: VirtualHost,
  firstRoute: number,
): void {
  const lists: PathLists = {
    exact: new Map(),
    foldedExact: new Map(),
    prefix: new Map(),
    foldedPrefix: new Map(),
    patterns: new Map(),
  };
  for (const [index, route] of routes.entries()) {
    fileRoute(lists, patterns, route, firstRoute + index);
    // No later route of this virtual host can be reached.
    if (route.match.path.kind === 'any' && isUnconditional(route.match)) break;
  }
  const slots = encodeSlots(appendLists(writer.candidates, lists.exact), writer.pathSlots, writer.text);
  const folded = encodeSlots(appendLists(writer.candidates, lists.foldedExact), writer.pathSlots, writer.text);
  const trie = appendTrie(writer, patterns, lists.prefix, lists.patterns);
  const foldedTrie = appendTrie(writer, patterns, lists.foldedPrefix, new Map());
  const isTooDeep = 2 + trie.streams + foldedTrie.streams > layout.MAX_STREAMS;

  const { virtualHosts } = writer;
  const record = virtualHosts.reserve(1);
  virtualHosts.set(record, layout.VIRTUAL_HOST_ROUTES_FIRST, firstRoute);
  virtualHosts.set(record, layout.VIRTUAL_HOST_ROUTES_COUNT, routes.length);
  virtualHosts.set(record, layout.VIRTUAL_HOST_SLOTS_FIRST, slots.first);
  virtualHosts.set(record, layout.VIRTUAL_HOST_SLOTS_COUNT, isTooDeep ? 0 : slots.count);
  virtualHosts.set(record, layout.VIRTUAL_HOST_FOLDED_SLOTS_FIRST, folded.first);
  virtualHosts.set(record, layout.VIRTUAL_HOST_FOLDED_SLOTS_COUNT, isTooDeep ? 0 : folded.count);
  const root = isTooDeep ? appendOneList(writer, firstRoute, routes.length) : trie.root;
  virtualHosts.set(record, layout.VIRTUAL_HOST_ROOT, root);
  virtualHosts.set(record, layout.VIRTUAL_HOST_FOLDED_ROOT, isTooDeep ? -1 : foldedTrie.root);
}

function appendOneList(writer: TableWriter, firstRoute: number, routeCount: number): number {
  const entries = Array.from(
    { length: routeCount },
    (_, index) => ((firstRoute + index) | layout.CANDIDATE_TEST_PATH) >>> 0,
  );
  const value = appendCandidates(writer.candidates, entries);
  const values = new Map([['', { value, groupsFirst: 0, groupsCount: 0 }]]);
  return encodeTrie(values, { nodes: writer.pathNodes, keys: writer.pathKeys, text: writer.text }).root;
}
