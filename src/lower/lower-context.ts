// SPDX-License-Identifier: Apache-2.0
/** What every step of one lowering shares. */
import type { Mesh } from '../mesh/mesh.js';
import type { ClusterTable } from './clusters.js';
import type { Delegates } from './delegates.js';
import type { Findings } from './findings.js';
import type { ProxyNode, ReadEnvironment } from './proxy-node.js';

export interface LowerContext {
  readonly mesh: Mesh;
  readonly node: ProxyNode;
  readonly clusters: ClusterTable;
  readonly delegates: Delegates;
  readonly findings: Findings;
  readonly read: ReadEnvironment;
}

/** The port to bind for a port of the configuration. */
export function listenPortOf(node: ProxyNode, port: number): number {
  return node.listenMap.get(port) ?? port;
}
