// SPDX-License-Identifier: Apache-2.0
/**
 * Two meshes -> whether they differ in nothing but endpoints, which is what changes all day in a cluster: pods come and go,
 * while routes are edited by people. Resources that did not change are the same objects in both (LoadCache), so that a
 * mesh of thousands is compared by identity; in doubt the answer is no, and everything is lowered again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Resource, ServiceEntry } from '../resources/types.js';
import type { Mesh, MeshPort, MeshService } from './mesh.js';

/** `isNamed` tells resources that problems speak of: with them problems may change too. */
export function differsInEndpointsOnly(before: Mesh, after: Mesh, isNamed: (resource: Resource) => boolean): boolean {
  if (before.settings !== after.settings && !isDeepStrictEqual(before.settings, after.settings)) return false;
  if (!haveSameItems(before.virtualServices, after.virtualServices)) return false;
  if (!haveSameItems(before.destinationRules, after.destinationRules)) return false;
  if (!haveSameItems(before.gateways, after.gateways)) return false;
  if (!haveSameItems(before.sidecars, after.sidecars)) return false;
  const sourcesOf = (mesh: Mesh): Resource[] => [...mesh.aliases.values()].map(({ source }) => source);
  if (!haveSameItems(sourcesOf(before), sourcesOf(after))) return false;
  if (!haveSameItems([...before.services.keys()], [...after.services.keys()])) return false;
  for (const [host, services] of before.services) {
    const others = after.services.get(host) ?? [];
    if (services.length !== others.length) return false;
    const isSame = (service: MeshService, index: number): boolean => {
      const other = others[index];
      return other !== undefined && isSameButEndpoints(service, other, isNamed);
    };
    if (!services.every(isSame)) return false;
  }
  return true;
}

function haveSameItems(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length === after.length && before.every((item, index) => item === after[index]);
}

function isSameButEndpoints(
  before: MeshService,
  after: MeshService,
  isNamed: (resource: Resource) => boolean,
): boolean {
  const { source } = before;
  const other = after.source;
  if (source !== other) {
    if (source.kind !== 'ServiceEntry' || other.kind !== 'ServiceEntry') return false;
    if (isNamed(source) || !isSameEntryButEndpoints(source, other)) return false;
  }
  return before.ports.every((port, index) => isSamePortTarget(port, after.ports[index]));
}

function isSameEntryButEndpoints(before: ServiceEntry, after: ServiceEntry): boolean {
  const ports = (before.spec.ports ?? []).map((_port, index) => `spec.ports[${index}]`);
  const isMoved = (path: string): boolean => !isDeepStrictEqual(before.positionOf(path), after.positionOf(path));
  if (['', 'metadata.name', 'spec', 'spec.hosts', ...ports].some(isMoved)) return false;
  if (before.order !== after.order || hasUnixSocket(before) || hasUnixSocket(after)) return false;
  return isDeepStrictEqual(withoutEndpoints(before), withoutEndpoints(after));
}

function withoutEndpoints(entry: ServiceEntry): unknown {
  return { ...entry, position: undefined, positionOf: undefined, spec: { ...entry.spec, endpoints: undefined } };
}

/** These are warned of by their place in the list. */
function hasUnixSocket({ spec }: ServiceEntry): boolean {
  return spec.endpoints?.some(({ address }) => address?.startsWith('unix://') === true) === true;
}

/** A gateway's port is the target port of its Service, which has a number only at the endpoints when it is a name. */
function isSamePortTarget(before: MeshPort, after: MeshPort | undefined): boolean {
  return typeof before.targetPort === 'number' || before.endpoints[0]?.port === after?.endpoints[0]?.port;
}
