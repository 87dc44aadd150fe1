// SPDX-License-Identifier: Apache-2.0
/**
 * The filter chains of one listener and a ClientHello's server name -> the chain that serves it, by Envoy's rule: the exact
 * name, then the longest wildcard, then the chain that matches everything. A look-up costs one hash probe for each label.
 */
import type { FilterChainMatch } from './model.js';

export class FilterChainIndex<Chain extends { readonly match: FilterChainMatch }> {
  /** By exact name, by `.suffix` for wildcards, and by '' for the chain that matches everything. */
  readonly #chains = new Map<string, Chain>();

  /** Of two chains with one name the first has it. */
  constructor(chains: Iterable<Chain>) {
    for (const chain of chains) {
      const { serverNames } = chain.match;
      const keys = serverNames.length === 0 ? [''] : serverNames.map((name) => name.replace(/^\*/, ''));
      for (const key of keys) if (!this.#chains.has(key)) this.#chains.set(key, chain);
    }
  }

  /** `serverName` is '' when the client named none; its case does not matter. */
  find(serverName: string): Chain | undefined {
    const name = serverName.toLowerCase();
    if (name === '') return this.#chains.get('');
    const exact = this.#chains.get(name);
    if (exact !== undefined) return exact;
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const wildcard = this.#chains.get(name.slice(dot));
      if (wildcard !== undefined) return wildcard;
    }
    return this.#chains.get('');
  }
}
