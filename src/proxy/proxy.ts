// SPDX-License-Identifier: Apache-2.0
/** The running data plane as its owner sees it: publish tables, read statistics, drain, stop. */
import type { CertificateSet } from '../model/certificate-set.js';
import type { EncodedTables } from '../rules/encoded-tables.js';
import type { ClientLimits } from '../engine/client-limits.js';
import type { StatisticsSnapshot } from '../engine/statistics.js';
import type { FrontChoice } from './messages.js';
import type { Logger } from '../telemetry/log.js';

export interface ProxyOptions {
  /** Number of data-path threads. */
  readonly threads: number;
  /** Which front serves plaintext HTTP ports. */
  readonly front: FrontChoice;
  /** How long requests in flight may take after a drain began, ms. */
  readonly drainMs: number;
  /** What clients may do; only the wire front keeps to all of it. */
  readonly limits: ClientLimits;
  /** Access log: off, or where to (`/dev/stdout` or a file) and how. */
  readonly accessLog?: AccessLogOptions;
  /** Adds x-weft-reason to responses that Weft makes; names internals, so never at an edge. */
  readonly exposeReasons: boolean;
  readonly logger: Logger;
  /** Called when a thread can't be kept alive or nothing can listen any more. */
  onFatal(error: Error): void;
}

export interface AccessLogOptions {
  readonly path: string;
  readonly encoding: 'TEXT' | 'JSON';
}

export type ProxyState = 'PRE_INITIALIZING' | 'INITIALIZING' | 'LIVE' | 'DRAINING';

/** What became of a publish; on failure the previous tables stay in force. */
export type PublishResult =
  { readonly ok: true; readonly generation: number } | { readonly ok: false; readonly reason: string };

/** Where a listener really is, once bound. */
export interface BoundListener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Its connections begin with TLS. */
  readonly needsWire: boolean;
  readonly error?: string;
}

export interface Proxy {
  readonly state: ProxyState;
  /** Checks the tables, makes every thread use them for new requests, opens and closes listeners to fit. */
  publish(encoded: EncodedTables, certificates: CertificateSet): Promise<PublishResult>;
  statistics(): StatisticsSnapshot;
  listeners(): readonly BoundListener[];
  /** After the log file has been moved away. */
  reopenAccessLog(): Promise<void>;
  /** Stops accepting, lets requests in flight finish for `drainMs`; resolves when all are done. */
  drain(): Promise<void>;
  /** Stops at once. */
  stop(): Promise<void>;
  /** Ends one data-path thread as an uncaught error would; it is replaced (for game days). */
  crashThread(index: number): boolean;
}
