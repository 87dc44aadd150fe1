// SPDX-License-Identifier: Apache-2.0
/**
 * The mesh as one proxy sees it -> its routing model. All of Istio's meaning ends here: order, visibility, merging and
 * defaults are settled, so that nothing after this stage knows what a VirtualService is.
 */
import type { Mesh } from '../mesh/mesh.js';
import type { Cluster, RoutingModel } from '../model/model.js';
import type { Problem } from '../resources/problem.js';
import { ClusterTable } from './clusters.js';
import { Delegates } from './delegates.js';
import { Findings } from './findings.js';
import { lowerGatewayListeners } from './gateway-listeners.js';
import type { LowerContext } from './lower-context.js';
import type { ProxyNode, ReadEnvironment } from './proxy-node.js';
import { lowerSidecarListeners } from './sidecar-listeners.js';

export interface Lowered {
  readonly model: RoutingModel;
  /** Warnings and notes; nothing that was accepted becomes an error here. */
  readonly problems: Problem[];
}

/** `read` gives the environment variables that header values may name; without it none is set. */
export function lower(mesh: Mesh, node: ProxyNode, read: ReadEnvironment = () => undefined): Lowered {
  const findings = new Findings();
  const clusters = new ClusterTable(mesh, node, findings);
  const delegates = new Delegates(mesh, findings);
  const context: LowerContext = { mesh, node, clusters, delegates, findings, read };
  const listeners = node.role === 'gateway' ? lowerGatewayListeners(context) : lowerSidecarListeners(context);
  return { model: { listeners, clusters: clusters.list() }, problems: findings.list() };
}

/**
 * The clusters of a mesh that differs from one lowered before, for the same node, in nothing but endpoints. All else that
 * `lower` would return is as it was before.
 */
export function lowerClusters(mesh: Mesh, node: ProxyNode, before: readonly Cluster[]): Cluster[] {
  const clusters = new ClusterTable(mesh, node, new Findings());
  for (const cluster of before) clusters.useAgain(cluster);
  return clusters.list();
}
