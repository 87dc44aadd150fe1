// SPDX-License-Identifier: Apache-2.0
/** Domains of a filter chain's virtual hosts -> its host index: hash slots, a reversed trie of suffixes, and the `*` host. */
import * as layout from '../../assembly/layout.js';
import type { VirtualHost } from '../model/model.js';
import { encodeSlots } from './encode-slots.js';
import type { TrieValue } from './encode-trie.js';
import { encodeTrie } from './encode-trie.js';
import { toByteString } from './key-hash.js';
import type { TableWriter } from './table-writer.js';

function reversed(bytes: string): string {
  let result = '';
  for (let index = bytes.length - 1; index >= 0; index--) result += bytes[index] ?? '';
  return result;
}

/**
 * Appends the chain's record. `firstHost` is the number of its first virtual host. A domain that stands in two virtual
 * hosts belongs to the first.
 */
export function encodeFilterChain(writer: TableWriter, virtualHosts: readonly VirtualHost[], firstHost: number): void {
  const exact = new Map<string, number>();
  const suffixes = new Map<string, TrieValue>();
  let any = -1;
  virtualHosts.forEach((virtualHost, index) => {
    const value = firstHost + index;
    for (const domain of virtualHost.domains) {
      const bytes = toByteString(domain);
      if (bytes === '*') any = any < 0 ? value : any;
      else if (!bytes.startsWith('*')) {
        if (!exact.has(bytes)) exact.set(bytes, value);
      } else {
        const suffix = reversed(bytes.slice(1));
        if (!suffixes.has(suffix)) suffixes.set(suffix, { value, groupsFirst: 0, groupsCount: 0 });
      }
    }
  });
  const slots = encodeSlots(exact, writer.hostSlots, writer.text);
  const trie = encodeTrie(suffixes, { nodes: writer.hostNodes, keys: writer.hostKeys, text: writer.text });
  const record = writer.filterChains.reserve(1);
  writer.filterChains.set(record, layout.FILTER_CHAIN_HOST_SLOTS_FIRST, slots.first);
  writer.filterChains.set(record, layout.FILTER_CHAIN_HOST_SLOTS_COUNT, slots.count);
  writer.filterChains.set(record, layout.FILTER_CHAIN_HOST_ROOT, trie.root);
  writer.filterChains.set(record, layout.FILTER_CHAIN_ANY_HOST, any);
}
