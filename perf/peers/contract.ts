// SPDX-License-Identifier: Apache-2.0
/**
 * What the suite asks of a proxy under test, and what each proxy's adapter gives back. All do the same work with keep-alive
 * to the upstreams: x-forwarded-for, x-forwarded-proto and a random x-request-id (where the client sent none) go upstream.
 */

/** Routes on one host, all to the same upstreams; a request that no route takes gets 404. See pathOfRoute. */
export interface RouteSet {
  /** `header` routes share the prefix `/` and differ in the exact value of `x-route`. */
  readonly kind: 'exact' | 'prefix' | 'regex' | 'header';
  readonly count: number;
}

/**
 * What is spoken on both sides of the proxy: HTTP/1.1, the same upgraded to WebSocket, HTTP/2 in cleartext with prior knowledge,
 * or bytes that the proxy passes on without looking at them.
 */
export type Protocol = 'http1' | 'websocket' | 'http2' | 'tcp';

/** PEM files of a server's certificate. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly privateKey: string;
  /** Both in one file. */
  readonly both: string;
}

/** What the proxy must do in a scenario. */
export interface Work {
  /** Default: HTTP/1.1. */
  readonly protocol?: Protocol;
  /** Clients come over TLS 1.2 or 1.3, which ends at the proxy; absent: cleartext. */
  readonly tls?: ServerCertificate;
  /** Ports on 127.0.0.1. */
  readonly upstreams: readonly number[];
  /** Null: everything goes upstream by one catch-all route. */
  readonly routes: RouteSet | null;
  /** Per cent for each upstream, in order; absent: all to the first. */
  readonly weights?: readonly number[];
  /** Connection and request limits that are counted and never reached. */
  readonly breaker?: boolean;
  /** A retry policy for every status of 5xx, which never applies; only Weft and Envoy have one to configure. */
  readonly retries?: boolean;
  /** Written to RunningPeer.accessLogFile. */
  readonly accessLog?: boolean;
}

export interface StartOptions {
  /** Empty, and the peer's own. */
  readonly directory: string;
  /** On 127.0.0.1. */
  readonly port: number;
  readonly work: Work;
  /** A CPU list for `taskset -c`. */
  readonly cpus: string;
  /** Worker threads or processes that carry traffic. */
  readonly threads: number;
}

export interface RunningPeer {
  /** The root of the process tree: it and all its descendants are counted. */
  readonly pid: number;
  readonly accessLogFile?: string;
  /** Prometheus text, where the peer has it. */
  readonly metricsUrl?: string;
  /** Applies changed work without a restart; resolves when it is live. Absent: the peer can't. */
  reload?(work: Work): Promise<void>;
  /** Resolves when all its processes are gone. */
  stop(): Promise<void>;
}

export interface Peer {
  readonly name: string;
  /** The version as it prints itself, or what is missing and how to get it. */
  detect(): Promise<{ readonly version: string } | { readonly missing: string }>;
  /** Why it can't do this work; undefined when it can. */
  unsupported(work: Work): string | undefined;
  /** Resolves when it answers on its port; rejects with its output when it does not start. */
  start(options: StartOptions): Promise<RunningPeer>;
}

/** Why a peer of which the suite has a configuration for HTTP/1.1 in cleartext only can't do this work. */
export function onlyPlainHttp1({ protocol = 'http1', tls }: Work): string | undefined {
  if (protocol !== 'http1') return `the suite has no configuration of it for ${protocol}`;
  return tls === undefined ? undefined : 'the suite has no configuration of it for TLS';
}

/** The request target that only route `index` (from 0) of the set takes. */
export function pathOfRoute({ kind }: RouteSet, index: number): string {
  switch (kind) {
    case 'exact':
      return `/shop/route-${index}`;
    case 'prefix':
      return `/shop/route-${index}/item`;
    case 'regex':
      return `/shop/route-${index}/12345`;
    case 'header':
      return '/shop';
  }
}

/** The path pattern of route `index`: the exact path, the prefix (with its final slash), or the regular expression. */
export function patternOfRoute({ kind }: RouteSet, index: number): string {
  switch (kind) {
    case 'exact':
      return `/shop/route-${index}`;
    case 'prefix':
      return `/shop/route-${index}/`;
    case 'regex':
      return `/shop/route-${index}/[0-9]+`;
    case 'header':
      return '/';
  }
}
