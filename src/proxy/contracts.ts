// SPDX-License-Identifier: Apache-2.0
/**
 * What the parts of a data-path thread need of each other, so that exchanges, connections, pools and fronts depend on
 * these interfaces and not on one another. The classes that implement them are named beside each.
 */
import type net from 'node:net';
import type { Engine } from '../engine/engine.js';
import type { Logger } from '../telemetry/log.js';
import type { Downstream } from './downstream.js';
import type { GenerationView } from './generation-view.js';
import type { TimerWheel } from './timers.js';

/** The thread as exchanges, connections and fronts see it (DataPath). Offsets are absolute in engine memory. */
export interface ThreadContext {
  readonly engine: Engine;
  readonly logger: Logger;
  readonly timers: TimerWheel;
  readonly upstreams: ConnectionPools;
  readonly exposeReasons: boolean;
  /** Every head is kept, because the access log reads from it. */
  readonly keepsHeads: boolean;
  readonly draining: boolean;
  /** What all upstream sockets read into: a read callback is synchronous. */
  readonly readBuffer: Uint8Array;
  readonly readOffset: number;
  /** Where a front puts a request's head. */
  readonly inputOffset: number;
  /** Where heads are written to, and how much fits. */
  readonly outputOffset: number;
  readonly outputCapacity: number;
  /** Writes must be copied: the output region is still being sent. */
  readonly outputIsPinned: boolean;

  accept(
    downstream: Downstream,
    listener: string,
    headLength: number,
    failure: number,
    bind: (exchange: RequestExchange) => void,
  ): RequestExchange | null;
  parseSavedHead(head: Buffer, generation: GenerationView, listener: string): void;
  finish(exchange: RequestExchange): void;
  linger(): () => void;
  tellOthers(message: CapacityMessage): void;

  routeWord(generation: GenerationView, route: number, field: number): number;
  headFlags(generation: GenerationView, listener: string): number;
  readRequest(): RequestText;
  downstreamAddress(): string;
  setDownstreamFacts(ip: Uint8Array, port: number): void;
  setUpstreamFacts(address: string, cluster: string): void;
  setReason(reason: string): void;
  setRewrittenPath(generation: GenerationView, route: number): void;

  addCounter(clusterSlot: number, counter: number, amount: number): void;
  setGauge(field: number, value: number): void;

  pinOutput(socket: net.Socket): void;
  guard<Arguments extends unknown[]>(run: (...args: Arguments) => void): (...args: Arguments) => void;
  onBug(error: unknown): void;
}

/** The parts of the request line and Host, as strings. */
export interface RequestText {
  readonly scheme: 'http' | 'https';
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
  readonly hasQuery: boolean;
}

/** An exchange as connections, pools, fronts and the respond step see it (Exchange). */
export interface RequestExchange {
  readonly index: number;
  readonly generation: GenerationView;
  readonly listener: string;
  readonly methodId: number;
  /** Index of the route taken in the whole table, -1 = none. */
  readonly route: number;
  readonly isGrpc: boolean;

  /** A u32 field of the exchange record. */
  word(field: number): number;
  cork(write: () => void): void;
  fail(failure: number): void;
  onBug(): void;

  onRequestBody(chunk: Uint8Array, last: boolean): void;
  onAborted(): void;
  onDownstreamDrain(): void;

  onConnecting(connection: Upstream): void;
  onConnected(connection: Upstream): void;
  detach(): void;
  onUpstreamFailure(failure: number, detail: string, replayable: boolean): void;
  onUpstreamDrain(): void;
  onResponseHead(status: number, bodyKind: number, contentLength: number): boolean;
  onResponseBody(offset: number, length: number): void;
  onResponseEnd(): void;
}

/** A finished exchange as the access log sees it. */
export interface FinishedExchange extends RequestExchange {
  readonly flags: number;
  readonly status: number;
  /** performance.now() at the start. */
  readonly startedAtMs: number;
  /** -1 = no response head came. */
  readonly upstreamServiceMs: number;
  readonly responseDetails: string;
  readonly failureDetail: string;
  readonly clusterName: string;
  readonly upstreamAddress: string;
  readonly upstreamLocalAddress: string;
  readonly downstreamAddress: string;
  readonly requestHead: Buffer;
  readonly sentHead: string;
  readonly requestBytes: number;
  readonly requestHeadBytes: number;
  readonly responseBytes: number;
  readonly responseHeadBytes: number;
}

/** An upstream connection as exchanges and pools see it (UpstreamConnection). */
export interface Upstream {
  readonly index: number;
  readonly address: string;
  readonly localAddress: string;
  readonly clusterName: string;
  readonly clusterSlot: number;
  readonly endpointSlot: number;
  /** Bytes written and not yet taken by the kernel. */
  readonly pendingBytes: number;
  exchange: RequestExchange | null;

  send(exchange: RequestExchange, offset: number, length: number): void;
  write(chunk: Uint8Array): boolean;
  requestComplete(): void;
  pause(): void;
  resume(): void;
  rest(): void;
  destroy(): void;
}

/** The thread's pools as exchanges and connections see them (UpstreamPools). */
export interface ConnectionPools {
  takeIdle(endpointSlot: number): Upstream | null;
  open(exchange: RequestExchange): Upstream | null;
  enqueue(exchange: RequestExchange): void;
  dequeue(exchange: RequestExchange): void;
  release(connection: Upstream): void;
  onClosed(connection: Upstream): void;
}

/** Says to the other threads: `wanted` = close an idle connection of the cluster; `freed` = a place may be free now. */
export interface CapacityMessage {
  readonly kind: 'wanted' | 'freed';
  readonly clusterSlot: number;
}
