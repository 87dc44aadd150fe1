// SPDX-License-Identifier: Apache-2.0
/**
 * A copy of a request on its way to a mirror (Istio `mirror`, Envoy's request_mirror_policies): fire and forget. It has an
 * exchange record of its own, so the mirror's cluster counts and limits it; its answer is read and thrown away. It never
 * holds back the request that it copies: what its connection can't take at once is kept up to a bound, then it is given up.
 */
import * as layout from '../../assembly/layout.js';
import type { BodyCopy, RequestExchange, ThreadContext, Upstream } from './contracts.js';
import type { GenerationView } from './generation-view.js';
import { WheelTimer } from './timers.js';

/** Bytes of the body that wait for the mirror's connection; as much as a request may keep for its own retries. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** For requests without a timeout: a mirror that never answers must not keep its record for ever. */
const MAX_DURATION_MS = 60_000;

export class MirrorExchange implements RequestExchange, BodyCopy {
  readonly index: number;
  readonly #path: ThreadContext;
  readonly #record: number;
  readonly #timeout: WheelTimer;
  readonly #onDone: (mirror: MirrorExchange) => void;
  readonly generation: GenerationView;
  readonly filterChain: string;
  methodId = 0;
  readonly isGrpc = false;
  readonly isUpgrade = false;
  sentHead = '';
  readonly keepsSentHead = false;
  active = true;
  /** The head as the request's own upstream got it, in HTTP/1.1. */
  #head: Buffer;
  #connection: Upstream | null = null;
  #isWaiting = false;
  #isSending = false;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #ended = false;
  #trailers: Buffer | undefined;

  /** The engine's record of `index` has been begun with `generation`; `cluster` is an index in it. */
  constructor(
    path: ThreadContext,
    index: number,
    source: { generation: GenerationView; filterChain: string; cluster: number; head: Buffer },
    onDone: (mirror: MirrorExchange) => void,
  ) {
    this.#path = path;
    this.index = index;
    this.generation = source.generation;
    this.filterChain = source.filterChain;
    this.#head = source.head;
    this.#onDone = onDone;
    this.#record = path.engine.exchanges + index * layout.EXCHANGE_SIZE;
    this.#timeout = new WheelTimer(() => this.#drop());
    path.engine.ints[(this.#record + layout.EXCHANGE_CLUSTER) >> 2] = source.cluster;
  }

  word(field: number): number {
    return this.#path.engine.words[(this.#record + field) >> 2] ?? 0;
  }

  /** Copies for such clusters are not made: the mirror's Host is that of another. */
  requestedEndpoint(): { readonly address: string; readonly port: number } {
    return { address: '0.0.0.0', port: 0 };
  }

  /** Nobody is told. */
  readonly failureDetail = '';

  /** Without the suffix that says that it is a copy: no server has a certificate for that. */
  requestedHost(): string {
    const [, host = ''] = /\r\nhost: *([^\r]*)/i.exec(this.#head.toString('latin1')) ?? [];
    return host.replace(/-shadow(?=:\d+$|$)/, '');
  }

  /** No route: what the route changes has been changed in the head already. */
  get route(): number {
    return -1;
  }

  /** Goes through the limits of its cluster to a connection. `timeoutMs` 0 = that of nobody. */
  start(timeoutMs: number): void {
    if (!this.active) return;
    const { exports } = this.#path.engine;
    if (exports.admitRequest(this.index) !== 0 || exports.pickEndpoint(this.index, -1) < 0) {
      this.#drop();
      return;
    }
    this.#path.addCounter(this.word(layout.EXCHANGE_CLUSTER_SLOT), layout.COUNTER_RQ_MIRROR, 1);
    this.#path.timers.start(this.#timeout, timeoutMs > 0 ? timeoutMs : MAX_DURATION_MS);
    const ready = this.#path.upstreams.takeReady(this);
    if (ready) {
      this.#send(ready);
      return;
    }
    const connection = this.#path.upstreams.open(this);
    if (exports.enterPending(this.index, connection ? 0 : 1) !== 0) {
      this.#connection = connection;
      this.#drop();
      return;
    }
    if (connection) this.#connection = connection;
    else {
      this.#isWaiting = true;
      this.#path.upstreams.enqueue(this);
    }
  }

  // ---------------------------------------------------------------------------------------------------------- body

  write(chunk: Uint8Array): void {
    if (!this.active) return;
    if (this.#isSending) {
      this.#connection?.writeBody(chunk, false);
      if ((this.#connection?.pendingBytes ?? 0) > MAX_WAITING_BYTES) this.#drop();
      return;
    }
    this.#queue.push(Buffer.from(chunk));
    this.#queuedBytes += chunk.length;
    if (this.#queuedBytes > MAX_WAITING_BYTES) this.#drop();
  }

  end(trailers?: Buffer): void {
    this.#ended = true;
    this.#trailers = trailers;
    if (this.active && this.#isSending) this.#connection?.endBody(trailers);
  }

  abandon(): void {
    if (this.active && !this.#ended) this.#drop();
  }

  // ------------------------------------------------------------------------------------------------------ upstream

  onConnecting(connection: Upstream): void {
    this.#isWaiting = false;
    this.#connection = connection;
  }

  onConnected(connection: Upstream): void {
    this.#isWaiting = false;
    this.#path.engine.exports.leavePending(this.index);
    this.#send(connection);
  }

  onResponseHead(): boolean {
    return true;
  }

  onResponseBody(): void {
    // Nobody waits for it.
  }

  onResponseEnd(): void {
    this.#finish();
  }

  detach(): void {
    this.#connection = null;
  }

  onUpstreamFailure(): void {
    this.#finish();
  }

  onBug(): void {
    this.#finish();
  }

  fail(): void {
    this.#drop();
  }

  cork(write: () => void): void {
    write();
  }

  onUpstreamDrain(): void {
    // What waits in the connection is bounded by `write`.
  }

  onInterimHead(): void {
    // Nobody waits for it.
  }

  onRequestBody(): void {
    // The body comes by `write`.
  }

  onAborted(): void {
    // There is no client.
  }

  onExpired(): void {
    // There is no client.
  }

  onDownstreamDrain(): void {
    // There is no client.
  }

  openTunnel(): void {
    this.#drop();
  }

  #send(connection: Upstream): void {
    this.#connection = connection;
    const path = this.#path;
    path.parseSavedHead(this.#head, this.generation, this.filterChain);
    this.methodId = path.engine.words[(path.engine.slab + layout.SLAB_REQUEST + layout.REQUEST_METHOD_ID) >> 2] ?? 0;
    if (connection.send(this, layout.HEAD_FLAG_COPY) < 0) {
      this.#drop();
      return;
    }
    this.#isSending = true;
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    for (const chunk of queue) connection.writeBody(chunk, false);
    if (this.#ended) connection.endBody(this.#trailers);
  }

  /** Gives the copy up; counted, because the mirror then has less than it should. */
  #drop(): void {
    if (!this.active) return;
    const slot = this.word(layout.EXCHANGE_CLUSTER_SLOT) | 0;
    if (slot >= 0) this.#path.addCounter(slot, layout.COUNTER_RQ_MIRROR_DROPPED, 1);
    this.#finish();
  }

  #finish(): void {
    if (!this.active) return;
    this.active = false;
    this.#path.timers.stop(this.#timeout);
    if (this.#isWaiting) this.#path.upstreams.dequeue(this);
    const connection = this.#connection;
    this.#connection = null;
    if (connection) {
      connection.exchange = null;
      connection.destroy();
    }
    this.#queue = [];
    this.#head = NOTHING;
    this.#onDone(this);
  }
}

const NOTHING = Buffer.alloc(0);
