// SPDX-License-Identifier: Apache-2.0
/** What one row of the suite is: the work of the proxy, the load on it, and the figure that counts. Data only. */
import type { Work } from './peers/contract.js';

/** Which of the routes the requests hit; without routes, all hit the catch-all. */
export type Target = 'first' | 'last' | 'random';

/** How a scenario loads the proxy, and thereby what can be measured. */
export type Load =
  /** As many requests as the proxy takes: CPU per request and requests per second. */
  | {
      readonly kind: 'closed';
      readonly connections: number;
      readonly target: Target;
      /** Body of each request; absent: GET. */
      readonly requestBytes?: number;
      /** Requests in flight on each connection. */
      readonly pipeline?: number;
      readonly newConnections?: boolean;
      /** HTTP/2: requests at once on each connection. WebSocket: messages at once. */
      readonly streams?: number;
      /** HTTP/2: fields of each request besides. */
      readonly headers?: Readonly<Record<string, string>>;
      /** HTTP/2: the origin answers with the request's body. */
      readonly echo?: true;
      /** What goes on beside the load, each time after so many milliseconds. */
      readonly beside?: { readonly what: 'scrape' | 'reload'; readonly everyMs: number };
    }
  /** One rate for all proxies, this share of what the slowest of them saturates at: latency. */
  | { readonly kind: 'paced'; readonly connections: number; readonly target: Target; readonly share: number }
  /** One request at a time on one connection: round trip through the proxy minus round trip without it. */
  | { readonly kind: 'added'; readonly target: Target }
  /** Connections that asked once and then sit: memory for each. */
  | { readonly kind: 'idle'; readonly connections: number }
  /** From the start of the process to the first 200: time, and memory after it. */
  | { readonly kind: 'start'; readonly target: Target }
  /** From the change of the configuration to the first answer by it. */
  | { readonly kind: 'reload'; readonly reloads: number }
  /** After start, one request and some rest: memory. */
  | { readonly kind: 'rest' }
  /** One thread, then two: requests per second. */
  | { readonly kind: 'scaling'; readonly connections: number; readonly target: Target };

/** Work with the number of upstreams instead of their ports. */
export type PlannedWork = Omit<Work, 'upstreams' | 'tls'> & {
  readonly upstreamCount: number;
  /** The run makes a certificate. */
  readonly tls?: true;
};

/** Where Weft's configuration comes from: YAML of the work, the same compiled by `weft compile`, or the demo's files. */
export type WeftSource = 'yaml' | 'rules' | 'demo';

/** The figures that a round can give. Units are in the names; `busy` is a share of the proxy's cores. */
export const METRICS = {
  cpuUsPerRequest: { title: 'CPU µs/request', better: 'less' },
  cpuUsPerMib: { title: 'CPU µs/MiB', better: 'less' },
  requestsPerSecond: { title: 'requests/s', better: 'more' },
  busy: { title: 'busy', better: 'more' },
  p50Us: { title: 'p50 µs', better: 'less' },
  p90Us: { title: 'p90 µs', better: 'less' },
  p99Us: { title: 'p99 µs', better: 'less' },
  p999Us: { title: 'p99.9 µs', better: 'less' },
  ratePerSecond: { title: 'rate/s', better: 'more' },
  addedUs: { title: 'added µs', better: 'less' },
  bytesPerConnection: { title: 'bytes/connection', better: 'less' },
  startMs: { title: 'start ms', better: 'less' },
  reloadMs: { title: 'reload ms', better: 'less' },
  reloads: { title: 'reloads', better: 'more' },
  speedup: { title: '2 threads / 1', better: 'more' },
  rssBytes: { title: 'RSS', better: 'less' },
  peakMemoryBytes: { title: 'peak memory', better: 'less' },
} as const;

export type Metric = keyof typeof METRICS;

export interface Scenario {
  readonly name: string;
  readonly group: 'h1' | 'tls' | 'h2' | 'websocket' | 'tcp' | 'routes' | 'features' | 'operation' | 'memory';
  /** One sentence for the reader of the results. */
  readonly shows: string;
  readonly work: PlannedWork;
  /** Body of each answer. */
  readonly answerBytes: number;
  /** HTTP/2 origins: the trailer of each answer. */
  readonly trailer?: string;
  readonly load: Load;
  /** The figure that ratios are made of. */
  readonly metric: Metric;
  /** Threads or processes of each proxy that carry traffic; default 1. */
  readonly threads?: number;
  readonly weftSource?: WeftSource;
  /** False where the row has no meaning for other proxies. */
  readonly withPeers: boolean;
}
