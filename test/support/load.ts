// SPDX-License-Identifier: Apache-2.0
/** Keep-alive load on a port from a worker thread, with every failure and every answer by outdated rules reported. */
import { Worker } from 'node:worker_threads';

export interface LoadOptions {
  readonly port: number;
  readonly host: string;
  readonly connections: number;
  /** Sent in turn. */
  readonly targets?: readonly string[];
  /** Ends by itself after so many requests. */
  readonly requests?: number;
  /** Statuses that are no failure; default 200. */
  readonly allowedStatuses?: readonly number[];
}

export interface LoadReport {
  readonly requestCount: number;
  readonly failureCount: number;
  readonly connectionCount: number;
  /** The first failures, in words. */
  readonly failures: readonly string[];
  /** Answers whose `x-rules` is below the number given to `rulesAreLive` before the request was sent. */
  readonly stale: readonly string[];
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers by their `x-upstream`. */
  readonly upstreams: Readonly<Record<string, number>>;
}

const [STOP, ANSWERED, FAILED, OLDEST_RULES, CONNECTED, LIMIT, NUMBER_COUNT] = [0, 1, 2, 3, 4, 5, 6];

export class Load {
  readonly #numbers = new Int32Array(new SharedArrayBuffer(NUMBER_COUNT * 4));
  readonly #ended: Promise<Pick<LoadReport, 'failures' | 'stale' | 'statuses' | 'upstreams'>>;

  constructor(options: LoadOptions) {
    this.#numbers[LIMIT] = options.requests ?? 0;
    const heads = (options.targets ?? ['/']).map((target) => `GET ${target} HTTP/1.1\r\nhost: ${options.host}\r\n\r\n`);
    const worker = new Worker(new URL('./load-worker.mjs', import.meta.url), {
      workerData: {
        port: options.port,
        connections: options.connections,
        heads,
        sharedNumbers: this.#numbers.buffer,
        allowedStatuses: options.allowedStatuses ?? [200],
      },
    });
    this.#ended = new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  }

  /** Answers so far. */
  get requestCount(): number {
    return Atomics.load(this.#numbers, ANSWERED);
  }

  get failureCount(): number {
    return Atomics.load(this.#numbers, FAILED);
  }

  /** Requests sent from now on must be answered by rules `version` or later. */
  rulesAreLive(version: number): void {
    Atomics.store(this.#numbers, OLDEST_RULES, version);
  }

  /** Lets requests under way finish. */
  stop(): Promise<LoadReport> {
    Atomics.store(this.#numbers, STOP, 1);
    return this.whenDone();
  }

  /** Resolves when the requests of the options have been sent and answered. */
  async whenDone(): Promise<LoadReport> {
    const report = await this.#ended;
    return {
      ...report,
      requestCount: this.requestCount,
      failureCount: this.failureCount,
      connectionCount: Atomics.load(this.#numbers, CONNECTED),
    };
  }
}
