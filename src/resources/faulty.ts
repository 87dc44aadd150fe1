// SPDX-License-Identifier: Apache-2.0
/**
 * Whether the references of a resource that has errors can still be checked. Faulty values are left out of what the schema
 * check returns, so a resource with a bad duration still says where it leads, and one run should report both; one that
 * lost a name or a host says nothing any more.
 */
import type { KnownResource, PortTrafficPolicySpec } from './types.js';

/** Takes a resource as the schema check left it: fields that its type requires may be missing. */
export function isCheckable(resource: KnownResource): boolean {
  switch (resource.kind) {
    case 'VirtualService': {
      const { hosts, gateways, http } = resource.spec;
      return areStrings(hosts) && areStrings(gateways) && all(http, isRule);
    }
    case 'DestinationRule': {
      const { host, subsets, trafficPolicy } = resource.spec;
      const isPolicy = (policy?: { portLevelSettings?: readonly PortTrafficPolicySpec[] }): boolean =>
        all(policy?.portLevelSettings, isPresent);
      return (
        isString(host) &&
        isPolicy(trafficPolicy) &&
        all(subsets, ({ name, trafficPolicy: own }) => isString(name) && isPolicy(own))
      );
    }
    case 'Gateway':
      return (
        Array.isArray(resource.spec.servers) &&
        all(resource.spec.servers, ({ hosts }) => Array.isArray(hosts) && areStrings(hosts))
      );
    case 'ServiceEntry':
      return (
        Array.isArray(resource.spec.hosts) && areStrings(resource.spec.hosts) && all(resource.spec.ports, isPresent)
      );
    case 'Service':
      return all(resource.spec.ports, isPresent);
    case 'WorkloadEntry':
    case 'WorkloadGroup':
    case 'Sidecar':
    case 'EndpointSlice':
    case 'Endpoints':
    case 'Pod':
    case 'Secret':
    case 'Namespace':
      return false;
  }
}

type Rule = NonNullable<Extract<KnownResource, { kind: 'VirtualService' }>['spec']['http']>[number];

function isRule({ match, route, mirror, delegate }: Rule): boolean {
  return (
    all(match, ({ gateways }) => areStrings(gateways)) &&
    all(route, (entry) => isString(entry.destination?.host)) &&
    (mirror === undefined || isString(mirror.host)) &&
    (delegate === undefined || isString(delegate.name))
  );
}

/** Also false for a list with gaps: its entries no longer stand where the file has them. */
function all<Entry>(list: readonly Entry[] | undefined, test: (entry: Entry) => boolean): boolean {
  return list === undefined || list.every((entry) => isPresent(entry) && test(entry));
}

function areStrings(list: readonly unknown[] | undefined): boolean {
  return all(list, isString);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
