// SPDX-License-Identifier: Apache-2.0
/**
 * What a client connection is doing -> when it has had enough time for it. One wheel timer a connection: a request only
 * notes times, and the timer looks at them when it fires, so that a limit costs a request a few stores.
 *
 * Two kinds of limit run side by side. A sliding one counts from the last byte in either direction (Envoy's idle_timeout
 * between requests, its stream_idle_timeout during one); a fixed one from the first byte of the request (request_headers_timeout
 * for the head, request_timeout for all of it).
 */
import type { ClientLimits } from '../../engine/client-limits.js';
import { WheelTimer } from '../timers.js';
import type { TimerWheel } from '../timers.js';

/** How long the rest of a body that nobody wants is read and thrown away, so that the connection can go on. */
const DISCARD_MS = 30_000;
/** How long a client whose connection is being closed may still send: closing earlier could cost it the answer. */
const LINGER_MS = 5000;
/** How long an idle client of a listener that is gone may still send a request. */
const RETIRE_MS = 5000;

export type ClientPhase = 'idle' | 'head' | 'stream' | 'discard' | 'linger' | 'retire';

/** Which limit is over: of the head, of the request, without a byte while there is something to do, or of the phase itself. */
export type Expiry = 'head' | 'request' | 'stream-idle' | 'phase';

/** The connection that the timer is for. */
export interface TimedClient {
  /** An answer is complete, but the client has not taken all of it. */
  readonly hasUnsent: boolean;
  /** A limit is over; the timer is stopped. */
  onOver(expiry: Expiry): void;
}

export class ClientTimer {
  phase: ClientPhase = 'idle';
  /** When the last byte came or went, or when the phase began; what "longest idle" means. */
  sinceMs = 0;
  readonly #client: TimedClient;
  readonly #wheel: TimerWheel;
  readonly #limits: ClientLimits;
  readonly #timer: WheelTimer;
  /** First byte of the request under way. */
  #startedMs = 0;
  #slidingMs = 0;
  /** Ends of the fixed limits, 0 = none. */
  #dueMs = 0;
  #headDueMs = 0;

  constructor(client: TimedClient, wheel: TimerWheel, limits: ClientLimits) {
    this.#client = client;
    this.#wheel = wheel;
    this.#limits = limits;
    this.#timer = new WheelTimer(() => this.#onExpire());
  }

  /** Nothing is asked; what is left of an answer may still have to be taken. */
  idle(): void {
    const { idleTimeoutMs, streamIdleTimeoutMs } = this.#limits;
    this.#enter('idle', earlier(idleTimeoutMs, streamIdleTimeoutMs), 0);
  }

  /** A head has begun to come. Does nothing when that has been said before. */
  head(): void {
    if (this.phase === 'head') return;
    const { headTimeoutMs, requestTimeoutMs, streamIdleTimeoutMs } = this.#limits;
    this.#startedMs = this.#wheel.nowMs;
    this.#headDueMs = headTimeoutMs > 0 ? this.#startedMs + headTimeoutMs : 0;
    const requestDueMs = requestTimeoutMs > 0 ? this.#startedMs + requestTimeoutMs : 0;
    this.#enter('head', streamIdleTimeoutMs, earlier(this.#headDueMs, requestDueMs));
  }

  /** The head is complete; `whole` when there is no body to come. */
  stream(whole: boolean): void {
    const { requestTimeoutMs, streamIdleTimeoutMs } = this.#limits;
    if (this.phase !== 'head') this.#startedMs = this.#wheel.nowMs;
    const dueMs = whole || requestTimeoutMs === 0 ? 0 : this.#startedMs + requestTimeoutMs;
    this.#enter('stream', streamIdleTimeoutMs, dueMs);
  }

  /** The whole request has come, or its answer has begun: as with Envoy, request_timeout does not count any more. */
  requestSettled(): void {
    if (this.phase === 'stream') this.#dueMs = 0;
  }

  discard(): void {
    this.#enter('discard', 0, this.#wheel.nowMs + DISCARD_MS);
  }

  linger(): void {
    this.#enter('linger', 0, this.#wheel.nowMs + LINGER_MS);
  }

  retire(): void {
    this.#enter('retire', 0, this.#wheel.nowMs + RETIRE_MS);
  }

  /** A byte came or went. */
  touch(): void {
    this.sinceMs = this.#wheel.nowMs;
  }

  stop(): void {
    this.#wheel.stop(this.#timer);
  }

  #enter(phase: ClientPhase, slidingMs: number, dueMs: number): void {
    this.phase = phase;
    this.sinceMs = this.#wheel.nowMs;
    this.#slidingMs = slidingMs;
    this.#dueMs = dueMs;
    this.#arm();
  }

  /** A timer that fires too early looks again, so only one that would fire too late is moved. */
  #arm(): void {
    const deadlineMs = this.#deadlineMs();
    if (deadlineMs === Infinity) return;
    if (this.#timer.slot < 0 || this.#timer.deadlineMs > deadlineMs)
      this.#wheel.start(this.#timer, deadlineMs - this.#wheel.nowMs);
  }

  #deadlineMs(): number {
    const sliding = this.#slidingMs > 0 ? this.sinceMs + this.#slidingMs : Infinity;
    return this.#dueMs > 0 ? Math.min(sliding, this.#dueMs) : sliding;
  }

  #onExpire(): void {
    const unsent = this.phase === 'idle' && this.#client.hasUnsent;
    // Which of the two limits holds is known only now, since bytes leave without a word.
    if (this.phase === 'idle') {
      const { idleTimeoutMs, streamIdleTimeoutMs } = this.#limits;
      this.#slidingMs = unsent ? streamIdleTimeoutMs : idleTimeoutMs;
    }
    if (this.#deadlineMs() <= this.#wheel.nowMs) this.#client.onOver(unsent ? 'stream-idle' : this.#expiry());
    else this.#arm();
  }

  #expiry(): Expiry {
    const isFixed = this.#dueMs > 0 && this.#dueMs <= this.#wheel.nowMs;
    if (this.phase === 'head') return !isFixed ? 'stream-idle' : this.#dueMs === this.#headDueMs ? 'head' : 'request';
    if (this.phase === 'stream') return isFixed ? 'request' : 'stream-idle';
    return 'phase';
  }
}

/** The earlier of two times, of which 0 means none. */
function earlier(left: number, right: number): number {
  return left === 0 ? right : right === 0 ? left : Math.min(left, right);
}
