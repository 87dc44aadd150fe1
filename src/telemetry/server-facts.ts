// SPDX-License-Identifier: Apache-2.0
/** What telemetry and admin say about the process itself, as plain data: its owner fills it in at each call. */
import type { StatisticsSnapshot } from '../engine/statistics.js';

/** Envoy's server states. */
export type ServerState = 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' | 'INITIALIZING';

export interface ServerFacts {
  readonly version: string;
  readonly state: ServerState;
  /** ms since 1970 UTC. */
  readonly startedAtMs: number;
  readonly nowMs: number;
  readonly node: NodeFacts;
  readonly memory: MemoryFacts;
  readonly config: ConfigFacts;
  /** Listeners that are bound. */
  readonly activeListeners: number;
  /** Absent when the access log is off. */
  readonly accessLog?: { readonly writtenCount: number; readonly droppedCount: number };
}

/** The workload that this proxy belongs to, as Istio's metrics name it; 'unknown' where it is not known. */
export interface NodeFacts {
  /** `<type>~<ip>~<pod>.<namespace>~<domain>`. */
  readonly id: string;
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly canonicalService: string;
  readonly canonicalRevision: string;
  readonly principal: string;
  /** Istio's CLUSTER_ID. */
  readonly clusterId: string;
}

/** Bytes; what process.memoryUsage() says. */
export interface MemoryFacts {
  readonly rss: number;
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

export interface ConfigFacts {
  /** Of the tables in force; 0 before the first. */
  readonly generation: number;
  /** `pending`: nothing was taken yet; `stale`: what the source says now is not (all) in force. */
  readonly state: 'pending' | 'ok' | 'stale';
  /** Attempts to load the configuration, and how many of them failed. */
  readonly attempts: number;
  readonly failures: number;
  /** ms since 1970 UTC; 0 before the first success. */
  readonly lastSuccessMs: number;
}

/** Where metrics are read from; both are called once a scrape. */
export interface MetricsSource {
  statistics(): StatisticsSnapshot;
  server(): ServerFacts;
}
