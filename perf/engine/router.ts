// SPDX-License-Identifier: Apache-2.0
/**
 * Route sets -> what a routing decision costs in the engine: nanoseconds, and ratios to naive JavaScript and to find-my-way
 * in the same process. Each side gets the request as it has it in its real place: the engine as records and bytes in its
 * memory, where the parser left them; a JavaScript router as a string that node:http has already made. Both outside the
 * measured time.
 */
import findMyWay from 'find-my-way';
import * as layout from '../../assembly/layout.js';
import { BenchEngine } from './bench-engine.js';
import type { LoadedTables } from './bench-engine.js';
import type { NaiveRouter } from './naive-router.js';
import { flat, lookUpPaths, scanExpressions, scanPrefixes, scanTenants } from './naive-router.js';
import type { Contender, Times } from './race.js';
import { medianOf, race, ratioOf } from './race.js';
import type { RegexShape, RouteSet } from './route-sets.js';
import { exactRoutes, headerRoutes, mixedRoutes, prefixRoutes, regexRoutes, wildcardHosts } from './route-sets.js';

/** One race. Times in nanoseconds per decision; ratios below 1 say that the engine is faster. */
export interface MatchFigure {
  readonly name: string;
  readonly routes: number;
  readonly engineNs: number;
  /** Absent where there is no naive rival. */
  readonly naiveNs?: number;
  readonly ratioToNaive?: number;
  readonly tableBytes: number;
  readonly encodeMs: number;
}

export interface RouterFigures {
  readonly matches: readonly MatchFigure[];
  /** Time with 100,000 prefix routes divided by that with 10, the last one hit. */
  readonly flatness: number;
  readonly findMyWay: FindMyWayFigure;
}

/** 1,000 routes, random hits. */
export interface FindMyWayFigure {
  readonly engineNs: number;
  readonly findMyWayNs: number;
  readonly ratio: number;
}

export const PREFIX_COUNTS = [10, 100, 1000, 10_000, 100_000] as const;
const FIND_MY_WAY_ROUTES = 1000;
/** Random hits: more than a branch predictor learns by heart. */
const HITS = 1024;

interface Case {
  readonly name: string;
  readonly set: RouteSet;
  readonly naive?: (set: RouteSet) => NaiveRouter;
}

const REGEX_SHAPES: readonly RegexShape[] = ['own literal prefix', 'one literal prefix', 'no literal prefix'];

function otherCases(): Case[] {
  return [
    { name: '1000 exact routes', set: exactRoutes(1000), naive: lookUpPaths },
    { name: '10000 exact routes', set: exactRoutes(10_000), naive: lookUpPaths },
    ...REGEX_SHAPES.map((shape) => ({
      name: `1000 regex routes, ${shape}`,
      set: regexRoutes(1000, shape),
      naive: scanExpressions,
    })),
    { name: '100 header routes', set: headerRoutes(100), naive: scanTenants },
    { name: '10000 wildcard hosts', set: wildcardHosts(10_000) },
  ];
}

/** Takes about ten seconds. Rejects when a rival or the engine decides wrongly. */
export async function measureRouter(): Promise<RouterFigures> {
  const engine = new BenchEngine();
  const matches: MatchFigure[] = [];
  for (const { name, set, naive } of otherCases()) matches.push(raceOnce(engine, name, set, naive));
  const { figures, flatness } = racePrefixes(engine);
  return { matches: [...figures, ...matches], flatness, findMyWay: raceFindMyWay(engine) };
}

/** Every size in one race, so that flatness compares rounds and not minutes. */
function racePrefixes(engine: BenchEngine): { figures: MatchFigure[]; flatness: number } {
  const contenders: Contender[] = [];
  const loaded = new Map<number, LoadedTables>();
  for (const count of PREFIX_COUNTS) {
    const set = prefixRoutes(count);
    const tables = engine.load(set.model);
    loaded.set(count, tables);
    contenders.push(decisions(engine, `engine ${count}`, set, tables));
    contenders.push(naiveDecisions(`naive ${count}`, set, scanPrefixes(set)));
  }
  const times = race(contenders);
  const figures = PREFIX_COUNTS.map((count) =>
    figureOf(`${count} prefix routes`, count, times, loaded.get(count), `engine ${count}`, `naive ${count}`),
  );
  return { figures, flatness: ratioOf(times, `engine ${PREFIX_COUNTS[4]}`, `engine ${PREFIX_COUNTS[0]}`) };
}

function raceOnce(engine: BenchEngine, name: string, set: RouteSet, naive: Case['naive']): MatchFigure {
  const tables = engine.load(set.model);
  const contenders = [decisions(engine, 'engine', set, tables)];
  if (naive !== undefined) contenders.push(naiveDecisions('naive', set, naive(set)));
  return figureOf(
    name,
    set.patterns.length,
    race(contenders),
    tables,
    'engine',
    naive === undefined ? undefined : 'naive',
  );
}

function figureOf(
  name: string,
  routes: number,
  times: ReadonlyMap<string, Times>,
  tables: LoadedTables | undefined,
  engine: string,
  naive: string | undefined,
): MatchFigure {
  return {
    name,
    routes,
    engineNs: medianOf(times, engine),
    ...(naive === undefined ? {} : { naiveNs: medianOf(times, naive), ratioToNaive: ratioOf(times, engine, naive) }),
    tableBytes: tables?.tableBytes ?? NaN,
    encodeMs: tables?.encodeMs ?? NaN,
  };
}

/** The engine decides for the last route of the set, again and again. */
function decisions(engine: BenchEngine, name: string, set: RouteSet, { exchange }: LoadedTables): Contender {
  const last = set.patterns.length - 1;
  const request = set.requestOf(last);
  engine.writeRequest(request);
  const found = engine.routeOf(exchange);
  if (found !== last) throw new Error(`${name}: the engine takes route ${found} where ${last} is right`);
  const { exports } = engine;
  return {
    name,
    prepare: () => engine.writeRequest(request),
    run: (turns) => {
      let sum = 0;
      for (let turn = 0; turn < turns; turn++) sum += exports.routeRequest(exchange, 0);
      return sum;
    },
  };
}

function naiveDecisions(name: string, set: RouteSet, router: NaiveRouter): Contender {
  const last = set.patterns.length - 1;
  const { path, headers = [] } = set.requestOf(last);
  const request = {
    path: flat(path),
    bytes: Buffer.from(path, 'latin1'),
    headers: Object.fromEntries(headers.map(([header, value]) => [header, flat(value)])),
  };
  const found = router(request);
  if (found !== last) throw new Error(`${name}: the naive router takes route ${found} where ${last} is right`);
  return {
    name,
    run: (turns) => {
      let sum = 0;
      for (let turn = 0; turn < turns; turn++) sum += router(request);
      return sum;
    },
  };
}

/**
 * The same 1,000 routes, half of them exact paths, half prefixes (a wildcard at the end for find-my-way), hit at random.
 * Weft also finds the virtual host and draws the cluster; it writes two words per lookup to point at the next path.
 */
function raceFindMyWay(engine: BenchEngine): FindMyWayFigure {
  const set = mixedRoutes(FIND_MY_WAY_ROUTES);
  const order = Array.from({ length: HITS }, (_, index) => (index * 7919 + 13) % FIND_MY_WAY_ROUTES);
  const paths = order.map((route) => flat(set.requestOf(route).path));
  const times = race([engineHits(engine, set, order, paths), findMyWayHits(set, order, paths)], { rounds: 25 });
  return {
    engineNs: medianOf(times, 'engine'),
    findMyWayNs: medianOf(times, 'find-my-way'),
    ratio: ratioOf(times, 'engine', 'find-my-way'),
  };
}

function engineHits(engine: BenchEngine, set: RouteSet, order: readonly number[], paths: readonly string[]): Contender {
  const { exchange } = engine.load(set.model);
  const first = set.requestOf(0);
  engine.writeRequest(first);
  const places = engine.writeTexts(paths);
  const { words } = engine.engine;
  const at = (engine.engine.slab + layout.SLAB_REQUEST + layout.REQUEST_PATH_OFFSET) >> 2;
  const point = (hit: number): void => {
    words[at] = places[hit * 2] ?? 0;
    words[at + 1] = places[hit * 2 + 1] ?? 0;
  };
  for (const [hit, route] of order.entries()) {
    point(hit);
    const found = engine.routeOf(exchange);
    if (found !== route) throw new Error(`the engine takes route ${found} where ${route} is right`);
  }
  const { exports } = engine;
  return {
    name: 'engine',
    prepare: () => engine.writeRequest(first),
    run: (turns) => {
      let sum = 0;
      for (let turn = 0; turn < turns; turn++) {
        point(turn % HITS);
        sum += exports.routeRequest(exchange, 0);
      }
      return sum;
    },
  };
}

function findMyWayHits(set: RouteSet, order: readonly number[], paths: readonly string[]): Contender {
  const router = findMyWay();
  const handlers = set.patterns.map((pattern) => {
    const handler = (): undefined => undefined;
    router.on('GET', pattern.endsWith('/') ? `${pattern}*` : pattern, handler);
    return handler;
  });
  for (const [hit, route] of order.entries()) {
    if (router.find('GET', paths[hit] ?? '')?.handler !== handlers[route])
      throw new Error(`find-my-way does not take route ${route}`);
  }
  return {
    name: 'find-my-way',
    run: (turns) => {
      let sum = 0;
      for (let turn = 0; turn < turns; turn++) sum += router.find('GET', paths[turn % HITS] ?? '') === null ? 0 : 1;
      return sum;
    },
  };
}
