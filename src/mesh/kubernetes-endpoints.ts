// SPDX-License-Identifier: Apache-2.0
/**
 * A port of a Kubernetes Service -> its endpoints: from EndpointSlices, else from Endpoints, else from the Pods that the
 * Service selects (files written by hand have Pods but seldom slices); WorkloadEntries that it selects are added. Slices
 * beat Endpoints because Kubernetes mirrors the one into the other.
 */
import type { Endpoints, EndpointSlice, Pod, Service } from '../resources/types.js';
import type { MeshEndpoint } from './mesh.js';
import { unknownWorkload, workloadOfPod } from './workload.js';
import { endpointOfEntry, withProbe } from './service-entry-endpoints.js';
import { entryLabels } from './workload-index.js';
import type { WorkloadIndex } from './workload-index.js';

export interface EndpointSources {
  /** By `namespace/service name`. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  readonly endpoints: ReadonlyMap<string, Endpoints>;
  readonly workloads: WorkloadIndex;
}

type ServicePort = NonNullable<Service['spec']['ports']>[number];

export function endpointsOfServicePort(service: Service, port: ServicePort, sources: EndpointSources): MeshEndpoint[] {
  const key = `${service.namespace}/${service.name}`;
  const slices = sources.slices.get(key);
  const endpoints = sources.endpoints.get(key);
  const selector = service.spec.selector ?? {};
  let found: MeshEndpoint[];
  if (slices !== undefined) found = fromSlices(service, port, slices, sources.workloads);
  else if (endpoints !== undefined) found = fromEndpoints(service, port, endpoints, sources.workloads);
  else found = fromPods(service, port, sources.workloads.podsSelectedBy(selector, service.namespace));
  for (const entry of sources.workloads.entriesSelectedBy(selector, service.namespace)) {
    const target = typeof port.targetPort === 'number' ? port.targetPort : port.port;
    const endpoint = endpointOfEntry(entry.spec, port.name ?? '', target, entryLabels(entry), {
      name: entry.name,
      namespace: entry.namespace,
      serviceAccount: entry.spec.serviceAccount ?? '',
    });
    if (endpoint !== undefined) found.push(withProbe(endpoint, sources.workloads.probeOf(entry)));
  }
  return found;
}

function fromSlices(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  workloads: WorkloadIndex,
): MeshEndpoint[] {
  const found: MeshEndpoint[] = [];
  for (const slice of slices) {
    if (slice.spec.addressType === 'FQDN') continue;
    const number = slice.spec.ports?.find((candidate) => (candidate.name ?? '') === (port.name ?? ''))?.port;
    if (number === undefined) continue;
    for (const { addresses, conditions, targetRef } of slice.spec.endpoints ?? []) {
      if (conditions?.terminating === true) continue;
      const ready = conditions?.ready !== false || service.spec.publishNotReadyAddresses === true;
      for (const address of addresses) {
        const pod = workloads.podOfEndpoint(targetRef, service.namespace, address);
        found.push(endpointOf(address, number, ready, pod, service.namespace));
      }
    }
  }
  return found;
}

function fromEndpoints(
  service: Service,
  port: ServicePort,
  endpoints: Endpoints,
  workloads: WorkloadIndex,
): MeshEndpoint[] {
  const found: MeshEndpoint[] = [];
  const unready = service.spec.publishNotReadyAddresses === true;
  for (const subset of endpoints.spec.subsets ?? []) {
    const number = subset.ports?.find((candidate) => (candidate.name ?? '') === (port.name ?? ''))?.port;
    if (number === undefined) continue;
    const add = (addresses: typeof subset.addresses, healthy: boolean): void => {
      for (const { ip, targetRef } of addresses ?? []) {
        const pod = workloads.podOfEndpoint(targetRef, service.namespace, ip);
        found.push(endpointOf(ip, number, healthy, pod, service.namespace));
      }
    };
    add(subset.addresses, true);
    add(subset.notReadyAddresses, unready);
  }
  return found;
}

function fromPods(service: Service, port: ServicePort, pods: readonly Pod[]): MeshEndpoint[] {
  const found: MeshEndpoint[] = [];
  for (const pod of pods) {
    const { podIP, phase, conditions } = pod.spec.status ?? {};
    if (podIP === undefined || phase === 'Succeeded' || phase === 'Failed') continue;
    const number = containerPort(pod, port);
    if (number === undefined) continue;
    // A pod written by hand has no conditions: it is meant to be used.
    const ready = conditions?.find((condition) => condition.type === 'Ready')?.status;
    const healthy = ready === undefined || ready === 'True' || service.spec.publishNotReadyAddresses === true;
    found.push(endpointOf(podIP, number, healthy, pod, service.namespace));
  }
  return found;
}

/** `targetPort` is a number, the name of one of the pod's container ports, or absent for the Service's own number. */
function containerPort(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target;
  for (const container of pod.spec.containers ?? []) {
    const named = container.ports?.find((candidate) => candidate.name === target);
    if (named !== undefined) return named.containerPort;
  }
  return undefined;
}

/** Without a pod object there are no labels, so only subsets without labels take such an endpoint in. */
function endpointOf(
  address: string,
  port: number,
  healthy: boolean,
  pod: Pod | undefined,
  namespace: string,
): MeshEndpoint {
  return {
    address,
    port,
    weight: 1,
    healthy,
    labels: pod?.labels ?? {},
    workload: pod === undefined ? unknownWorkload(namespace) : workloadOfPod(pod),
  };
}
