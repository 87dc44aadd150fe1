// SPDX-License-Identifier: Apache-2.0
/**
 * A request's body on its way upstream: kept while there is no connection, and the client paused whenever the next hop can't
 * keep up. Where the request may be sent again, what was sent is kept too, up to a bound. Part of an exchange and reused
 * with it.
 */
import { BODY_NONE } from '../../assembly/layout.js';
import type { BodyCopy, Downstream, Upstream } from './contracts.js';

/** Bytes kept while there is no connection to write them to; beyond it the client is paused. */
const QUEUE_BYTES = 65536;
/**
 * A front that can't stop its client at once (docs/FRONTS.md) may still bring this much; beyond it the request is given up,
 * because memory is everybody's.
 */
const MAX_PAUSED_BYTES = 256 * 1024 * 1024;
/** Envoy's default buffer of a stream (per_connection_buffer_limit_bytes): a longer body is sent once. */
export const MAX_KEPT_BYTES = 1024 * 1024;
/** Most bodies that are worth a retry fit; with it keeping one costs a copy and no allocation. */
const STORE_BYTES = 4096;

export class RequestBody {
  /** All of it has been received. */
  ended = true;
  #kind = BODY_NONE;
  #downstream: Downstream | null = null;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #paused = false;
  #trailers: Buffer | undefined;
  /** The head has been written, so body bytes may follow it. */
  #upstream: Upstream | null = null;
  /** What was sent is kept in #kept. */
  #keeps = false;
  /** Something was sent and is not kept. */
  #isLost = false;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  /** Small bodies are kept here, in memory that the exchange's next requests use again; made when first needed. */
  #store: Buffer | null = null;
  #storedBytes = 0;
  /** Mirrors, which get every byte when the upstream first gets it. */
  #copies: BodyCopy[] | null = null;

  /** Begins a body of a BODY_* kind. */
  open(downstream: Downstream, kind: number): void {
    this.#downstream = downstream;
    this.#kind = kind;
    this.#queuedBytes = 0;
    this.#paused = false;
    this.#trailers = undefined;
    this.#upstream = null;
    this.#keeps = false;
    this.#isLost = false;
    this.ended = kind === BODY_NONE;
  }

  /** Keeps what is sent from now on, so that it can be sent again. */
  keep(): void {
    if (this.#kind !== BODY_NONE) this.#keeps = true;
  }

  /** Whether all of it that has come can be sent to another upstream. */
  get isWhole(): boolean {
    return !this.#isLost;
  }

  /** What was sent will be sent again; the upstream that had it is gone. */
  rewind(): void {
    this.#unstore();
    if (this.#kept.length === 0) return;
    this.#queue = this.#kept.concat(this.#queue);
    this.#queuedBytes += this.#keptBytes;
    this.#kept = [];
    this.#keptBytes = 0;
  }

  /** `copy` gets what is queued, what comes, and the end. */
  addCopy(copy: BodyCopy): void {
    for (const chunk of this.#queue) copy.write(chunk);
    if (this.ended) copy.end(this.#trailers);
    else (this.#copies ??= []).push(copy);
  }

  get isEmpty(): boolean {
    return this.#kind === BODY_NONE;
  }

  /** The client goes on sending although it has been told not to. */
  get isFlooded(): boolean {
    return this.#paused && this.#queuedBytes + (this.#upstream?.pendingBytes ?? 0) > MAX_PAUSED_BYTES;
  }

  /** Takes bytes that are valid during the call; `isLast`: `end` follows at once, without trailers. */
  take(chunk: Uint8Array, isLast: boolean): void {
    if (chunk.length === 0) return;
    if (this.#copies) for (const copy of this.#copies) copy.write(chunk);
    if (this.#upstream) {
      if (this.#keeps) this.#remember(chunk);
      else this.#isLost = true;
      if (!this.#upstream.writeBody(chunk, isLast)) this.pause();
      return;
    }
    const copy = Buffer.from(chunk);
    this.#queue.push(copy);
    this.#queuedBytes += copy.length;
    if (this.#queuedBytes > QUEUE_BYTES) this.pause();
  }

  /** The last byte has been received; returns whether the whole request is on its way now. */
  end(trailers?: Buffer): boolean {
    this.ended = true;
    this.#trailers = trailers;
    if (this.#copies) {
      for (const copy of this.#copies) copy.end(trailers);
      this.#copies = null;
    }
    return this.#complete();
  }

  /** The head has been written to `upstream`; returns whether the whole request is on its way now. */
  startSending(upstream: Upstream): boolean {
    this.#upstream = upstream;
    const queue = this.#queue;
    let flowing = true;
    if (queue.length > 0) {
      this.#queue = [];
      this.#queuedBytes = 0;
      if (!this.#keeps) this.#isLost = true;
      else for (const chunk of queue) this.#keepChunk(chunk);
      const last = this.ended && !this.#trailers?.length ? queue.length - 1 : -1;
      for (const [index, chunk] of queue.entries()) flowing = upstream.writeBody(chunk, index === last);
    }
    if (this.ended) {
      // The client may have sent all while it was paused; a front that stops reading would never see its next request.
      this.resume();
      return this.#complete();
    }
    // Otherwise the connection's 'drain' resumes.
    if (flowing) this.resume();
    return false;
  }

  /** The connection is gone; what comes now is kept for the next one or dropped with the exchange. */
  stopSending(): void {
    this.#upstream = null;
  }

  pause(): void {
    if (this.#paused || this.ended) return;
    this.#paused = true;
    this.#downstream?.pauseBody();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#downstream?.resumeBody();
  }

  close(): void {
    this.#upstream = null;
    this.#downstream = null;
    if (this.#queue.length > 0) this.#queue = [];
    this.#forget();
    if (this.#copies) {
      for (const copy of this.#copies) copy.abandon();
      this.#copies = null;
    }
  }

  /** Keeps a copy of bytes that are valid during the call. */
  #remember(chunk: Uint8Array): void {
    if (this.#kept.length === 0 && this.#storedBytes + chunk.length <= STORE_BYTES) {
      this.#store ??= Buffer.allocUnsafeSlow(STORE_BYTES);
      this.#store.set(chunk, this.#storedBytes);
      this.#storedBytes += chunk.length;
      return;
    }
    this.#keepChunk(Buffer.from(chunk));
  }

  #keepChunk(chunk: Buffer): void {
    this.#unstore();
    this.#kept.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#keptBytes <= MAX_KEPT_BYTES) return;
    this.#keeps = false;
    this.#isLost = true;
    this.#forget();
  }

  /** What is in the store becomes a chunk of its own. */
  #unstore(): void {
    if (this.#store === null || this.#storedBytes === 0) return;
    this.#kept.push(Buffer.from(this.#store.subarray(0, this.#storedBytes)));
    this.#keptBytes += this.#storedBytes;
    this.#storedBytes = 0;
  }

  #forget(): void {
    this.#storedBytes = 0;
    if (this.#kept.length > 0) this.#kept = [];
    this.#keptBytes = 0;
  }

  #complete(): boolean {
    const upstream = this.#upstream;
    if (!upstream) return false;
    upstream.endBody(this.#trailers);
    return true;
  }
}
