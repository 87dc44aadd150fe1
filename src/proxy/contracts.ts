// SPDX-License-Identifier: Apache-2.0
/**
 * What the parts of a data-path thread need of each other, so that exchanges, connections, pools and fronts depend on
 * these interfaces and not on one another. The classes that implement them are named beside each.
 */
import type { ClientLimits } from '../engine/client-limits.js';
import type { Engine } from '../engine/engine.js';
import type { Mirror } from '../model/model.js';
import type { AccessLogEntry } from '../telemetry/access-log.js';
import type { Logger } from '../telemetry/log.js';
import type { GenerationView } from './generation-view.js';
import type { OutputBuffers } from './output-buffers.js';
import type { TimerWheel } from './timers.js';
import type { UpstreamTransports } from './upstream-transports.js';

/** The thread as exchanges, connections and fronts see it (DataPath). Offsets are absolute in engine memory. */
export interface ThreadContext {
  readonly engine: Engine;
  readonly logger: Logger;
  readonly timers: TimerWheel;
  readonly upstreams: ConnectionPools;
  /** How connections to clusters are secured. */
  readonly transports: UpstreamTransports;
  readonly limits: ClientLimits;
  readonly exposeReasons: boolean;
  /** Every head is kept, because the access log reads from it. */
  readonly keepsHeads: boolean;
  readonly draining: boolean;
  /** What all sockets read into: a read callback is synchronous. */
  readonly readBuffer: Uint8Array;
  readonly readOffset: number;
  /** Where a front that has no head in memory puts one. */
  readonly inputOffset: number;
  readonly output: OutputBuffers;
  /** performance.now() when the callback under way began; see readClock. */
  readonly nowMs: number;

  /** Every callback of a socket, a library or a timer begins with it. */
  readClock(): void;
  /** The same for one that reads: bytes lie in the read region until `endRead`. */
  beginRead(): void;
  endRead(): void;
  /** Runs `task` when the read region is free: after the read callback under way, or at once after any other. */
  whenRead(task: () => void): void;
  accept(downstream: Downstream, filterChain: string, offset: number, length: number, verdict: number): boolean;
  parseSavedHead(head: Buffer, generation: GenerationView, filterChain: string): void;
  finish(exchange: RequestExchange): void;
  linger(): () => void;
  tellOthers(message: CapacityMessage): void;

  routeWord(generation: GenerationView, route: number, field: number): number;
  headFlags(generation: GenerationView, filterChain: string): number;
  readRequest(): RequestText;
  downstreamAddress(): string;
  setDownstreamFacts(ip: Uint8Array, port: number): void;
  useDownstreamFacts(record: number): void;
  setTlsFacts(isSecure: boolean, clientCertificate: string): void;
  setUpstreamFacts(address: string, cluster: string): void;
  refreshDate(): void;
  setReason(reason: string): void;
  /** The origin that PART_CORS_* parts speak of; '' = not allowed. */
  setCorsOrigin(origin: string): void;
  /** Starts copies of the request whose head was just sent for `exchange`; they get the body by themselves. */
  mirror(exchange: MirroredExchange, mirrors: readonly Mirror[]): void;
  /** A record for what has no request, begun with the current generation; null when there is none left, or no generation. */
  beginRecord(): { readonly index: number; readonly generation: GenerationView } | null;
  /** Ends one, releasing all that it holds. */
  endRecord(index: number): void;
  /** A line for a connection that ends; does nothing when the access log is off. */
  logConnection(entry: AccessLogEntry): void;
  setRewrittenPath(generation: GenerationView, route: number): void;

  addCounter(clusterSlot: number, counter: number, amount: number): void;
  setGauge(field: number, value: number): void;

  guard<Arguments extends unknown[]>(run: (...args: Arguments) => void): (...args: Arguments) => void;
  onBug(error: unknown): void;
}

/** What a front knows of a head that it hands on: nothing, or that the request record holds it; below zero: a failure. */
export const HEAD_UNPARSED = 0;
export const HEAD_PARSED = 1;

/** The parts of the request line and Host, as strings. */
export interface RequestText {
  readonly scheme: 'http' | 'https';
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly query: string;
  readonly hasQuery: boolean;
}

/** What both connections of an upgraded exchange bring their bytes to (Tunnel). Chunks are valid during the call. */
export interface ByteTunnel {
  onClientBytes(chunk: Uint8Array): void;
  /** The client will send no more. */
  onClientEnd(): void;
  onUpstreamBytes(chunk: Uint8Array): void;
  /** The upstream will send no more. */
  onUpstreamEnd(): void;
  /** The upstream's connection broke, or what it sends can't be understood. */
  onUpstreamLost(): void;
}

/** An exchange as connections, pools, fronts and the respond step see it (Exchange). */
export interface RequestExchange {
  readonly index: number;
  readonly generation: GenerationView;
  /** Name of the filter chain that the client's connection came through. */
  readonly filterChain: string;
  readonly methodId: number;
  /** Index of the route taken in the whole table, -1 = none. */
  readonly route: number;
  readonly isGrpc: boolean;
  /** The client has asked for a WebSocket or by CONNECT for a tunnel, and its front can carry one. */
  readonly isUpgrade: boolean;

  /** A u32 field of the exchange record. */
  word(field: number): number;
  /** Where the request's own Host leads, for clusters that go by it; the port where it names none. */
  requestedEndpoint(defaultPort: number): { readonly address: string; readonly port: number };
  /** The Host that the upstream gets, for clusters that take the server name of TLS from it. */
  requestedHost(): string;
  cork(write: () => void): void;
  fail(failure: number): void;
  onBug(): void;
  /** Why the last try failed, for people; '' = it did not. */
  readonly failureDetail: string;
  /** The head as sent upstream, as text; set where `keepsHeads` or the exchange asks for it. */
  sentHead: string;
  readonly keepsSentHead: boolean;

  onRequestBody(chunk: Uint8Array, last: boolean, trailers?: Buffer): void;
  onAborted(): void;
  onExpired(failure: number): void;
  onDownstreamDrain(): void;

  onConnecting(connection: Upstream): void;
  onConnected(connection: Upstream): void;
  detach(): void;
  onUpstreamFailure(failure: number, detail: string, replayable: boolean): void;
  onUpstreamDrain(): void;
  onInterimHead(): void;
  onResponseHead(status: number, bodyKind: number, contentLength: number): boolean;
  /** `isLast`: the end follows at once, without trailers. */
  onResponseBody(offset: number, length: number, isLast: boolean): void;
  onResponseEnd(trailers?: Buffer): void;
  /** The 101 has been passed on: from now on both connections carry bytes of another protocol. */
  openTunnel(): void;
}

/** An exchange as its mirrors see it. */
export interface MirroredExchange {
  readonly index: number;
  readonly generation: GenerationView;
  readonly filterChain: string;
  readonly timeoutMs: number;
  /** The head as its upstream got it, in HTTP/1.1. */
  readonly sentHead: string;
  copyBody(copy: BodyCopy): void;
}

/** What else gets the bytes of a request's body (MirrorExchange). Chunks are valid during the call. */
export interface BodyCopy {
  write(chunk: Uint8Array): void;
  end(trailers?: Buffer): void;
  /** The body will not come to its end. */
  abandon(): void;
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
  readonly requestBytes: number;
  readonly requestHeadBytes: number;
  readonly responseBytes: number;
  readonly responseHeadBytes: number;
}

/**
 * What carries one exchange at a time to an endpoint: a whole connection (UpstreamConnection), or a stream of a shared one.
 * How a message is framed is its own affair.
 */
export interface Upstream {
  readonly address: string;
  readonly localAddress: string;
  readonly clusterName: string;
  readonly clusterSlot: number;
  readonly endpointSlot: number;
  /** Bytes written and not yet taken by the kernel. */
  readonly pendingBytes: number;
  exchange: RequestExchange | null;

  /**
   * Takes an exchange and writes the head of the request in the request record; `flags` are HEAD_FLAG_* bits. Returns its
   * bytes, or a failure when nothing was written.
   */
  send(exchange: RequestExchange, flags: number): number;
  /** Takes request body bytes, which may change after the call; false when no more should come until `onUpstreamDrain`. */
  writeBody(chunk: Uint8Array, isLast: boolean): boolean;
  /** The request is complete; called after every request, also one without a body. `trailers` are field lines. */
  endBody(trailers?: Buffer): void;
  /** The same for bytes of a tunnel. */
  write(chunk: Uint8Array): boolean;
  /** Takes an exchange for a tunnel without a request (CONNECT); false when the connection has carried one before. */
  takeTunnel(exchange: RequestExchange): boolean;
  /** What comes from now on goes to `tunnel`, and the connection is never used again. */
  openTunnel(tunnel: ByteTunnel): void;
  /** Passes on that the client sends no more; `onSent` when all that was written is on its way, or never will be. */
  endTunnel(onSent: () => void): void;
  pause(): void;
  resume(): void;
  /** Ends it at once; the exchange, if any, has been told already. */
  destroy(): void;
}

/** A connection of one request at a time as pools see it (UpstreamConnection). */
export interface PooledConnection extends Upstream {
  readonly index: number;
  /** UpstreamTransport.key and settingsKey, '' for plaintext. */
  readonly transportKey: string;
  readonly settingsKey: string;
  /** Waits in the pool for its next request. */
  rest(): void;
}

/** The thread's pools as exchanges and connections see them (UpstreamPools). */
export interface ConnectionPools {
  setClientAddress(record: number, ip: string, port: number): void;
  /** A connection record for an upstream connection that is not pooled, -1 when there is none; and its return. */
  takeRecord(): number;
  returnRecord(record: number): void;
  /** What can carry the exchange to the endpoint that it has picked, at once; null when a connection has to be opened. */
  takeReady(exchange: RequestExchange): Upstream | null;
  /** Opens a connection for it, and tells it when it may send; null when its cluster may have no more connections. */
  open(exchange: RequestExchange): Upstream | null;
  enqueue(exchange: RequestExchange): void;
  dequeue(exchange: RequestExchange): void;
  release(connection: PooledConnection): void;
  onClosed(connection: PooledConnection): void;
}

/** Says to the other threads: `wanted` = close an idle connection of the cluster; `freed` = a place may be free now. */
export interface CapacityMessage {
  readonly kind: 'wanted' | 'freed';
  readonly clusterSlot: number;
}

/** What a front must know of a response to frame it. */
export interface ResponseFraming {
  readonly status: number;
  /** BODY_*; BODY_UNTIL_CLOSE is sent chunked. */
  readonly bodyKind: number;
  /** With BODY_LENGTH the body's bytes; for an answer to HEAD the length GET would have; -1 = unknown. */
  readonly contentLength: number;
  readonly isHead: boolean;
  readonly close: boolean;
}

/**
 * What an exchange needs of the client's side. Each front implements it; nothing else may differ between fronts. Byte
 * ranges are absolute offsets in engine memory and valid during the call only.
 */
export interface Downstream {
  /** The exchange under way, set by the thread before it can answer. */
  exchange: RequestExchange | null;
  /** Sets what the engine is to know of the client; heads of other clients may have been written meanwhile. */
  restoreFacts(): void;
  /** Runs `write` so that what it sends leaves together. */
  cork(write: () => void): void;
  /** Whether the client may be sent interim answers (1xx) of the upstream. */
  readonly relaysInterim: boolean;
  /** Sends the interim answer in the response record; one that does not fit is dropped. */
  sendInterim(): void;
  /**
   * Sends the head of the response in the response record, with the operations of the exchange's route; `style` are STYLE_*
   * bits beside those of the front. Returns its bytes, or a failure when nothing was sent.
   */
  sendHead(style: number, framing: ResponseFraming): number;
  /**
   * Takes the body bytes at [offset, offset+length); false when the client can't keep up: wait for `onDownstreamDrain`.
   * `isLast`: `end` follows at once, without trailers.
   */
  sendBody(offset: number, length: number, isLast: boolean): boolean;
  /** Takes the whole body, which is not in engine memory and which nobody changes afterwards; `end` follows at once. */
  sendBytes(chunk: Uint8Array): void;
  /** The body is complete; `trailers` are field lines, sent after a chunked one where the front can. */
  end(trailers?: Buffer): void;
  /** Breaks the connection, so that the client sees a broken message. */
  destroy(): void;
  /** Stops and continues the request body. */
  pauseBody(): void;
  resumeBody(): void;
  /** Whether the front can go on with another protocol after a 101; only then are the calls below made. */
  readonly carriesTunnels: boolean;
  /** After the head of a 101: what the client has sent since its request, and sends from now on, goes to `tunnel`. */
  openTunnel(tunnel: ByteTunnel): void;
  /** Takes bytes that may change after the call; false when the client can't keep up: wait for `onDownstreamDrain`. */
  sendTunnel(chunk: Uint8Array): boolean;
  /** Passes on that the upstream sends no more; `onSent` when all that was written is on its way, or never will be. */
  endTunnel(onSent: () => void): void;
}
