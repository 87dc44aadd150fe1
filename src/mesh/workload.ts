// SPDX-License-Identifier: Apache-2.0
/**
 * A Pod or WorkloadEntry -> the workload that metrics name. Pods carry no owner in files and in many API lists, so the
 * owner's name is taken from the pod's: controllers build it as `<owner>-<hash>-<random>` and leave the hash in a label.
 */
import type { Pod } from '../resources/types.js';
import type { MeshWorkload } from './mesh.js';

const NO_WORKLOAD: MeshWorkload = { name: '', namespace: '', serviceAccount: '' };

export function unknownWorkload(namespace: string): MeshWorkload {
  return { ...NO_WORKLOAD, namespace };
}

export function workloadOfPod(pod: Pod): MeshWorkload {
  return {
    name: ownerName(pod.name, pod.labels),
    namespace: pod.namespace,
    serviceAccount: pod.spec.serviceAccountName ?? 'default',
  };
}

/** The name of the Deployment, StatefulSet or DaemonSet behind a pod, or the pod's own name. */
export function ownerName(podName: string, labels: Readonly<Record<string, string>>): string {
  const templateHash = labels['pod-template-hash'];
  if (templateHash !== undefined) {
    const at = podName.lastIndexOf(`-${templateHash}`);
    if (at > 0) return podName.slice(0, at);
  }
  if (labels['statefulset.kubernetes.io/pod-name'] === podName) return podName.replace(/-\d+$/, '');
  if (labels['controller-revision-hash'] !== undefined) return podName.replace(/-[a-z0-9]{5}$/, '');
  return podName;
}
