// SPDX-License-Identifier: Apache-2.0
/**
 * The whole set of the suite, one table. A row is data: what it shows, the work, the load, the figure that counts. Rows that
 * differ in a number only are made from lists of these numbers. Other protocols come as rows with loads of their own.
 */
import type { RouteSet } from './peers/contract.js';
import type { Load, PlannedWork, Scenario, Target } from './scenario.js';

const SMALL_BYTES = 128;
const KIB = 1024;
const MIB = 1024 * KIB;
/** Enough to keep a proxy of one core busy, and few enough that queues don't hide in the kernel. */
const CONNECTIONS = 32;
/** A round trip of large bodies keeps many buffers alive; more connections would measure the memory of sockets. */
const BULK_CONNECTIONS = 16;

/** What a real edge has: a thousand prefixes on one host, and the one asked for stands last. */
const THOUSAND: RouteSet = { kind: 'prefix', count: 1000 };
const ALL_THROUGH: PlannedWork = { upstreamCount: 1, routes: null };
const EDGE: PlannedWork = { upstreamCount: 1, routes: THOUSAND };
const SATURATE: Load = { kind: 'closed', connections: CONNECTIONS, target: 'last' };

type Row = Omit<Scenario, 'withPeers' | 'answerBytes'> & Partial<Pick<Scenario, 'withPeers' | 'answerBytes'>>;

const H1: readonly Row[] = [
  {
    name: 'h1-small',
    group: 'h1',
    shows: '128-byte answers on kept connections, 1,000 prefix routes loaded, the last one hit',
    work: EDGE,
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  },
  ...[KIB, 64 * KIB, MIB].map((bytes): Row => {
    const connections = bytes > KIB ? BULK_CONNECTIONS : CONNECTIONS;
    return {
      name: `h1-down-${sizeName(bytes)}`,
      group: 'h1',
      shows: `answers of ${sizeTitle(bytes)}`,
      work: EDGE,
      answerBytes: bytes,
      load: { ...SATURATE, connections },
      metric: bytes > KIB ? 'cpuUsPerMib' : 'cpuUsPerRequest',
    };
  }),
  ...[SMALL_BYTES, KIB, 64 * KIB, MIB].map((bytes): Row => {
    const connections = bytes > KIB ? BULK_CONNECTIONS : CONNECTIONS;
    return {
      name: `h1-up-${sizeName(bytes)}`,
      group: 'h1',
      shows: `request bodies of ${sizeTitle(bytes)}, small answers`,
      work: EDGE,
      load: { ...SATURATE, connections, requestBytes: bytes },
      metric: bytes > KIB ? 'cpuUsPerMib' : 'cpuUsPerRequest',
    };
  }),
  {
    name: 'h1-one-connection',
    group: 'h1',
    shows: 'the round trip that the proxy adds when nothing else goes on',
    work: EDGE,
    load: { kind: 'added', target: 'last' },
    metric: 'addedUs',
  },
  {
    name: 'h1-latency',
    group: 'h1',
    shows: 'latency at 70% of the rate at which the slowest of these proxies saturates, the same rate for all',
    work: EDGE,
    load: { kind: 'paced', connections: CONNECTIONS, target: 'last', share: 0.7 },
    metric: 'p99Us',
  },
  {
    name: 'h1-1000-connections',
    group: 'h1',
    shows: 'small answers on 1,000 busy connections',
    work: EDGE,
    load: { ...SATURATE, connections: 1000 },
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'h1-new-connections',
    group: 'h1',
    shows: 'a new client connection for each request',
    work: EDGE,
    load: { ...SATURATE, newConnections: true },
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'h1-pipelined',
    group: 'h1',
    shows: 'clients that send 16 requests at once on each connection',
    work: EDGE,
    load: { ...SATURATE, connections: 8, pipeline: 16 },
    metric: 'cpuUsPerRequest',
  },
];

const KINDS = ['exact', 'prefix', 'regex'] as const;
const COUNTS = [100, 1000, 10_000, 100_000];
const TARGETS: readonly Target[] = ['first', 'last', 'random'];

const ROUTES: readonly Row[] = [
  ...KINDS.flatMap((kind) =>
    COUNTS.flatMap((count) =>
      TARGETS.map((target): Row => {
        const hit = target === 'random' ? 'hit at random' : `the ${target} one hit`;
        return {
          name: `routes-${kind}-${count}-${target}`,
          group: 'routes',
          shows: `${count.toLocaleString('en')} ${kind} routes on one host, ${hit}`,
          work: { upstreamCount: 1, routes: { kind, count } },
          load: { ...SATURATE, target },
          metric: 'cpuUsPerRequest',
        };
      }),
    ),
  ),
  ...[100, 1000].map((count): Row => ({
    name: `headers-${count}-last`,
    group: 'routes',
    shows: `${count.toLocaleString('en')} routes that differ in a header's value, the last one hit`,
    work: { upstreamCount: 1, routes: { kind: 'header', count } },
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  })),
];

const FEATURES: readonly Row[] = [
  {
    name: 'plain',
    group: 'features',
    shows: 'one catch-all route: what the rows of this group stand against',
    work: ALL_THROUGH,
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'weighted',
    group: 'features',
    shows: '90% to one upstream, 10% to another',
    work: { upstreamCount: 2, routes: null, weights: [90, 10] },
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'breaker',
    group: 'features',
    shows: 'limits of connections and requests counted and never reached',
    work: { ...ALL_THROUGH, breaker: true },
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'retries',
    group: 'features',
    shows: 'retries of 5xx with a time limit for each try, and nothing fails',
    work: { ...ALL_THROUGH, retries: true },
    load: SATURATE,
    metric: 'cpuUsPerRequest',
    withPeers: false,
  },
  {
    name: 'retries-upload',
    group: 'features',
    shows: 'the same with bodies of 1 KiB, which are kept until the answer',
    work: { ...ALL_THROUGH, retries: true },
    load: { ...SATURATE, requestBytes: KIB },
    metric: 'cpuUsPerRequest',
    withPeers: false,
  },
  {
    name: 'access-log',
    group: 'features',
    shows: 'one line for each request, to a file',
    work: { ...ALL_THROUGH, accessLog: true },
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'scraped',
    group: 'features',
    shows: 'Prometheus metrics fetched each second, 1,000 prefix routes',
    work: EDGE,
    load: { ...SATURATE, beside: { what: 'scrape', everyMs: 1000 } },
    metric: 'cpuUsPerRequest',
  },
];

const OPERATION: readonly Row[] = [
  {
    name: 'reload-under-load',
    group: 'operation',
    shows:
      'small answers while a changed configuration of 1,000 routes is applied twice a second; one failed request fails the round',
    work: { ...EDGE, upstreamCount: 2 },
    load: { ...SATURATE, beside: { what: 'reload', everyMs: 500 } },
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'reload-rate',
    group: 'operation',
    shows: 'from a changed configuration of 1,000 routes to the first answer by it, writing the file included',
    work: { ...EDGE, upstreamCount: 2 },
    load: { kind: 'reload', reloads: 5 },
    metric: 'reloadMs',
  },
  {
    name: 'start-yaml',
    group: 'operation',
    shows: 'start with 10,000 prefix routes from YAML (the peers: from their own configuration) to the first 200',
    work: { upstreamCount: 1, routes: { kind: 'prefix', count: 10_000 } },
    load: { kind: 'start', target: 'last' },
    metric: 'startMs',
  },
  {
    name: 'start-rules',
    group: 'operation',
    shows: 'the same, Weft from the tables that `weft compile` wrote',
    work: { upstreamCount: 1, routes: { kind: 'prefix', count: 10_000 } },
    load: { kind: 'start', target: 'last' },
    metric: 'startMs',
    weftSource: 'rules',
  },
  {
    name: 'scaling',
    group: 'operation',
    shows: 'requests per second of two threads against one',
    work: EDGE,
    load: { kind: 'scaling', connections: 64, target: 'last' },
    metric: 'speedup',
  },
];

const MEMORY: readonly Row[] = [
  {
    name: 'idle-connections',
    group: 'memory',
    shows: '10,000 connections that asked once and then sit',
    work: EDGE,
    load: { kind: 'idle', connections: 10_000 },
    metric: 'bytesPerConnection',
  },
  {
    name: 'memory-demo',
    group: 'memory',
    shows: "resident memory at rest with two threads and the demo's rules",
    work: ALL_THROUGH,
    load: { kind: 'rest' },
    metric: 'rssBytes',
    threads: 2,
    weftSource: 'demo',
    withPeers: false,
  },
  {
    name: 'memory-10000-routes',
    group: 'memory',
    shows: 'resident memory at rest with two threads and 10,000 prefix routes from YAML',
    work: { upstreamCount: 1, routes: { kind: 'prefix', count: 10_000 } },
    load: { kind: 'rest' },
    metric: 'rssBytes',
    threads: 2,
  },
];

const GRPC_FIELDS = { te: 'trailers', 'content-type': 'application/grpc' };

const TLS: readonly Row[] = [
  {
    name: 'https-small',
    group: 'tls',
    shows: '128-byte answers over TLS on kept connections, 1,000 prefix routes loaded, the last one hit',
    work: { ...EDGE, tls: true },
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'https-down-1m',
    group: 'tls',
    shows: 'answers of 1 MiB over TLS',
    work: { ...EDGE, tls: true },
    answerBytes: MIB,
    load: { ...SATURATE, connections: BULK_CONNECTIONS },
    metric: 'cpuUsPerMib',
  },
  {
    name: 'https-handshakes',
    group: 'tls',
    shows: 'a new connection with a full handshake (P-256) for each request',
    work: { ...EDGE, tls: true },
    load: { ...SATURATE, newConnections: true },
    metric: 'cpuUsPerRequest',
  },
];

const H2: readonly Row[] = [
  {
    name: 'h2-small',
    group: 'h2',
    shows: 'HTTP/2 on both sides, 128-byte answers, 8 connections of 16 streams, 1,000 prefix routes, the last one hit',
    work: { ...EDGE, protocol: 'http2' },
    load: { ...SATURATE, connections: 8, streams: 16 },
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'h2-down-1m',
    group: 'h2',
    shows: 'answers of 1 MiB over HTTP/2, 4 connections of 4 streams',
    work: { ...ALL_THROUGH, protocol: 'http2' },
    answerBytes: MIB,
    load: { ...SATURATE, connections: 4, streams: 4 },
    metric: 'cpuUsPerMib',
  },
  {
    name: 'grpc-unary',
    group: 'h2',
    shows: 'gRPC calls of 128 bytes each way, status in the trailers, 8 connections of 16 streams',
    work: { ...ALL_THROUGH, protocol: 'http2' },
    trailer: 'grpc-status: 0',
    load: { ...SATURATE, connections: 8, streams: 16, requestBytes: SMALL_BYTES, headers: GRPC_FIELDS },
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'grpc-streaming',
    group: 'h2',
    shows: 'gRPC calls that send 1 MiB and get it back while they send, 4 connections of 4 streams',
    work: { ...ALL_THROUGH, protocol: 'http2' },
    trailer: 'grpc-status: 0',
    load: { ...SATURATE, connections: 4, streams: 4, requestBytes: MIB, headers: GRPC_FIELDS, echo: true },
    metric: 'cpuUsPerMib',
  },
];

const TCP: readonly Row[] = [
  {
    name: 'tcp-small',
    group: 'tcp',
    shows: '128-byte answers passed on as bytes, without a look at them',
    work: { ...ALL_THROUGH, protocol: 'tcp' },
    load: SATURATE,
    metric: 'cpuUsPerRequest',
  },
  {
    name: 'tcp-down-1m',
    group: 'tcp',
    shows: 'answers of 1 MiB passed on as bytes',
    work: { ...ALL_THROUGH, protocol: 'tcp' },
    answerBytes: MIB,
    load: { ...SATURATE, connections: BULK_CONNECTIONS },
    metric: 'cpuUsPerMib',
  },
  {
    name: 'tcp-up-1m',
    group: 'tcp',
    shows: 'request bodies of 1 MiB passed on as bytes',
    work: { ...ALL_THROUGH, protocol: 'tcp' },
    load: { ...SATURATE, connections: BULK_CONNECTIONS, requestBytes: MIB },
    metric: 'cpuUsPerMib',
  },
];

const WEBSOCKET: readonly Row[] = [
  {
    name: 'websocket-messages',
    group: 'websocket',
    shows: 'messages of 125 bytes and as many back, four at a time on each of 32 connections',
    work: { ...ALL_THROUGH, protocol: 'websocket' },
    answerBytes: 0,
    load: { ...SATURATE, streams: 4 },
    metric: 'cpuUsPerRequest',
  },
];

const IDLE_HTTP2: Row = {
  name: 'idle-http2-connections',
  group: 'h2',
  shows: '2,000 HTTP/2 connections that asked once and then sit',
  work: { ...ALL_THROUGH, protocol: 'http2' },
  load: { kind: 'idle', connections: 2000 },
  metric: 'bytesPerConnection',
};

/** All rows, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  ...H1,
  ...TLS,
  ...H2,
  IDLE_HTTP2,
  ...WEBSOCKET,
  ...TCP,
  ...FEATURES,
  ...OPERATION,
  ...MEMORY,
  ...ROUTES,
].map((row) => ({
  answerBytes: SMALL_BYTES,
  withPeers: true,
  ...row,
}));

function sizeName(bytes: number): string {
  return bytes >= MIB ? `${bytes / MIB}m` : bytes >= KIB ? `${bytes / KIB}k` : 'small';
}

function sizeTitle(bytes: number): string {
  return bytes >= MIB ? `${bytes / MIB} MiB` : bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} bytes`;
}

/**
 * The rows with these names; a name that ends in `*` takes all that begin so. Without names: all. Throws for a name that
 * takes none.
 */
export function selectScenarios(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return SCENARIOS;
  const selected = new Set<Scenario>();
  for (const name of names) {
    const taken = SCENARIOS.filter((scenario) =>
      name.endsWith('*') ? scenario.name.startsWith(name.slice(0, -1)) : scenario.name === name,
    );
    if (taken.length === 0) throw new Error(`no scenario is named ${name}; --list prints them all`);
    for (const scenario of taken) selected.add(scenario);
  }
  return SCENARIOS.filter((scenario) => selected.has(scenario));
}
