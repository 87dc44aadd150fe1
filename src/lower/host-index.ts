// SPDX-License-Identifier: Apache-2.0
/**
 * Host patterns -> "which of them cover this host, most specific first", without looking at them all: exact by map, then
 * only the suffix lengths that wildcards really have. Istio's most-specific match for VirtualService hosts, DestinationRule
 * hosts and Gateway server hosts is this one question.
 */
import { isWildcard } from '../resources/hosts.js';

export class HostIndex<Value> {
  readonly #values = new Map<string, Value>();
  /** Lengths of the wildcards' suffixes, longest first. */
  #suffixLengths: readonly number[] = [];

  /** `host` in lower case. */
  get(host: string): Value | undefined {
    return this.#values.get(host);
  }

  set(host: string, value: Value): void {
    if (isWildcard(host) && !this.#values.has(host)) {
      const length = host.length - 1;
      if (!this.#suffixLengths.includes(length)) {
        this.#suffixLengths = [...this.#suffixLengths, length].sort((left, right) => right - left);
      }
    }
    this.#values.set(host, value);
  }

  entries(): IterableIterator<[string, Value]> {
    return this.#values.entries();
  }

  /**
   * Visits the patterns that cover `host` (itself a name or a wildcard, lower case), the most specific first, until
   * `visit` returns true; returns whether it did.
   */
  visitCovering(host: string, visit: (value: Value, pattern: string) => boolean): boolean {
    const own = this.#values.get(host);
    if (own !== undefined && visit(own, host)) return true;
    const suffix = isWildcard(host) ? host.slice(1) : host;
    for (const length of this.#suffixLengths) {
      if (length > suffix.length) continue;
      const pattern = `*${suffix.slice(suffix.length - length)}`;
      if (pattern === host) continue;
      const value = this.#values.get(pattern);
      if (value !== undefined && visit(value, pattern)) return true;
    }
    return false;
  }

  /** The value of the most specific pattern that covers `host`. */
  mostSpecific(host: string): Value | undefined {
    let found: Value | undefined;
    this.visitCovering(host, (value) => {
      found = value;
      return true;
    });
    return found;
  }
}
