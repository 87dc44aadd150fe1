// SPDX-License-Identifier: Apache-2.0
/**
 * All resources -> the services that they define, by full host name, for checking references. This is not the mesh: it
 * knows names and ports only, and takes every namespace together, because a check must not warn about what some proxy
 * may be able to reach.
 */
import { DEFAULT_DOMAIN, hostMatches, hostSubsetOf, isWildcard, resolveHost } from './hosts.js';
import { suggestion } from './nearest-name.js';
import type { DestinationRule, KnownResource } from './types.js';

/** Nobody reads more; and with thousands of services and of wrong hosts the search would take minutes. */
const MAX_SUGGESTIONS = 200;

export class ServiceIndex {
  readonly domain: string;
  /** Ports by host, in lower case. */
  readonly #exact = new Map<string, Set<number>>();
  readonly #wildcards = new Map<string, Set<number>>();
  /** Namespaces of Kubernetes services by short name. */
  readonly #namespaces = new Map<string, string[]>();
  readonly #exactRules = new Map<string, DestinationRule[]>();
  #suggestionsLeft = MAX_SUGGESTIONS;
  readonly #wildcardRules: { readonly host: string; readonly rule: DestinationRule }[] = [];

  constructor(resources: readonly KnownResource[], domain: string = DEFAULT_DOMAIN) {
    this.domain = domain;
    for (const resource of resources) {
      if (resource.kind === 'Service') {
        const { name, namespace, spec } = resource;
        this.#addHost(resolveHost(name, namespace, domain), spec.ports?.map((port) => port.port) ?? []);
        this.#namespaces.set(name, [...(this.#namespaces.get(name) ?? []), namespace]);
      } else if (resource.kind === 'ServiceEntry') {
        const ports = resource.spec.ports?.map((port) => port.number) ?? [];
        for (const host of resource.spec.hosts) this.#addHost(host.toLowerCase(), ports);
      } else if (resource.kind === 'DestinationRule') {
        this.#addRule(resource);
      }
    }
  }

  #addHost(host: string, ports: readonly number[]): void {
    const hosts = isWildcard(host) ? this.#wildcards : this.#exact;
    const known = hosts.get(host) ?? new Set();
    for (const port of ports) known.add(port);
    hosts.set(host, known);
  }

  #addRule(rule: DestinationRule): void {
    const host = resolveHost(rule.spec.host, rule.namespace, this.domain);
    if (isWildcard(host)) this.#wildcardRules.push({ host, rule });
    else this.#exactRules.set(host, [...(this.#exactRules.get(host) ?? []), rule]);
  }

  /** A hint with the nearest host, for the first ones that are asked for: each looks at every host. */
  suggest(host: string): string {
    if (this.#suggestionsLeft === 0) return '';
    this.#suggestionsLeft -= 1;
    return suggestion(host, this.#exact.keys());
  }

  /** Ports of the service that a full host name or a pattern means; undefined when there is none. */
  portsOf(host: string): ReadonlySet<number> | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    for (const [pattern, ports] of this.#wildcards) if (hostSubsetOf(host, pattern)) return ports;
    return undefined;
  }

  /** True when a full host name is a service, or a pattern covers one. */
  has(host: string): boolean {
    if (this.portsOf(host) !== undefined) return true;
    if (!isWildcard(host)) return false;
    for (const known of this.#exact.keys()) if (hostMatches(known, host)) return true;
    for (const known of this.#wildcards.keys()) if (hostMatches(known, host)) return true;
    return false;
  }

  /** Namespaces that have a Kubernetes service of this short name. */
  namespacesOf(shortName: string): readonly string[] {
    return this.#namespaces.get(shortName) ?? [];
  }

  /** Names of the subsets that any DestinationRule defines for a host. */
  subsetsOf(host: string): Set<string> {
    const rules = [...(this.#exactRules.get(host) ?? [])];
    for (const { host: pattern, rule } of this.#wildcardRules) if (hostSubsetOf(host, pattern)) rules.push(rule);
    return new Set(rules.flatMap((rule) => (rule.spec.subsets ?? []).map((subset) => subset.name)));
  }
}
