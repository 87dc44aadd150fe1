// SPDX-License-Identifier: Apache-2.0
/**
 * A client that connects to a listener -> a connection record and a place in the listener's count, or a refusal. Where there
 * is no room, the source with the most connections gives up a place before a newcomer is refused (SourceTable). The count is
 * exact over all threads; who has the most is what this thread sees, because connections are spread over threads evenly
 * and a thread can't close another's.
 */
import * as layout from '../../../assembly/layout.js';
import type { ThreadContext } from '../contracts.js';
import { SourceTable } from './source-table.js';
import type { SourceMember } from './source-table.js';

/** Connection records for the clients of the front; see UpstreamPools. */
export interface RecordSource {
  reserveRecord(): number;
  returnRecord(record: number): void;
}

/** A connection that has a place. */
export interface AdmittedClient extends SourceMember {
  readonly record: number;
  /** See sourceKey. */
  readonly source: string;
  /** Closes at once; `left` has been called when it returns. */
  evict(): void;
}

export class ListenerClients {
  readonly name: string;
  readonly #path: ThreadContext;
  readonly #records: RecordSource;
  readonly #everyone: SourceTable<AdmittedClient>;
  /** The listener's own; null where no limit asks for it. */
  readonly #own: SourceTable<AdmittedClient> | null;
  readonly #slot: number;

  constructor(
    path: ThreadContext,
    records: RecordSource,
    everyone: SourceTable<AdmittedClient>,
    name: string,
    slot: number,
  ) {
    this.name = name;
    this.#path = path;
    this.#records = records;
    this.#everyone = everyone;
    this.#own = path.limits.maxConnections > 0 ? new SourceTable() : null;
    this.#slot = slot;
  }

  /** A record with a place in the count, for a client of `source`; -1 = refused, and counted as such. */
  admit(source: string): number {
    let record = this.#records.reserveRecord();
    if (record < 0 && evictFrom(this.#everyone, source)) record = this.#records.reserveRecord();
    if (record < 0) {
      this.count(layout.LISTENER_CX_OVERLOAD_REJECT);
      return -1;
    }
    let verdict = this.#path.engine.exports.openClient(record, this.#slot);
    if (verdict < 0 && this.#own !== null && evictFrom(this.#own, source))
      verdict = this.#path.engine.exports.openClient(record, this.#slot);
    if (verdict < 0) {
      this.#records.returnRecord(record);
      this.count(layout.LISTENER_CX_OVERFLOW);
      return -1;
    }
    this.count(layout.LISTENER_CX_TOTAL);
    return record;
  }

  /** The connection of a record that `admit` gave is open. */
  joined(client: AdmittedClient): void {
    this.#everyone.add(client.source, client);
    this.#own?.add(client.source, client);
  }

  /** `to` has the place and the record of `from` now. */
  replaced(from: AdmittedClient, to: AdmittedClient): void {
    this.#everyone.remove(from.source, from);
    this.#own?.remove(from.source, from);
    this.joined(to);
  }

  /** It is closed; its record is free. */
  left(client: AdmittedClient): void {
    this.#everyone.remove(client.source, client);
    this.#own?.remove(client.source, client);
    this.#path.engine.exports.closeClient(client.record);
    this.#records.returnRecord(client.record);
  }

  /** Adds one to a LISTENER_* counter. */
  count(counter: number): void {
    const { engine } = this.#path;
    const counters = engine.slab + layout.SLAB_LISTENER_COUNTERS + this.#slot * layout.LISTENER_COUNTERS_SIZE;
    const at = (counters + counter) >> 3;
    engine.doubles[at] = (engine.doubles[at] ?? 0) + 1;
  }
}

function evictFrom(table: SourceTable<AdmittedClient>, source: string): boolean {
  const victim = table.victimFor(source);
  victim?.evict();
  return victim !== null;
}
