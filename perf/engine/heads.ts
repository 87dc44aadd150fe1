// SPDX-License-Identifier: Apache-2.0
/**
 * One typical request and response -> nanoseconds that the engine needs for their heads, against naive JavaScript in the same
 * process, and for everything that it does for a request: parse, normalise, route among 1,000, admit, pick, write, answer
 * head, count. Without sockets: what a request costs in all is the business of `npm run perf`.
 */
import * as layout from '../../assembly/layout.js';
import { BenchEngine } from './bench-engine.js';
import { forwardRequestHead, forwardResponseHead } from './naive-head.js';
import type { Contender } from './race.js';
import { medianOf, race, ratioOf } from './race.js';
import { HOST, prefixRoutes } from './route-sets.js';

/** Times in nanoseconds; ratios below 1 say that the engine is faster than naive JavaScript. */
export interface HeadFigures {
  /** Parse, normalise the path, write the upstream's head. */
  readonly requestNs: number;
  readonly naiveRequestNs: number;
  readonly requestRatio: number;
  /** Parse the upstream's head, write the client's. */
  readonly responseNs: number;
  readonly naiveResponseNs: number;
  readonly responseRatio: number;
  /** All engine calls of one forwarded request. */
  readonly exchangeNs: number;
  /** The same against naive request and response heads together, which route and count nothing. */
  readonly exchangeRatio: number;
}

const ROUTES = 1000;
const CLIENT = '203.0.113.7';
const NORMALIZE_BASE = 1;
const SERVICE_TIME_MS = 3;
const STYLE = layout.STYLE_COMPLETE | layout.STYLE_SERVICE_TIME;

const RESPONSE = [
  'HTTP/1.1 200 OK',
  'Content-Type: application/json; charset=utf-8',
  'Content-Length: 128',
  'Date: Sun, 22 Nov 2026 18:00:00 GMT',
  'Cache-Control: no-cache',
  'ETag: "5f2b7a1c"',
  'Connection: keep-alive',
];

function requestLines(path: string): string[] {
  return [
    `GET ${path}?sort=newest&limit=20 HTTP/1.1`,
    `Host: ${HOST}`,
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
    'Accept: application/json, text/plain, */*',
    'Accept-Language: en-US,en;q=0.5',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Cookie: session=5f2b7a1c9d; theme=dark',
    'Authorization: Bearer abcdefghijklmnopqrstuvwxyz0123456789',
    'Connection: keep-alive',
  ];
}

function headOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** Takes about a second. Throws when one of the calls refuses what it gets. */
export function measureHeads(): HeadFigures {
  const engine = new BenchEngine();
  const set = prefixRoutes(ROUTES);
  const { exchange } = engine.load(set.model);
  const request = headOf(requestLines(set.requestOf(ROUTES - 1).path));
  const times = race([...engineContenders(engine, exchange, request), ...naiveContenders(request)], { rounds: 25 });
  const naiveBoth = (times.get('naive request') ?? []).map(
    (time, round) => time + (times.get('naive response')?.[round] ?? NaN),
  );
  return {
    requestNs: medianOf(times, 'request'),
    naiveRequestNs: medianOf(times, 'naive request'),
    requestRatio: ratioOf(times, 'request', 'naive request'),
    responseNs: medianOf(times, 'response'),
    naiveResponseNs: medianOf(times, 'naive response'),
    responseRatio: ratioOf(times, 'response', 'naive response'),
    exchangeNs: medianOf(times, 'exchange'),
    exchangeRatio: ratioOf(new Map([...times, ['naive both', naiveBoth]]), 'exchange', 'naive both'),
  };
}

/** The calls in the order and with the arguments of the data path. */
function engineContenders(engine: BenchEngine, exchange: number, request: Buffer): Contender[] {
  const { exports } = engine;
  const { slab, bytes } = engine.engine;
  const input = slab + layout.SLAB_INPUT + layout.INPUT_REQUEST;
  const read = slab + layout.SLAB_READ;
  const output = slab + layout.SLAB_OUTPUT;
  const response = headOf(RESPONSE);
  bytes.set(request, input);
  bytes.set(response, read);
  writeFacts(engine);
  const parse = (): void => {
    // Names are lower-cased in place by the first turn; that changes what the parser stores, not what it does.
    checked('parseRequestHead', exports.parseRequestHead(input, request.length) - request.length);
    checked('normalizePath', exports.normalizePath(NORMALIZE_BASE));
  };
  const write = (index: number): number =>
    written('writeRequestHead', exports.writeRequestHead(index, output, layout.OUTPUT_SIZE, 0));
  const forward = (): number => {
    parse();
    return write(exchange);
  };
  const answer = (index: number): number => {
    const parsed = exports.parseResponseHead(read, response.length, layout.METHOD_GET);
    checked('parseResponseHead', parsed - response.length);
    return written('writeResponseHead', exports.writeResponseHead(index, output, layout.OUTPUT_SIZE, STYLE));
  };
  const whole = (): number => {
    const index = exchange + 1;
    if (exports.beginExchange(index) < 0) throw new Error('beginExchange failed');
    parse();
    checked('routeRequest', exports.routeRequest(index, 0) - layout.DECISION_FORWARD);
    checked('admitRequest', exports.admitRequest(index));
    if (exports.pickEndpoint(index, -1) < 0) throw new Error('pickEndpoint failed');
    const length = write(index) + answer(index);
    exports.finishExchange(index, SERVICE_TIME_MS);
    return length;
  };
  parse();
  checked('routeRequest', exports.routeRequest(exchange, 0) - layout.DECISION_FORWARD);
  return [
    { name: 'request', run: (turns) => repeat(turns, forward) },
    { name: 'response', run: (turns) => repeat(turns, () => answer(exchange)) },
    { name: 'exchange', run: (turns) => repeat(turns, whole) },
  ];
}

/** Where the client's address lies, as the front leaves it. */
function writeFacts(engine: BenchEngine): void {
  const { slab, words, buffer } = engine.engine;
  const at = slab + layout.SLAB_INPUT + layout.INPUT_FACTS;
  const facts = (slab + layout.SLAB_FACTS) >> 2;
  words[facts + layout.FACT_DOWNSTREAM_REMOTE_IP / 4] = at;
  words[facts + layout.FACT_DOWNSTREAM_REMOTE_IP / 4 + 1] = buffer.write(CLIENT, at, 'latin1');
  words[facts + layout.FACT_UPSTREAM_SERVICE_MS / 4] = SERVICE_TIME_MS;
}

function naiveContenders(request: Buffer): Contender[] {
  const response = headOf(RESPONSE);
  const out = Buffer.alloc(16 * 1024);
  return [
    {
      name: 'naive request',
      run: (turns) => repeat(turns, () => forwardRequestHead(request, request.length, CLIENT, out)),
    },
    {
      name: 'naive response',
      run: (turns) => repeat(turns, () => forwardResponseHead(response, response.length, SERVICE_TIME_MS, out)),
    },
  ];
}

function repeat(turns: number, work: () => number): number {
  let sum = 0;
  for (let turn = 0; turn < turns; turn++) sum += work();
  return sum;
}

function checked(call: string, result: number): void {
  if (result !== 0) throw new Error(`${call} failed (${result})`);
}

function written(call: string, length: number): number {
  if (length <= 0) throw new Error(`${call} failed (${length})`);
  return length;
}
