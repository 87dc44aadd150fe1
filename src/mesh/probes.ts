// SPDX-License-Identifier: Apache-2.0
/**
 * Which probe an endpoint is checked by: that of an annotation on its own WorkloadEntry, that of the WorkloadGroup to which
 * the entry belongs, else that of an annotation on the service.
 */
import type { ProbeSpec, Resource, WorkloadEntry, WorkloadGroup } from '../resources/types.js';
import { PROBE_ANNOTATION } from '../resources/probe-annotation.js';
import { selects } from './mesh.js';

/** Istio puts it on entries that it registers by itself. */
const GROUP_ANNOTATION = 'istio.io/autoRegistrationGroup';

/** Validation has accepted the text. */
export function annotatedProbe(resource: Resource): ProbeSpec | undefined {
  const text = resource.annotations[PROBE_ANNOTATION];
  return text === undefined ? undefined : (JSON.parse(text) as ProbeSpec);
}

/** An entry belongs to the group that its annotation names, else to the first whose labels it has. */
export function probeOfEntry(
  entry: WorkloadEntry,
  labels: Readonly<Record<string, string>>,
  groups: readonly WorkloadGroup[],
): ProbeSpec | undefined {
  const own = annotatedProbe(entry);
  if (own !== undefined) return own;
  const named = entry.annotations[GROUP_ANNOTATION];
  const group = groups.find(({ namespace, name, spec }) => {
    if (namespace !== entry.namespace) return false;
    if (named !== undefined) return name === named;
    const wanted = spec.metadata?.labels ?? {};
    return Object.keys(wanted).length > 0 && selects(wanted, labels);
  });
  return group?.spec.probe;
}
