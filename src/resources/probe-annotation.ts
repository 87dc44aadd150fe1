// SPDX-License-Identifier: Apache-2.0
/**
 * A probe as an annotation, for endpoints that no WorkloadGroup speaks of: JSON of the same shape as WorkloadGroup's `probe`,
 * on a Service, ServiceEntry or WorkloadEntry.
 */
import { checkMessage } from './check-schema.js';
import type { Place } from './findings.js';
import { probe } from './schema/workload-group.js';

export const PROBE_ANNOTATION = 'proxy.weft/probe';

export function checkProbeAnnotation(annotations: Readonly<Record<string, string>> | undefined, place: Place): void {
  const text = annotations?.[PROBE_ANNOTATION];
  if (text === undefined || probe.kind !== 'message') return;
  const at = place.at(PROBE_ANNOTATION);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    at.report('invalid-annotation', 'is not JSON', 'Write a probe such as {"tcpSocket": {"port": 8080}}.');
    return;
  }
  checkMessage(probe.message, value, at);
}
