// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `WorkloadEntry` that a table cannot say. */
import { show } from './findings.js';
import type { Draft, Place } from './findings.js';
import { faultOfFqdn, isIpAddress, isUnixAddress } from './scalars.js';
import type { WorkloadEntrySpec } from './types.js';

export function checkWorkloadEntry(entry: Draft<WorkloadEntrySpec>, place: Place): void {
  const { address } = entry;
  if (address === undefined || address === '') {
    if (Object.hasOwn(entry, 'address')) return;
    if (entry.network !== undefined && entry.network !== '') {
      const text = 'endpoint has a network and no address, so it is reached through a gateway of that network';
      place.report('network-without-address', text);
    } else {
      place.at('address').report('missing-field', 'address is required', 'Write an IP address or a domain name.');
    }
    return;
  }
  if (address.startsWith('unix://')) {
    if (!isUnixAddress(address)) {
      const hint = 'Write unix:// and an absolute path.';
      place.at('address').report('invalid-address', `is not a Unix socket (${show(address)})`, hint);
    }
    if (Object.keys(entry.ports ?? {}).length > 0) {
      place.at('ports').reportKey('ports-with-unix', 'an endpoint at a Unix socket has no ports', 'Remove ports.');
    }
  } else if (!isIpAddress(address)) {
    const fault = faultOfFqdn(address);
    if (fault === undefined) return;
    const hint = 'Write an IP address, a domain name or unix:///path.';
    place.at('address').report('invalid-address', `${fault} (${show(address)})`, hint);
  }
  if ((entry.serviceAccount?.length ?? 0) > 253) {
    place.at('serviceAccount').report('invalid-name', 'is longer than 253 characters');
  }
}
