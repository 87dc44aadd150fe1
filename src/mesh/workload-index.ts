// SPDX-License-Identifier: Apache-2.0
/**
 * Pods and WorkloadEntries -> the sets that selectors ask for. Indexed by namespace and label pair: without that, every
 * service would look at every pod.
 */
import type { Pod, ProbeSpec, WorkloadEntry, WorkloadGroup } from '../resources/types.js';
import { selects } from './mesh.js';
import { probeOfEntry } from './probes.js';

export class WorkloadIndex {
  readonly #podsByLabel = new Map<string, Pod[]>();
  readonly #entriesByLabel = new Map<string, WorkloadEntry[]>();
  readonly #podsByName = new Map<string, Pod>();
  readonly #podsByAddress = new Map<string, Pod>();

  readonly #groups: readonly WorkloadGroup[];

  constructor(pods: readonly Pod[], entries: readonly WorkloadEntry[], groups: readonly WorkloadGroup[] = []) {
    this.#groups = groups;
    for (const pod of pods) {
      this.#podsByName.set(`${pod.namespace}/${pod.name}`, pod);
      const address = pod.spec.status?.podIP;
      // Pods on the host's network share its address, so the address does not say which one is meant.
      if (address !== undefined && pod.spec.hostNetwork !== true) this.#podsByAddress.set(address, pod);
      addByLabels(this.#podsByLabel, pod.namespace, pod.labels, pod);
    }
    for (const entry of entries) addByLabels(this.#entriesByLabel, entry.namespace, entryLabels(entry), entry);
  }

  /** Pods of the namespace that have all labels; none for an empty selector, as Kubernetes defines for Services. */
  podsSelectedBy(selector: Readonly<Record<string, string>>, namespace: string): readonly Pod[] {
    return candidates(this.#podsByLabel, selector, namespace).filter((pod) => selects(selector, pod.labels));
  }

  entriesSelectedBy(selector: Readonly<Record<string, string>>, namespace: string): readonly WorkloadEntry[] {
    return candidates(this.#entriesByLabel, selector, namespace).filter((entry) =>
      selects(selector, entryLabels(entry)),
    );
  }

  /** Undefined where nothing asks for checks of the entry's endpoints. */
  probeOf(entry: WorkloadEntry): ProbeSpec | undefined {
    return probeOfEntry(entry, entryLabels(entry), this.#groups);
  }

  /** The pod that an endpoint names, else the one that has its address. */
  podOfEndpoint(
    target: { readonly kind?: string; readonly name?: string; readonly namespace?: string } | undefined,
    namespace: string,
    address: string,
  ): Pod | undefined {
    if (target?.kind === 'Pod' && target.name !== undefined) {
      const pod = this.#podsByName.get(`${target.namespace ?? namespace}/${target.name}`);
      if (pod !== undefined) return pod.spec.hostNetwork === true ? undefined : pod;
    }
    return this.#podsByAddress.get(address);
  }
}

/** A WorkloadEntry's labels: those of its metadata are added to those of its spec, and win. */
export function entryLabels(entry: WorkloadEntry): Readonly<Record<string, string>> {
  return { ...entry.spec.labels, ...entry.labels };
}

function addByLabels<Item>(
  index: Map<string, Item[]>,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  item: Item,
): void {
  for (const [key, value] of Object.entries(labels)) {
    const pair = `${namespace}/${key}=${value}`;
    const list = index.get(pair);
    if (list === undefined) index.set(pair, [item]);
    else list.push(item);
  }
}

/** The shortest list among those of the selector's label pairs. */
function candidates<Item>(
  index: ReadonlyMap<string, readonly Item[]>,
  selector: Readonly<Record<string, string>>,
  namespace: string,
): readonly Item[] {
  let shortest: readonly Item[] | undefined;
  for (const [key, value] of Object.entries(selector)) {
    const list = index.get(`${namespace}/${key}=${value}`) ?? [];
    if (shortest === undefined || list.length < shortest.length) shortest = list;
  }
  return shortest ?? [];
}
