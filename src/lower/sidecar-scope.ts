// SPDX-License-Identifier: Apache-2.0
/**
 * The Sidecar resource in force for one proxy -> what that proxy is given of the mesh. Without one it is everything that is
 * exported to its namespace. What VirtualServices name as destinations is reached in any case, so clusters do not ask here.
 */
import { findService, selects } from '../mesh/mesh.js';
import type { Mesh, MeshService } from '../mesh/mesh.js';
import { visibilityRank } from '../mesh/visibility.js';
import { hostMatches, hostSubsetOf } from '../resources/hosts.js';
import type { DestinationSpec, Sidecar, SidecarEgressSpec } from '../resources/types.js';
import type { ProxyNode } from './proxy-node.js';
import type { BoundVirtualService } from './virtual-services.js';

export type OutboundPolicy = 'ALLOW_ANY' | 'REGISTRY_ONLY';

interface Import {
  /** `*` = any. */
  readonly namespace: string;
  readonly host: string;
}

/** One entry of `egress`, or the whole mesh where there is no such list. */
export class EgressScope {
  /** Undefined = all ports that no other entry names. */
  readonly port: number | undefined;
  readonly spec: SidecarEgressSpec | undefined;
  /** JSON path in the Sidecar. */
  readonly path: string;
  readonly #imports: readonly Import[];
  readonly #excludes: readonly Import[];

  constructor(spec: SidecarEgressSpec | undefined, ownNamespace: string, path: string) {
    this.spec = spec;
    this.port = spec?.port?.number;
    this.path = path;
    const entries = (spec?.hosts ?? ['*/*']).map((entry) => parseImport(entry, ownNamespace));
    this.#imports = entries.filter((entry) => !entry.isExcluded && entry.namespace !== '~');
    this.#excludes = entries.filter((entry) => entry.isExcluded);
  }

  hasService(service: MeshService): boolean {
    const covers = ({ namespace, host }: Import): boolean =>
      (namespace === '*' || namespace === service.namespace) && hostSubsetOf(service.host, host);
    return this.#imports.some(covers) && !this.#excludes.some(covers);
  }

  /** A VirtualService counts when one of its hosts overlaps what is imported, in either direction. */
  hasVirtualService(bound: BoundVirtualService): boolean {
    const overlaps = ({ namespace, host }: Import): boolean =>
      (namespace === '*' || namespace === bound.resource.namespace) &&
      bound.hosts.some((own) => hostMatches(own, host));
    return this.#imports.some(overlaps);
  }
}

export interface SidecarScope {
  readonly resource: Sidecar | undefined;
  /** Those with a port first. */
  readonly egress: readonly EgressScope[];
  readonly outboundPolicy: OutboundPolicy;
  readonly egressProxy: DestinationSpec | undefined;
}

/** Istio's choice: own namespace with a selector that fits, own namespace without, root namespace without; oldest first. */
export function sidecarScopeOf(mesh: Mesh, node: ProxyNode): SidecarScope {
  const { rootNamespace } = mesh.settings;
  const isSelecting = ({ spec }: Sidecar): boolean => Object.keys(spec.workloadSelector?.labels ?? {}).length > 0;
  const own = mesh.sidecars.filter((sidecar) => sidecar.namespace === node.namespace);
  const resource =
    own.find((sidecar) => isSelecting(sidecar) && selects(sidecar.spec.workloadSelector?.labels, node.labels)) ??
    own.find((sidecar) => !isSelecting(sidecar)) ??
    mesh.sidecars.find((sidecar) => sidecar.namespace === rootNamespace && !isSelecting(sidecar));
  const entries = resource?.spec.egress ?? [];
  // A Sidecar of the root namespace means, by ".", the namespace of the workload.
  const egress =
    entries.length === 0
      ? [new EgressScope(undefined, node.namespace, 'spec')]
      : entries.map((entry, index) => new EgressScope(entry, node.namespace, `spec.egress[${index}]`));
  const policy = resource?.spec.outboundTrafficPolicy;
  const given = node.outboundTrafficPolicy ?? 'REGISTRY_ONLY';
  return {
    resource,
    egress,
    outboundPolicy: policy === undefined ? given : (policy.mode ?? 'REGISTRY_ONLY'),
    egressProxy: policy?.egressProxy,
  };
}

/**
 * The service that `host` means inside one egress scope: with a Sidecar's list the workload's own namespace comes first,
 * then Kubernetes Services, then the others in the usual order.
 */
export function findScopedService(
  mesh: Mesh,
  scope: EgressScope,
  host: string,
  namespace: string,
): MeshService | undefined {
  if (scope.spec === undefined) return findService(mesh, host, namespace);
  let best: MeshService | undefined;
  let bestRank = Number.POSITIVE_INFINITY;
  for (const service of mesh.services.get(host) ?? []) {
    const visibility = visibilityRank(service.visibility, service.namespace, namespace);
    if (visibility === undefined || !scope.hasService(service)) continue;
    const rank = service.namespace === namespace ? 0 : service.source.kind === 'Service' ? 1 : 2 + visibility;
    if (rank < bestRank) {
      best = service;
      bestRank = rank;
    }
  }
  return best;
}

function parseImport(entry: string, ownNamespace: string): Import & { readonly isExcluded: boolean } {
  const slash = entry.indexOf('/');
  const written = entry.slice(0, slash);
  const isExcluded = written.startsWith('~') && written !== '~';
  const named = isExcluded ? written.slice(1) : written;
  return { namespace: named === '.' ? ownNamespace : named, host: entry.slice(slash + 1).toLowerCase(), isExcluded };
}
