// SPDX-License-Identifier: Apache-2.0
/**
 * The proxy that a mesh is lowered for: what Istio's selectors, static match conditions and visibility look at.
 */

export interface ProxyNode {
  /** `sidecar` builds the outbound listeners of a workload's proxy, `gateway` those of the Gateways that select it. */
  readonly role: 'gateway' | 'sidecar';
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Port of the configuration (Gateway server, Service) -> port to bind; ports that are not in it bind as they are. */
  readonly listenMap: ReadonlyMap<number, number>;
  /** IP literal to bind where a Gateway server has no `bind`. */
  readonly bind: string;
  /** DNS suffix of the proxy's cluster, which decides who gets short names; default: the mesh's. */
  readonly domain?: string;
  /**
   * What a sidecar does with hosts that the mesh does not know, where no Sidecar resource says. Istio's own default is
   * ALLOW_ANY; here it is REGISTRY_ONLY, because a port that is not captured would serve anybody as an open proxy.
   */
  readonly outboundTrafficPolicy?: 'ALLOW_ANY' | 'REGISTRY_ONLY';
  /** Whether routes without `retries` get exactly Istio's default policy, also for requests with side effects. */
  readonly istioDefaultRetries?: boolean;
}

/** Reads one environment variable; undefined when it is not set. */
export type ReadEnvironment = (name: string) => string | undefined;
