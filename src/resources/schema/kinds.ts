// SPDX-License-Identifier: Apache-2.0
/**
 * The kinds that Weft knows: which API versions they have, where their fields stand, and the table for them. Istio's three
 * versions of a networking kind have one schema, so they are read alike.
 */
import { destinationRuleSpec } from './destination-rule.js';
import { gatewaySpec } from './gateway.js';
import { endpointSliceSpec, endpointsSpec, namespaceSpec, podSpec, secretSpec, serviceSpec } from './kubernetes.js';
import type { MessageSchema } from './schema.js';
import { serviceEntrySpec, workloadEntrySpec } from './service-entry.js';
import { sidecarSpec } from './sidecar.js';
import { workloadGroupSpec } from './workload-group.js';
import { virtualServiceSpec } from './virtual-service.js';

export interface KindSchema {
  readonly kind: string;
  readonly group: string;
  readonly versions: readonly string[];
  readonly spec: MessageSchema;
  /**
   * `spec`: under spec, the rule. `top-level`: the object has no spec. `with-status`: spec with the status inside, as Pods
   * get their address only in the status.
   */
  readonly layout: 'spec' | 'top-level' | 'with-status';
  readonly namespaced: boolean;
}

const NETWORKING = { group: 'networking.istio.io', versions: ['v1', 'v1beta1', 'v1alpha3'] } as const;
const CORE = { group: '', versions: ['v1'] } as const;

/** Kinds whose resources reach the later stages. */
export const KINDS: readonly KindSchema[] = [
  { kind: 'VirtualService', ...NETWORKING, spec: virtualServiceSpec, layout: 'spec', namespaced: true },
  { kind: 'DestinationRule', ...NETWORKING, spec: destinationRuleSpec, layout: 'spec', namespaced: true },
  { kind: 'Gateway', ...NETWORKING, spec: gatewaySpec, layout: 'spec', namespaced: true },
  { kind: 'ServiceEntry', ...NETWORKING, spec: serviceEntrySpec, layout: 'spec', namespaced: true },
  { kind: 'WorkloadEntry', ...NETWORKING, spec: workloadEntrySpec, layout: 'spec', namespaced: true },
  { kind: 'WorkloadGroup', ...NETWORKING, spec: workloadGroupSpec, layout: 'spec', namespaced: true },
  { kind: 'Sidecar', ...NETWORKING, spec: sidecarSpec, layout: 'spec', namespaced: true },
  { kind: 'Service', ...CORE, spec: serviceSpec, layout: 'spec', namespaced: true },
  {
    kind: 'EndpointSlice',
    group: 'discovery.k8s.io',
    versions: ['v1'],
    spec: endpointSliceSpec,
    layout: 'top-level',
    namespaced: true,
  },
  { kind: 'Endpoints', ...CORE, spec: endpointsSpec, layout: 'top-level', namespaced: true },
  { kind: 'Pod', ...CORE, spec: podSpec, layout: 'with-status', namespaced: true },
  { kind: 'Secret', ...CORE, spec: secretSpec, layout: 'top-level', namespaced: true },
  { kind: 'Namespace', ...CORE, spec: namespaceSpec, layout: 'spec', namespaced: false },
];

/** Istio's other kinds by `group/kind`: valid, and not executed yet. */
const NOT_EXECUTED_KINDS: ReadonlySet<string> = new Set([
  'networking.istio.io/EnvoyFilter',
  'networking.istio.io/ProxyConfig',
  'security.istio.io/AuthorizationPolicy',
  'security.istio.io/PeerAuthentication',
  'security.istio.io/RequestAuthentication',
  'telemetry.istio.io/Telemetry',
  'extensions.istio.io/WasmPlugin',
]);

/** The group and version of an apiVersion; Kubernetes' core group is ''. */
export function splitApiVersion(apiVersion: string): { readonly group: string; readonly version: string } {
  const slash = apiVersion.lastIndexOf('/');
  return { group: slash < 0 ? '' : apiVersion.slice(0, slash), version: apiVersion.slice(slash + 1) };
}

/** The table of a kind, or undefined when Weft does not execute it. */
export function findKind(group: string, kind: string): KindSchema | undefined {
  return KINDS.find((candidate) => candidate.kind === kind && candidate.group === group);
}

/** True for a kind of Istio that Weft recognises and leaves out. */
export function isNotExecutedKind(group: string, kind: string): boolean {
  return NOT_EXECUTED_KINDS.has(`${group}/${kind}`);
}
