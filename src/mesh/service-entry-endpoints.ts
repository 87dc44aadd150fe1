// SPDX-License-Identifier: Apache-2.0
/**
 * A port of a ServiceEntry -> its endpoints: those written in it, those that its workloadSelector takes from Pods and
 * WorkloadEntries of its namespace, or for DNS resolution without any, the host itself.
 */
import type { PortSpec, ProbeSpec, ServiceEntry, WorkloadEntrySpec } from '../resources/types.js';
import type { MeshEndpoint, MeshWorkload } from './mesh.js';
import { unknownWorkload, workloadOfPod } from './workload.js';
import { entryLabels } from './workload-index.js';
import type { WorkloadIndex } from './workload-index.js';

export function endpointsOfEntryPort(
  entry: ServiceEntry,
  host: string,
  port: PortSpec,
  workloads: WorkloadIndex,
): MeshEndpoint[] {
  const { resolution, endpoints = [], workloadSelector } = entry.spec;
  if (!hasEndpointList(entry)) return [];
  const target = port.targetPort ?? port.number;
  const portName = port.name ?? '';
  const found: MeshEndpoint[] = [];
  for (const inline of endpoints) {
    const workload = { ...unknownWorkload(entry.namespace), serviceAccount: inline.serviceAccount ?? '' };
    const endpoint = endpointOfEntry(inline, portName, target, inline.labels ?? {}, workload);
    if (endpoint !== undefined) found.push(endpoint);
  }
  if (workloadSelector?.labels !== undefined) {
    found.push(...selected(entry.namespace, workloadSelector.labels, portName, target, workloads));
  }
  const isDns = resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN';
  if (isDns && endpoints.length === 0 && workloadSelector === undefined) {
    found.push({
      address: host,
      port: target,
      weight: 1,
      healthy: true,
      labels: {},
      workload: unknownWorkload(entry.namespace),
    });
  }
  return found;
}

/** NONE (also when unset) and DYNAMIC_DNS take the address from the client's own request. */
export function hasEndpointList(entry: ServiceEntry): boolean {
  const { resolution = 'NONE', workloadSelector } = entry.spec;
  return workloadSelector !== undefined || (resolution !== 'NONE' && resolution !== 'DYNAMIC_DNS');
}

/**
 * The endpoint that a WorkloadEntry (or an inline endpoint of the same shape) is for one service port. Its own `ports`
 * decide by service port name; a Unix socket has no port (0). Undefined without an address: such an entry is reached
 * through its network's gateway only.
 */
export function endpointOfEntry(
  entry: WorkloadEntrySpec,
  portName: string,
  targetPort: number,
  labels: Readonly<Record<string, string>>,
  workload: MeshWorkload,
): MeshEndpoint | undefined {
  const { address, ports, weight } = entry;
  if (address === undefined || address === '') return undefined;
  const port = address.startsWith('unix://') ? 0 : (ports?.[portName] ?? targetPort);
  // Istio reads weight 0 as unset.
  return { address, port, weight: Math.max(1, weight ?? 1), healthy: true, labels, workload };
}

export function withProbe(endpoint: MeshEndpoint, probe: ProbeSpec | undefined): MeshEndpoint {
  return probe === undefined ? endpoint : { ...endpoint, probe };
}

function selected(
  namespace: string,
  labels: Readonly<Record<string, string>>,
  portName: string,
  targetPort: number,
  workloads: WorkloadIndex,
): MeshEndpoint[] {
  const found: MeshEndpoint[] = [];
  for (const workloadEntry of workloads.entriesSelectedBy(labels, namespace)) {
    const endpoint = endpointOfEntry(workloadEntry.spec, portName, targetPort, entryLabels(workloadEntry), {
      name: workloadEntry.name,
      namespace,
      serviceAccount: workloadEntry.spec.serviceAccount ?? '',
    });
    if (endpoint !== undefined) found.push(withProbe(endpoint, workloads.probeOf(workloadEntry)));
  }
  for (const pod of workloads.podsSelectedBy(labels, namespace)) {
    const { podIP, phase, conditions } = pod.spec.status ?? {};
    if (podIP === undefined || phase === 'Succeeded' || phase === 'Failed') continue;
    const ready = conditions?.find((condition) => condition.type === 'Ready')?.status;
    found.push({
      address: podIP,
      port: targetPort,
      weight: 1,
      healthy: ready === undefined || ready === 'True',
      labels: pod.labels,
      workload: workloadOfPod(pod),
    });
  }
  return found;
}
