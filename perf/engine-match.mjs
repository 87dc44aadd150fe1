// SPDX-License-Identifier: Apache-2.0
// What a routing decision costs in the engine, by number of routes, against a plain loop in JavaScript over the same
// routes with the path as a string at hand. Build first (npm run build). Prints nanoseconds per decision: the median of
// nine rounds. The request's record is already in memory; parsing is measured elsewhere.
//
//   node perf/engine-match.mjs
import { performance } from 'node:perf_hooks';
import { compileEngine, Engine } from '../dist/src/engine/engine.js';
import { createEngineMemory } from '../dist/src/engine/memory-plan.js';
import { encodeTables } from '../dist/src/rules/encode.js';
import * as layout from '../dist/assembly/layout.js';

const ORIGIN = { kind: 'VirtualService', namespace: 'default', name: 'bench', file: '-', line: 1, path: 'spec' };
const ACTION = {
  kind: 'forward',
  clusters: [{ cluster: 'a', weight: 1, requestHeaders: [], responseHeaders: [] }],
  timeoutMs: 0,
  retry: { attempts: 0, conditions: [] },
};

function modelOf(virtualHosts) {
  const listener = {
    name: 'l',
    address: '0.0.0.0',
    port: 80,
    configPort: 80,
    routeConfigName: 'http.80',
    kind: 'gateway',
    pathNormalization: 'NONE',
    virtualHosts,
    origin: ORIGIN,
  };
  return { listeners: [listener], clusters: [] };
}

function route(path, headers = []) {
  return { name: '', match: { path, headers, queryParams: [] }, action: ACTION, origin: ORIGIN };
}

function host(routes, domains = ['shop.example']) {
  return { name: 'h', domains, routes, origins: [] };
}

const memory = createEngineMemory({
  clusters: 16,
  endpoints: 16,
  threads: 1,
  exchanges: 4,
  connections: 4,
  series: 16,
  arenaBytes: 256 * 1024 * 1024,
});
const engine = new Engine(compileEngine(new URL('../dist/engine.wasm', import.meta.url)), memory);
engine.attach(0);
const base = engine.control(layout.CONTROL_ARENA);
engine.words[(layout.CONTROL_BASE + layout.CONTROL_GENERATIONS + layout.GENERATION_BASE) / 4] = base;

function load(model) {
  const started = performance.now();
  const encoded = encodeTables(model);
  const encodeMs = performance.now() - started;
  engine.bytes.set(encoded.tables, base);
  const verifyStarted = performance.now();
  const verdict = engine.exports.verifyTable(base, encoded.tables.length);
  if (verdict !== 0) throw new Error(`verifyTable: ${verdict}`);
  return { encodeMs, verifyMs: performance.now() - verifyStarted, bytes: encoded.tables.length };
}

function writeRequest(authority, path, headers) {
  const record = engine.slab + layout.SLAB_REQUEST;
  let cursor = engine.slab + layout.SLAB_INPUT;
  const put = (at, text) => {
    engine.words[at / 4] = cursor;
    engine.words[at / 4 + 1] = engine.buffer.write(text, cursor);
    cursor += text.length;
  };
  put(record + layout.REQUEST_METHOD_OFFSET, 'GET');
  put(record + layout.REQUEST_PATH_OFFSET, path);
  put(record + layout.REQUEST_AUTHORITY_OFFSET, authority);
  put(record + layout.REQUEST_HOST_OFFSET, authority);
  engine.words[(record + layout.REQUEST_HEADER_COUNT) / 4] = headers.length;
  headers.forEach(([name, value], index) => {
    const row = engine.slab + layout.SLAB_REQUEST_HEADERS + index * layout.HEADER_ROW_SIZE;
    put(row + layout.HEADER_NAME_OFFSET, name);
    let hash = 0x811c9dc5;
    for (const letter of name) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    engine.words[(row + layout.HEADER_NAME_HASH) / 4] = hash;
    put(row + layout.HEADER_VALUE_OFFSET, value);
  });
}

function median(values) {
  return values.sort((left, right) => left - right)[values.length >> 1];
}

/** How many turns take about 50 ms, after a warm-up. */
function turnsFor(run) {
  const until = performance.now() + 100;
  let turns = 1;
  let tookMs = 0;
  while (performance.now() < until || tookMs < 5) {
    const started = performance.now();
    run(turns);
    tookMs = performance.now() - started;
    if (tookMs < 5) turns *= 2;
  }
  return Math.max(1, Math.round((turns * 50) / tookMs));
}

function nanosecondsPer(iterations, run) {
  const rounds = [];
  for (let round = 0; round < 9; round++) {
    const started = performance.now();
    run(iterations);
    rounds.push(((performance.now() - started) * 1e6) / iterations);
  }
  return median(rounds);
}

/** The same text in one piece: V8 keeps concatenations as trees, which made the plain loop half as slow again. */
function flat(text) {
  return Buffer.from(text).toString('latin1');
}

/** First route whose path matches, the loop that needs no explaining. */
function naive(tests, path) {
  for (let index = 0; index < tests.length; index++) {
    const test = tests[index];
    if (typeof test === 'string' ? path.startsWith(test) : test.test(path)) return index;
  }
  return -1;
}

function measure(name, virtualHosts, { path, authority = 'shop.example', expected, tests, headers = [] }) {
  const { encodeMs, verifyMs, bytes } = load(modelOf(virtualHosts));
  writeRequest(authority, path, headers);
  engine.exports.routeRequest(0, 0);
  const found = engine.ints[(engine.slab + layout.SLAB_RESULT + layout.RESULT_ROUTE) / 4];
  if (found !== expected) throw new Error(`${name}: route ${found} where ${expected} was wanted`);
  const { routeRequest } = engine.exports;
  let check = 0;
  const decide = (count) => {
    for (let turn = 0; turn < count; turn++) check += routeRequest(0, 0);
  };
  const engineNs = nanosecondsPer(turnsFor(decide), decide);
  let naiveNs = NaN;
  if (tests) {
    const flatTests = tests.map((test) => (typeof test === 'string' ? flat(test) : test));
    const flatPath = flat(path);
    const scan = (count) => {
      for (let turn = 0; turn < count; turn++) check += naive(flatTests, flatPath);
    };
    naiveNs = nanosecondsPer(turnsFor(scan), scan);
  }
  console.log(
    `${name.padEnd(44)} ${engineNs.toFixed(0).padStart(8)} ns   naive ${naiveNs.toFixed(0).padStart(9)} ns` +
      `   encode ${encodeMs.toFixed(0)} ms, verify ${verifyMs.toFixed(1)} ms, ${(bytes / 1024).toFixed(0)} KiB`,
  );
  return check;
}

for (const size of [10, 1000, 10_000, 100_000]) {
  const values = Array.from({ length: size }, (_, index) => `/api/v1/team-${index % 97}/service-${index}/`);
  const routes = values.map((value) => route({ kind: 'prefix', value, ignoreCase: false }));
  measure(`${size} prefix routes, last one hit`, [host(routes)], {
    path: `${values.at(-1)}orders/4711`,
    expected: size - 1,
    tests: values,
  });
}

for (const size of [1000, 10_000]) {
  const values = Array.from({ length: size }, (_, index) => `/api/v1/team-${index % 97}/service-${index}`);
  measure(
    `${size} exact routes, last one hit`,
    [host(values.map((value) => route({ kind: 'exact', value, ignoreCase: false })))],
    { path: values.at(-1), expected: size - 1, tests: values.map((value) => new RegExp(`^${value}$`)) },
  );
}

{
  const hosts = Array.from({ length: 10_000 }, (_, index) =>
    host([route({ kind: 'prefix', value: '/', ignoreCase: false })], [`*.service-${index}.mesh.example`]),
  );
  measure('10000 wildcard hosts, one route each', hosts, {
    path: '/',
    authority: 'a.service-9999.mesh.example',
    expected: 9999,
  });
}

{
  const routes = Array.from({ length: 10_000 }, (_, index) =>
    route({ kind: 'prefix', value: '/', ignoreCase: false }, [
      { name: 'x-tenant', value: { kind: 'exact', value: `tenant-${index}` }, invert: false },
    ]),
  );
  const headers = [
    ['user-agent', 'bench'],
    ['accept', '*/*'],
    ['x-tenant', 'tenant-9999'],
  ];
  measure('10000 routes that differ in a header, last', [host(routes)], { path: '/', expected: 9999, headers });
}

const REGEX_SETS = {
  'own literal prefix': (index) => `/service-${index}/[0-9]+/details`,
  'one literal prefix': (index) => `/api/[a-z]+/service-${index}/[0-9]+`,
  'no literal prefix': (index) => `/[a-z]+/v[12]/service-${index}(/.*)?`,
};
const REGEX_PATHS = {
  'own literal prefix': '/service-999/4711/details',
  'one literal prefix': '/api/shop/service-999/4711',
  'no literal prefix': '/shop/v1/service-999/orders/4711',
};
for (const [name, patternOf] of Object.entries(REGEX_SETS)) {
  const values = Array.from({ length: 1000 }, (_, index) => patternOf(index));
  measure(`1000 regex routes, ${name}, last one hit`, [host(values.map((value) => route({ kind: 'regex', value })))], {
    path: REGEX_PATHS[name],
    expected: 999,
    tests: values.map((value) => new RegExp(`^(?:${value})$`)),
  });
}
