// SPDX-License-Identifier: Apache-2.0
/**
 * The order in which a listener's virtual hosts are listed. Matching does not depend on it (domains are unique); it keeps
 * models comparable: names first and by letter, then wildcards, the most specific first.
 */
import type { VirtualHost } from '../model/model.js';
import { compareText } from '../mesh/age-order.js';
import { compareSpecificity, isWildcard } from '../resources/hosts.js';

export function sortVirtualHosts(virtualHosts: readonly VirtualHost[]): VirtualHost[] {
  return [...virtualHosts].sort((left, right) => {
    const [first = ''] = left.domains;
    const [second = ''] = right.domains;
    if (!isWildcard(first) && !isWildcard(second)) return compareText(first, second);
    return compareSpecificity(first, second);
  });
}
