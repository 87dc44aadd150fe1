// SPDX-License-Identifier: Apache-2.0
/** A request that is being sent upstream -> copies of it for its route's mirrors. */
import * as layout from '../../assembly/layout.js';
import type { Mirror } from '../model/model.js';
import type { MirroredExchange, ThreadContext } from './contracts.js';
import type { GenerationView } from './generation-view.js';
import { MirrorExchange } from './mirror-exchange.js';

/** Copies under way at once on one thread: mirrors must not take the exchange records that clients need. */
const MAX_MIRRORS = 256;

export class Mirrors {
  readonly #path: ThreadContext;
  readonly #newIndex: () => number;
  readonly #viewOf: (slot: number) => GenerationView | undefined;
  /** Exchange records that no mirror has at the moment. */
  readonly #free: number[] = [];
  #created = 0;

  /** `newIndex`: a free exchange record, -1 = none is left. `viewOf`: the generation in a slot. */
  constructor(path: ThreadContext, newIndex: () => number, viewOf: (slot: number) => GenerationView | undefined) {
    this.#path = path;
    this.#newIndex = newIndex;
    this.#viewOf = viewOf;
  }

  /** One random number for all mirrors, as in Envoy: those of 10 % and of 50 % overlap. */
  start(exchange: MirroredExchange, mirrors: readonly Mirror[]): void {
    const draw = Math.random() * 1_000_000;
    const wanted = mirrors.filter(({ perMillion }) => draw < perMillion);
    if (wanted.length === 0 || exchange.sentHead === '') return;
    const head = Buffer.from(shadowHead(exchange.sentHead), 'latin1');
    for (const { cluster } of wanted) this.#startOne(exchange, cluster, head);
  }

  #startOne(exchange: MirroredExchange, cluster: string, head: Buffer): void {
    const index = this.#free.pop() ?? this.#create();
    if (index < 0) return;
    const { filterChain, timeoutMs } = exchange;
    const generation = this.#viewOf(this.#path.engine.exports.beginExchange(index));
    // A mirror that is not there is no error (Envoy); nor is one that a reload has just taken away.
    const clusterIndex = generation?.clusterIndex(cluster) ?? -1;
    if (generation === undefined || clusterIndex < 0) {
      this.#release(index);
      return;
    }
    const source = { generation, filterChain, cluster: clusterIndex, head };
    const mirror = new MirrorExchange(this.#path, index, source, () => this.#release(index));
    exchange.copyBody(mirror);
    // Its head is parsed where heads are read to, which the callback under way still uses.
    this.#path.whenRead(() => {
      try {
        mirror.start(timeoutMs);
      } catch (error) {
        this.#path.onBug(error);
        mirror.onBug();
      }
    });
  }

  #create(): number {
    if (this.#created >= MAX_MIRRORS) return -1;
    const index = this.#newIndex();
    if (index >= 0) this.#created++;
    return index;
  }

  #release(index: number): void {
    this.#path.engine.exports.abandonExchange(index);
    this.#free.push(index);
  }
}

/** `host` with `-shadow` after the name and before the port, as Envoy marks copies. */
export function shadowHead(head: string): string {
  return head.replace(/^(host: *)(\[[^\]\r\n]*\]|[^:\r\n]*)/im, '$1$2-shadow');
}

/** Bits of the request head that a mirror cannot carry on with. */
export function canMirror(isUpgrade: boolean, methodId: number): boolean {
  return !isUpgrade && methodId !== layout.METHOD_CONNECT;
}
