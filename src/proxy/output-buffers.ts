// SPDX-License-Identifier: Apache-2.0
/**
 * Where a thread puts together what it sends: heads, and body bytes on their way from one socket to another. A write that
 * the kernel takes whole leaves its buffer free again at once; one that it doesn't keeps the buffer until the socket has
 * sent it, and another buffer serves. The last buffer is never kept: what is put together there is copied to be sent.
 */
import type net from 'node:net';
import { OUTPUT_SIZE, SLAB_OUTPUT } from '../../assembly/layout.js';
import type { Engine } from '../engine/engine.js';

const BUFFER_COUNT = 4;
const COPIED = BUFFER_COUNT - 1;
const NOTHING = Buffer.alloc(0);

/** Who is gathering bytes in the buffer that serves; see OutputBuffers.gather. */
export interface Gatherer {
  /** Sends what has been gathered. */
  flushGathered(): void;
}

export class OutputBuffers {
  /** Bytes that fit into the buffer at `open()`. */
  readonly capacity = OUTPUT_SIZE / BUFFER_COUNT;
  readonly #engine: Engine;
  /** By buffer, without the last: whether the kernel has still to read from it. */
  readonly #kept = new Array<boolean>(COPIED).fill(false);
  #current = 0;
  #gatherer: Gatherer | null = null;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Offset of the buffer to write to, empty: what somebody was gathering there is sent first. Valid until the next call. */
  open(): number {
    const gatherer = this.#gatherer;
    if (gatherer) {
      this.#gatherer = null;
      gatherer.flushGathered();
    }
    if (this.#current === COPIED || this.#kept[this.#current]) {
      const free = this.#kept.indexOf(false);
      this.#current = free < 0 ? COPIED : free;
    }
    return this.#engine.slab + SLAB_OUTPUT + this.#current * this.capacity;
  }

  /** `gatherer` goes on adding to the buffer that `open` gave; it is asked to flush before anybody else writes there. */
  gather(gatherer: Gatherer): void {
    this.#gatherer = gatherer;
  }

  /** `gatherer` has sent what it had, or is gone. */
  stopGathering(gatherer: Gatherer): void {
    if (this.#gatherer === gatherer) this.#gatherer = null;
  }

  /** Sends [offset, offset + length) of the open buffer. */
  send(socket: net.Socket, offset: number, length: number): void {
    const view = this.#engine.buffer.subarray(offset, offset + length);
    if (socket.writableLength > 0 || this.#current === COPIED) {
      socket.write(Buffer.from(view));
      return;
    }
    socket.write(view);
    if (socket.writableLength > 0) this.#keep(socket);
  }

  /** Sends bytes from elsewhere, which may change after the call. */
  sendCopy(socket: net.Socket, bytes: Uint8Array): void {
    const buffer = this.open();
    if (bytes.length > this.capacity || socket.writableLength > 0 || this.#current === COPIED) {
      socket.write(Buffer.from(bytes));
      return;
    }
    if (bytes.buffer === this.#engine.memory.buffer) {
      this.#engine.exports.moveBytes(buffer, bytes.byteOffset, bytes.length);
    } else this.#engine.bytes.set(bytes, buffer);
    this.send(socket, buffer, bytes.length);
  }

  #keep(socket: net.Socket): void {
    const index = this.#current;
    this.#kept[index] = true;
    // An empty write after it, because 'drain' is only emitted after a write above the high-water mark.
    socket.write(NOTHING, () => {
      this.#kept[index] = false;
    });
  }
}

/** Whether a socket can be given more: beyond its high-water mark it emits 'drain' when it can again. */
export function hasRoom(socket: net.Socket): boolean {
  return socket.writableLength < socket.writableHighWaterMark;
}
