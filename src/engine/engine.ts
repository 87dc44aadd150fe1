// SPDX-License-Identifier: Apache-2.0
/**
 * The TypeScript face of the engine: one instance of the module over the shared memory, with views of it made once. The
 * calls are those of docs/ENGINE.md, typed; nothing here adds meaning to them.
 */
import { readFileSync } from 'node:fs';
import * as layout from '../../assembly/layout.js';

/** The module's exports; see docs/ENGINE.md for what each does and returns. */
export interface EngineExports {
  layoutVersion(): number;
  attachThread(index: number, seed0: number, seed1: number, seed2: number, seed3: number): void;
  moveBytes(to: number, from: number, length: number): void;
  parseRequestHead(offset: number, length: number): number;
  normalizePath(mode: number): number;
  beginExchange(exchange: number): number;
  routeRequest(exchange: number, listener: number): number;
  findVirtualHost(exchange: number, listener: number): number;
  testRoute(exchange: number, route: number): number;
  answerPattern(matched: number): void;
  admitRequest(exchange: number): number;
  chooseCluster(exchange: number, cluster: number): number;
  countConnection(exchange: number, opened: number, closed: number): void;
  pickEndpoint(exchange: number, avoid: number): number;
  openConnection(exchange: number, connection: number): number;
  closeConnection(connection: number): void;
  openClient(connection: number, listenerSlot: number): number;
  closeClient(connection: number): void;
  resetChunked(connection: number): void;
  connectionWaiters(clusterSlot: number): number;
  enterPending(exchange: number, waitsForLimit: number): number;
  leavePending(exchange: number): void;
  startRetry(exchange: number): number;
  endRetry(exchange: number): void;
  writeRequestHead(exchange: number, out: number, capacity: number, flags: number): number;
  parseResponseHead(offset: number, length: number, methodId: number): number;
  writeResponseHead(exchange: number, out: number, capacity: number, style: number): number;
  decodeChunked(connection: number, offset: number, length: number): number;
  leaveGeneration(exchange: number): void;
  abandonExchange(exchange: number): void;
  finishExchange(exchange: number, durationMs: number): void;
  releaseThread(): number;
  verifyTable(base: number, length: number): number;
}

/** dist/engine.wasm, beside the compiled code. Throws when the build did not make it. */
export function compileEngine(file: URL = new URL('../../engine.wasm', import.meta.url)): WebAssembly.Module {
  return new WebAssembly.Module(readFileSync(file));
}

/** One thread's engine. */
export class Engine {
  readonly memory: WebAssembly.Memory;
  readonly module: WebAssembly.Module;
  /** Views of the whole memory; index bytes/4, bytes/8 for the wider ones. */
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
  readonly words: Uint32Array;
  readonly ints: Int32Array;
  readonly doubles: Float64Array;
  /** Absolute offset of the attached slab. */
  slab = 0;
  /** Absolute offsets of the slab's exchange and connection records. */
  exchanges = 0;
  connections = 0;
  exports: EngineExports;
  #thread = -1;

  /** Throws Error when module and memory are not of this layout version. */
  constructor(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    this.module = module;
    this.memory = memory;
    const shared = memory.buffer as unknown as ArrayBuffer;
    this.bytes = new Uint8Array(shared);
    this.buffer = Buffer.from(shared);
    this.words = new Uint32Array(shared);
    this.ints = new Int32Array(shared);
    this.doubles = new Float64Array(shared);
    this.exports = this.#instantiate();
    const version = this.exports.layoutVersion();
    if (version !== layout.LAYOUT_VERSION || this.control(layout.CONTROL_VERSION) !== layout.LAYOUT_VERSION) {
      throw new Error(
        `engine.wasm has layout ${version}, this build wants ${layout.LAYOUT_VERSION}: run npm run build`,
      );
    }
  }

  #instantiate(): EngineExports {
    const instance = new WebAssembly.Instance(this.module, { env: { memory: this.memory } });
    return instance.exports as unknown as EngineExports;
  }

  /** A field of the control block. */
  control(offset: number): number {
    return this.words[(layout.CONTROL_BASE + offset) >> 2] ?? 0;
  }

  /** Binds this instance to a thread's slab. */
  attach(thread: number): void {
    const seed = crypto.getRandomValues(new Uint32Array(4));
    this.exports.attachThread(thread, seed[0] ?? 1, seed[1] ?? 1, seed[2] ?? 1, seed[3] ?? 1);
    this.#thread = thread;
    this.slab = this.control(layout.CONTROL_SLABS) + thread * this.control(layout.CONTROL_SLAB_SIZE);
    this.exchanges =
      this.slab +
      layout.SLAB_CLUSTER_COUNTERS +
      this.control(layout.CONTROL_CLUSTER_CAPACITY) * layout.CLUSTER_COUNTERS_SIZE;
    this.connections = this.exchanges + this.control(layout.CONTROL_EXCHANGE_CAPACITY) * layout.EXCHANGE_SIZE;
  }

  /** After a trap: a fresh instance on the same memory and slab, since the old one's state can't be trusted. */
  replaceInstance(): void {
    this.exports = this.#instantiate();
    this.attach(this.#thread);
  }
}
