// SPDX-License-Identifier: Apache-2.0
/**
 * Clusters with TLS -> what connections to them are opened with. Contexts are made once for equal credentials, when a cluster
 * first needs one, and live as long as a generation names them: a renewed certificate is a new context, and connections that
 * are open go on. A cluster without upstreamTls has no transport: its sockets are plain.
 */
import type { ClusterData } from '../rules/encoded-tables.js';
import type { GenerationView } from './generation-view.js';
import { settingsKeyOf } from './transport-settings.js';
import { TlsContext, TlsTransport } from './upstream-tls.js';
import type { UpstreamTransport } from './upstream-transport.js';

/** Server names come from clients where SNI is automatic, so what is kept by name has a bound. */
const MAX_TRANSPORTS = 1000;

export class UpstreamTransports {
  /** By the fingerprint of the credentials. */
  readonly #contexts = new Map<string, TlsContext>();
  /** By cluster settings, credentials and server name. */
  readonly #transports = new Map<string, UpstreamTransport>();

  /** The generation has become current: what only earlier ones knew is let go. */
  use(generation: GenerationView): void {
    const live = new Set([...generation.certificates.clusters.values()].map(({ fingerprint }) => fingerprint));
    for (const fingerprint of [...this.#contexts.keys()])
      if (!live.has(fingerprint)) this.#contexts.delete(fingerprint);
    this.#transports.clear();
  }

  /**
   * Null for plaintext. `host` is that of the request after rewriting, with or without a port, for clusters that take the server
   * name from it; '' where there is none.
   */
  of(generation: GenerationView, cluster: ClusterData, host: string): UpstreamTransport | null {
    const settings = cluster.upstreamTls;
    if (settings === undefined) return null;
    const serverName = settings.sni ?? withoutPort(host);
    const certificates = generation.certificates.clusters.get(cluster.name);
    const key = `${certificates?.fingerprint ?? ''} ${cluster.name} ${generation.serial} ${serverName}`;
    const known = this.#transports.get(key);
    if (known !== undefined) return known;
    let context = certificates && this.#contexts.get(certificates.fingerprint);
    if (certificates !== undefined && context === undefined) {
      context = new TlsContext(certificates);
      this.#contexts.set(certificates.fingerprint, context);
    }
    const transport = new TlsTransport(cluster.name, settings, settingsKeyOf(settings), serverName, context);
    if (this.#transports.size >= MAX_TRANSPORTS) this.#transports.clear();
    this.#transports.set(key, transport);
    return transport;
  }
}

/** `a.example:80` -> `a.example`, `[::1]:80` -> `::1`. */
function withoutPort(host: string): string {
  return host.startsWith('[') ? host.slice(1).replace(/\].*$/, '') : host.replace(/:\d*$/, '');
}
