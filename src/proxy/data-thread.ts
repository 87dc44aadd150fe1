// SPDX-License-Identifier: Apache-2.0
/** The main thread's side of one data-path thread: its worker, its messages, and what becomes of it when it ends. */
import { Worker } from 'node:worker_threads';
import type { Logger } from '../telemetry/log.js';
import type { FromThread, ListenerWish, ListenFailure, ThreadData, ToThread } from './messages.js';
import type { GenerationMessage } from './generation-view.js';

/**
 * V8 takes a third of it for each half of the young generation, and keeps what a half has grown to. Idle it makes no
 * difference once the heap was trimmed; under load it held 2 to 3 MiB less with 32 connections. CPU per request was within
 * the noise of the machine, which was too busy to rule out a few per cent.
 */
const YOUNG_GENERATION_MB = 3;

export type DataThreadState = 'starting' | 'running' | 'draining' | 'stopped';

export interface DataThreadEvents {
  /** It met an error that nobody caught: a replacement should start, and this thread be drained when that serves. */
  onDying(thread: DataThread): void;
  /** Its worker has ended; what it held can be released. */
  onEnd(thread: DataThread): void;
  onAccessLog(lines: Uint8Array, count: number): void;
}

export class DataThread {
  /** Slab index, and the position among the threads that should run. */
  readonly index: number;
  readonly place: number;
  state: DataThreadState = 'starting';
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #events: DataThreadEvents;
  readonly #ready: Promise<void>;
  readonly #ended: Promise<void>;
  readonly #listening = new Map<number, (failures: readonly ListenFailure[]) => void>();
  readonly #generations = new Map<number, () => void>();
  #nextRequest = 0;
  #lastListen: Promise<unknown> = Promise.resolve();
  #markReady: () => void = () => undefined;
  #markEnded: () => void = () => undefined;

  constructor(place: number, data: ThreadData, logger: Logger, events: DataThreadEvents) {
    this.place = place;
    this.index = data.index;
    this.#logger = logger;
    this.#events = events;
    this.#ready = new Promise((resolve) => (this.#markReady = resolve));
    this.#ended = new Promise((resolve) => (this.#markEnded = resolve));
    this.#worker = new Worker(new URL('./thread.js', import.meta.url), {
      workerData: data,
      name: `weft-${place}`,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker.on('message', (message: FromThread) => this.#onMessage(message));
    this.#worker.on('error', (error) => this.#onError(error));
    this.#worker.on('exit', () => this.#onExit());
  }

  /** Resolves when the thread serves, or has ended without ever doing so. */
  whenReady(): Promise<void> {
    return this.#ready;
  }

  whenEnded(): Promise<void> {
    return this.#ended;
  }

  /** Resolves when the thread knows the generation (or has ended). */
  addGeneration(generation: GenerationMessage): Promise<void> {
    if (this.state === 'stopped') return Promise.resolve();
    return new Promise((resolve) => {
      this.#generations.set(generation.serial, resolve);
      this.#say({ kind: 'generation', generation });
    });
  }

  use(slot: number): void {
    this.#say({ kind: 'use', slot });
  }

  /** What session tickets are sealed with from now on. */
  setTicketSecret(secret: Uint8Array): void {
    this.#say({ kind: 'ticket-secret', secret });
  }

  retire(slot: number, serial: number): void {
    this.#say({ kind: 'retire', slot, serial });
  }

  /** Opens and closes listeners to fit; resolves with those that could not be opened. */
  listen(listeners: readonly ListenerWish[]): Promise<readonly ListenFailure[]> {
    if (this.state === 'stopped') return Promise.resolve([]);
    const answer = new Promise<readonly ListenFailure[]>((resolve) => {
      const request = this.#nextRequest++;
      this.#listening.set(request, resolve);
      this.#say({ kind: 'listen', request, listeners });
    });
    this.#lastListen = answer;
    return answer;
  }

  /** Resolves when no descriptor that the thread was told of is still to be duplicated: answers come in order. */
  whenListening(): Promise<unknown> {
    return this.#lastListen;
  }

  drain(drainMs: number): void {
    if (this.state === 'stopped') return;
    this.state = 'draining';
    // Answered, so that whoever closes a descriptor knows that this thread has nothing to do with it any more.
    void this.listen([]);
    this.#say({ kind: 'drain', drainMs });
  }

  stop(): void {
    this.#say({ kind: 'stop' });
  }

  crash(): void {
    this.#say({ kind: 'crash' });
  }

  #say(message: ToThread): void {
    if (this.state !== 'stopped') this.#worker.postMessage(message);
  }

  #onMessage(message: FromThread): void {
    switch (message.kind) {
      case 'ready':
        if (this.state === 'starting') this.state = 'running';
        this.#markReady();
        break;
      case 'has-generation':
        this.#generations.get(message.serial)?.();
        this.#generations.delete(message.serial);
        break;
      case 'listening':
        this.#listening.get(message.request)?.(message.failures);
        this.#listening.delete(message.request);
        break;
      case 'dying':
        this.#logger.critical('main', 'a data-path thread met an error and is replaced', {
          thread: this.index,
          error: message.error,
        });
        if (this.state !== 'draining') {
          this.state = 'draining';
          this.#events.onDying(this);
        }
        break;
      case 'log':
        this.#logger.log(message.level, message.component, message.message, message.fields);
        break;
      case 'access-log':
        this.#events.onAccessLog(message.lines, message.count);
        break;
    }
  }

  #onError(error: Error): void {
    this.#logger.critical('main', 'a data-path thread ended with an error', {
      thread: this.index,
      error: error.message,
    });
  }

  #onExit(): void {
    const expected = this.state === 'draining';
    this.state = 'stopped';
    for (const resolve of this.#generations.values()) resolve();
    for (const resolve of this.#listening.values()) resolve([]);
    this.#generations.clear();
    this.#listening.clear();
    this.#markReady();
    if (!expected) this.#events.onDying(this);
    this.#events.onEnd(this);
    this.#markEnded();
  }
}
