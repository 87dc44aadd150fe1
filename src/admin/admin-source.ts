// SPDX-License-Identifier: Apache-2.0
/** What the admin server asks its owner for. Everything is read at each request; nothing is kept here. */
import type { RoutingModel } from '../model/model.js';
import type { BoundListener } from '../proxy/proxy.js';
import type { Problem } from '../resources/problem.js';
import type { HostData } from '../rules/encoded-tables.js';
import type { Logger } from '../telemetry/log.js';
import type { ConfigFacts, MetricsSource } from '../telemetry/server-facts.js';

/** `server()` and `statistics()` come from MetricsSource: state, node and version are in the server facts. */
export interface AdminSource extends MetricsSource {
  readonly logger: Logger;
  /** As given or by default, for /server_info; no secrets. */
  commandLineOptions(): Readonly<Record<string, string | number | boolean>>;
  /** Absent before the first configuration and when the proxy runs from a table file. */
  model(): RoutingModel | undefined;
  /** Absent before the first tables. */
  host(): HostData | undefined;
  configStatus(): ConfigStatus;
  listeners(): readonly BoundListener[];
  /** The table of routes as `weft routes` prints it; empty when there is no model. */
  printRoutes(): string;
  /** Begins to drain; resolves when requests in flight are done. */
  drain(): Promise<void>;
  /** Ends the process; called after the answer has been sent. */
  quit(): void;
  /** False when there is no such thread. */
  crashThread(index: number): boolean;
}

export interface ConfigStatus extends ConfigFacts {
  /** Why the state is not `ok`, one line; empty otherwise. */
  readonly reason: string;
  /** Hash of what is in force; '' when not known. */
  readonly contentHash: string;
  /** ms since 1970 UTC; 0 = none yet. */
  readonly lastAttemptMs: number;
  /** Files, folders or addresses that the configuration comes from. */
  readonly sources: readonly string[];
  /** Of the last attempt. */
  readonly problems: readonly Problem[];
  /** Resources that are in force in an older version, because the present one has an error. */
  readonly kept: readonly string[];
}
