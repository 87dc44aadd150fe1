// SPDX-License-Identifier: Apache-2.0
/**
 * The mesh: services with their endpoints by host name, and the policies that speak of them, as plain data. It is the
 * same for every proxy; what one proxy sees of it is decided when it is lowered. `src/mesh` imports the types of
 * `src/resources` and its name and scalar rules (hosts.ts, scalars.ts), and nothing else.
 */
import type {
  DestinationRule,
  Gateway,
  ProbeSpec,
  Service,
  ServiceEntry,
  Sidecar,
  VirtualService,
} from '../resources/types.js';
import type { PortProtocol } from './port-protocol.js';
import type { MeshSettings } from './settings.js';
import { visibilityRank } from './visibility.js';
import type { Visibility } from './visibility.js';

export interface Mesh {
  readonly settings: MeshSettings;
  /** By host name in lower case; usually one, the best first: Kubernetes Services, then ServiceEntries, oldest first. */
  readonly services: ReadonlyMap<string, readonly MeshService[]>;
  /** ExternalName Services by host name in lower case. */
  readonly aliases: ReadonlyMap<string, ServiceAlias>;
  /** Oldest first. */
  readonly virtualServices: readonly VirtualService[];
  readonly destinationRules: readonly DestinationRule[];
  readonly gateways: readonly Gateway[];
  readonly sidecars: readonly Sidecar[];
}

export interface MeshService {
  /** Lower case; a wildcard for some ServiceEntries. */
  readonly host: string;
  /** Name for metrics: a Kubernetes Service's name, a ServiceEntry's host. */
  readonly name: string;
  readonly namespace: string;
  readonly source: Service | ServiceEntry;
  readonly visibility: Visibility;
  /** Addresses that clients dial; IP literals and CIDR blocks. */
  readonly addresses: readonly string[];
  /** Kubernetes `clusterIP: None`. */
  readonly headless: boolean;
  /** False where a client must bring the address itself (ServiceEntry resolution NONE and DYNAMIC_DNS). */
  readonly hasEndpointList: boolean;
  /** Pod labels that the Kubernetes Service selects; empty where it selects none. */
  readonly selector: Readonly<Record<string, string>>;
  readonly ports: readonly MeshPort[];
}

export interface MeshPort {
  readonly number: number;
  readonly name: string;
  readonly protocol: PortProtocol;
  /** As declared: a number or the name of a container's port. */
  readonly targetPort: number | string;
  /** Sorted by address and port. */
  readonly endpoints: readonly MeshEndpoint[];
  /** Where the port stands in the resource that declares it. */
  readonly path: string;
}

export interface MeshEndpoint {
  /** IP literal, DNS name (resolution DNS), or `unix://` path. */
  readonly address: string;
  readonly port: number;
  /** At least 1. */
  readonly weight: number;
  readonly healthy: boolean;
  /** How it is found out whether it serves; absent = it counts as it is. */
  readonly probe?: ProbeSpec;
  /** What subsets select by. */
  readonly labels: Readonly<Record<string, string>>;
  readonly workload: MeshWorkload;
}

/** Empty strings where unknown. */
export interface MeshWorkload {
  readonly name: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface ServiceAlias {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
  /** The ExternalName in lower case, without a trailing dot. */
  readonly target: string;
  readonly visibility: Visibility;
  readonly source: Service;
}

/**
 * The service that a client in `namespace` means by `host` (lower case): a visible Kubernetes Service first, else the
 * first ServiceEntry in the order private, exported, public.
 */
export function findService(mesh: Mesh, host: string, namespace: string): MeshService | undefined {
  let best: MeshService | undefined;
  let bestRank = 3;
  for (const service of mesh.services.get(host) ?? []) {
    const rank = visibilityRank(service.visibility, service.namespace, namespace);
    if (rank === undefined) continue;
    if (service.source.kind === 'Service') return service;
    if (rank < bestRank) {
      best = service;
      bestRank = rank;
    }
  }
  return best;
}

/** True when `labels` has every pair of `selector`; an empty selector selects everything. */
export function selects(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (selector === undefined) return true;
  for (const key of Object.keys(selector)) if (labels[key] !== selector[key]) return false;
  return true;
}
