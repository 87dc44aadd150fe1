// SPDX-License-Identifier: Apache-2.0
/**
 * The mesh's VirtualServices -> those that one proxy may use, with names resolved, in Istio's order: private to its
 * namespace, exported to it by name, public; oldest first inside each.
 */
import type { Mesh } from '../mesh/mesh.js';
import { visibilityOf, visibilityRank } from '../mesh/visibility.js';
import { resolveHost } from '../resources/hosts.js';
import type { VirtualService } from '../resources/types.js';

export const MESH_GATEWAY = 'mesh';

export interface BoundVirtualService {
  readonly resource: VirtualService;
  /** Full names in lower case, without repeats. */
  readonly hosts: readonly string[];
  /** `ns/name`, or `mesh`. */
  readonly gateways: ReadonlySet<string>;
  /** Place in the order of preference. */
  readonly rank: number;
}

/** A VirtualService without hosts is a delegate and is not used by itself. */
export function virtualServicesFor(mesh: Mesh, namespace: string): BoundVirtualService[] {
  const { domain, defaultVirtualServiceExportTo } = mesh.settings;
  const byRank: VirtualService[][] = [[], [], []];
  for (const resource of mesh.virtualServices) {
    if ((resource.spec.hosts ?? []).length === 0) continue;
    const visibility = visibilityOf(resource.spec.exportTo, resource.namespace, defaultVirtualServiceExportTo);
    const rank = visibilityRank(visibility, resource.namespace, namespace);
    if (rank !== undefined) byRank[rank]?.push(resource);
  }
  return byRank.flat().map((resource, rank) => ({
    resource,
    hosts: [...new Set((resource.spec.hosts ?? []).map((host) => resolveHost(host, resource.namespace, domain)))],
    gateways: gatewaysOf(resource),
    rank,
  }));
}

/**
 * `name` in the namespace of the VirtualService, `./name`, `ns/name`, or the legacy `name.ns.svc.domain` (Gateway names
 * have no dots) -> `ns/name`; `mesh` stays.
 */
export function gatewayNameOf(name: string, namespace: string): string {
  if (name === MESH_GATEWAY) return name;
  const slash = name.indexOf('/');
  if (slash >= 0) return name.startsWith('./') ? `${namespace}/${name.slice(2)}` : name;
  const [first = '', second] = name.split('.');
  return second === undefined ? `${namespace}/${name}` : `${second}/${first}`;
}

function gatewaysOf(resource: VirtualService): ReadonlySet<string> {
  const names = resource.spec.gateways ?? [];
  if (names.length === 0) return new Set([MESH_GATEWAY]);
  return new Set(names.map((name) => gatewayNameOf(name, resource.namespace)));
}
