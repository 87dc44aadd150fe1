// SPDX-License-Identifier: Apache-2.0
/**
 * A service -> the host names under which a sidecar's clients may ask for it: full name, short names as DNS search paths
 * make them, addresses, pod names of a headless service, and the names of ExternalName Services that point at it.
 */
import { isIPv6 } from 'node:net';
import { findService } from '../mesh/mesh.js';
import type { Mesh, MeshService, ServiceAlias } from '../mesh/mesh.js';
import { isVisibleIn } from '../mesh/visibility.js';
import type { ProxyNode } from './proxy-node.js';

export class SidecarDomains {
  readonly #mesh: Mesh;
  readonly #node: ProxyNode;
  readonly #aliases = new Map<string, ServiceAlias[]>();

  constructor(mesh: Mesh, node: ProxyNode) {
    this.#mesh = mesh;
    this.#node = node;
    for (const alias of mesh.aliases.values()) {
      // An alias of an alias stays unresolved: Istio follows one step.
      if (!isVisibleIn(alias.visibility, node.namespace)) continue;
      const list = this.#aliases.get(alias.target);
      if (list === undefined) this.#aliases.set(alias.target, [alias]);
      else list.push(alias);
    }
  }

  /** The full name first. */
  domainsOf(service: MeshService): string[] {
    const names = this.#namesOf(service.host, service.name, service.namespace);
    const pods = service.headless ? names.map((name) => `*.${name}`) : [];
    const aliases = (this.#aliases.get(service.host) ?? []).flatMap((alias) =>
      this.#namesOf(alias.host, alias.name, alias.namespace),
    );
    const addresses = service.addresses.filter((address) => !address.includes('/') && address !== '0.0.0.0');
    return [...names, ...pods, ...addresses.map((address) => (isIPv6(address) ? `[${address}]` : address)), ...aliases];
  }

  #namesOf(host: string, name: string, namespace: string): string[] {
    if (host.startsWith('*')) return [host];
    const names = [host, `${host}.`];
    const suffix = `.svc.${this.#node.domain ?? this.#mesh.settings.domain}`;
    // Only the proxy's own cluster domain is in its search path.
    if (host !== `${name}.${namespace}${suffix}`.toLowerCase()) return names;
    const short = host.slice(0, -suffix.length);
    const variants = [short, `${short}.svc`];
    if (namespace === this.#node.namespace) variants.unshift(name.toLowerCase());
    // A short form that is another service's real name belongs to that service.
    const isFree = (variant: string): boolean => findService(this.#mesh, variant, this.#node.namespace) === undefined;
    return [...names, ...variants.filter(isFree)];
  }
}
