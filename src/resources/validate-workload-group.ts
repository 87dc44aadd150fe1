// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `WorkloadGroup` that a table cannot say. */
import { fieldsSet, show } from './findings.js';
import type { Draft, Place } from './findings.js';
import type { ProbeSpec } from './types.js';

export function checkProbe(probe: Draft<ProbeSpec>, place: Place): void {
  if (fieldsSet(probe, ['httpGet', 'tcpSocket', 'grpc', 'exec']).length === 0) {
    place.report('missing-field', 'probe has no method', 'Set one of httpGet, tcpSocket and grpc.');
  }
  for (const [index, header] of (probe.httpGet?.httpHeaders ?? []).entries()) {
    const name = header?.name;
    if (name === undefined || /^[-_A-Za-z0-9]+$/.test(name)) continue;
    const hint = 'Use letters, digits, "-" and "_".';
    place
      .at('httpGet', 'httpHeaders', index, 'name')
      .report('invalid-header-name', `is no header (${show(name)})`, hint);
  }
}
