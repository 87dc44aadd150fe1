// SPDX-License-Identifier: Apache-2.0
/**
 * Heads and body bytes of answers -> one write per turn. They are put together in the thread's output buffer and leave when the
 * cork comes off, when somebody else needs the buffer, or when it is full.
 */
import type net from 'node:net';
import type { ThreadContext } from '../contracts.js';
import type { Gatherer } from '../output-buffers.js';

const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
/** What makes 10 an `a`. */
const LETTERS = 0x57;
/** `0`, CRLF, CRLF, without the trailers between the two. */
const LAST_CHUNK_BYTES = 5;
/** A chunk's size line at its longest and the CRLF after its data. */
const CHUNK_FRAME_BYTES = 12;

export class AnswerWriter implements Gatherer {
  /** While it is set, bytes wait for each other; whoever takes it off flushes. */
  corked = false;
  readonly #path: ThreadContext;
  readonly #socket: net.Socket;
  #offset = 0;
  #length = 0;

  constructor(path: ThreadContext, socket: net.Socket) {
    this.#path = path;
    this.#socket = socket;
  }

  /** Writes the head of the response in the response record; `style` are STYLE_* bits. Its bytes, or a failure. */
  head(exchange: number, style: number): number {
    const { engine, output } = this.#path;
    const offset = output.open();
    const length = engine.exports.writeResponseHead(exchange, offset, output.capacity, style);
    if (length < 0) return length;
    this.#offset = offset;
    this.#gathered(length);
    return length;
  }

  /** Takes body bytes as they are. */
  body(offset: number, length: number): void {
    this.#path.engine.exports.moveBytes(this.#room(length), offset, length);
    this.#gathered(length);
  }

  /** Takes body bytes as a chunk of their own (RFC 9112 7.1). */
  chunk(offset: number, length: number): void {
    const { bytes } = this.#path.engine;
    const start = this.#room(length + CHUNK_FRAME_BYTES);
    let at = this.#putSize(start, length);
    this.#path.engine.exports.moveBytes(at, offset, length);
    at += length;
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.#gathered(at - start);
  }

  /** The last chunk, with trailer lines that end in CRLF each. */
  lastChunk(trailers: Buffer): void {
    const { bytes } = this.#path.engine;
    const start = this.#room(LAST_CHUNK_BYTES + trailers.length);
    let at = start;
    bytes[at++] = ZERO;
    bytes[at++] = CR;
    bytes[at++] = LF;
    if (trailers.length > 0) bytes.set(trailers, at);
    at += trailers.length;
    bytes[at++] = CR;
    bytes[at++] = LF;
    this.#gathered(at - start);
  }

  flushGathered(): void {
    const length = this.#length;
    if (length === 0) return;
    this.#length = 0;
    this.#path.output.stopGathering(this);
    if (!this.#socket.destroyed) this.#path.output.send(this.#socket, this.#offset, length);
  }

  /** The socket is closed: what has been gathered is for nobody. */
  drop(): void {
    this.#length = 0;
    this.#path.output.stopGathering(this);
  }

  /** Makes room for `size` more bytes and returns where they go; `#gathered` takes them when they are there. */
  #room(size: number): number {
    const { output } = this.#path;
    if (this.#length > 0 && this.#length + size > output.capacity) this.flushGathered();
    if (this.#length === 0) this.#offset = output.open();
    return this.#offset + this.#length;
  }

  #gathered(size: number): void {
    this.#length += size;
    if (this.corked) this.#path.output.gather(this);
    else this.flushGathered();
  }

  /** Size line of a chunk in hexadecimal without leading zeros. Returns the offset after it. */
  #putSize(offset: number, size: number): number {
    const { bytes } = this.#path.engine;
    let at = offset;
    for (let shift = 28 - (Math.clz32(size) & ~3); shift >= 0; shift -= 4) {
      const digit = (size >>> shift) & 15;
      bytes[at++] = digit < 10 ? ZERO + digit : LETTERS + digit;
    }
    bytes[at++] = CR;
    bytes[at++] = LF;
    return at;
  }
}
