// SPDX-License-Identifier: Apache-2.0
/**
 * A model whose endpoints may be DNS names -> the same model with addresses only. One endpoint stands for each address of a
 * name, as Envoy's STRICT_DNS clusters do it. Names are asked again when their TTL ends; after a failed lookup the last
 * addresses stay in force and the name is asked again after Istio's dnsRefreshRate. IPv4 is preferred, as in Istio's
 * default lookup family. A name that has never resolved has no endpoints (503 `UH`), and everything else works.
 */
import { lookup, resolve4, resolve6 } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Cluster, Endpoint, RoutingModel } from '../model/model.js';

/** A TTL of 0 means "ask every time", which a proxy with thousands of requests a second must not do. */
const MIN_TTL_MS = 1000;
/** MeshConfig `dnsRefreshRate`. */
const FAILURE_REFRESH_MS = 60_000;
/** For names that only the system's lookup knows (/etc/hosts, mDNS), which says no TTL. */
const LOOKUP_TTL_MS = 30_000;

export interface ResolvedName {
  readonly addresses: readonly string[];
  readonly ttlMs: number;
}

/** Rejects when the name has no address. */
export type ResolveName = (name: string) => Promise<ResolvedName>;

interface NameState {
  addresses: readonly string[];
  timer: NodeJS.Timeout | undefined;
  /** False while resolveModel waits for the first answer, and so will use it itself. */
  announces: boolean;
}

export class DnsResolver {
  readonly #resolve: ResolveName;
  readonly #onChange: () => void;
  readonly #onFailure: (name: string, error: Error) => void;
  readonly #names = new Map<string, NameState>();

  /** `onChange` is called when the addresses of a name in use have become others. */
  constructor(
    onChange: () => void,
    onFailure: (name: string, error: Error) => void,
    resolve: ResolveName = resolveWithTtl,
  ) {
    this.#onChange = onChange;
    this.#onFailure = onFailure;
    this.#resolve = resolve;
  }

  /** Waits at most `waitMs` for names that were never asked before; names no longer in the model are forgotten. */
  async resolveModel(model: RoutingModel, waitMs: number): Promise<RoutingModel> {
    const wanted = namesOf(model);
    for (const [name, state] of this.#names) {
      if (wanted.has(name)) continue;
      clearTimeout(state.timer);
      this.#names.delete(name);
    }
    if (wanted.size === 0) return model;
    const added: NameState[] = [];
    const answers: Promise<void>[] = [];
    for (const name of wanted) {
      if (this.#names.has(name)) continue;
      const state: NameState = { addresses: [], timer: undefined, announces: false };
      this.#names.set(name, state);
      added.push(state);
      answers.push(this.#ask(name, state));
    }
    if (answers.length > 0) await Promise.race([Promise.all(answers), delay(waitMs)]);
    for (const state of added) state.announces = true;
    return { ...model, clusters: model.clusters.map((cluster) => this.#withAddresses(cluster)) };
  }

  close(): void {
    for (const state of this.#names.values()) clearTimeout(state.timer);
    this.#names.clear();
  }

  async #ask(name: string, state: NameState): Promise<void> {
    let nextMs = FAILURE_REFRESH_MS;
    let changed = false;
    try {
      const { addresses, ttlMs } = await this.#resolve(name);
      const sorted = [...new Set(addresses)].sort();
      changed = sorted.join() !== state.addresses.join();
      state.addresses = sorted;
      nextMs = Math.max(MIN_TTL_MS, ttlMs);
    } catch (error) {
      this.#onFailure(name, error instanceof Error ? error : new Error(String(error)));
    }
    if (this.#names.get(name) !== state) return;
    state.timer = setTimeout(() => void this.#ask(name, state), nextMs);
    state.timer.unref();
    if (changed && state.announces) this.#onChange();
  }

  #withAddresses(cluster: Cluster): Cluster {
    if (cluster.endpoints.every((endpoint) => !isDnsName(endpoint.address))) return cluster;
    const endpoints: Endpoint[] = [];
    for (const endpoint of cluster.endpoints) {
      if (!isDnsName(endpoint.address)) endpoints.push(endpoint);
      else {
        const addresses = this.#names.get(endpoint.address)?.addresses ?? [];
        endpoints.push(...addresses.map((address) => ({ ...endpoint, address })));
      }
    }
    return { ...cluster, endpoints };
  }
}

/** A records, else AAAA records, with their TTL; else the system's lookup, which also reads /etc/hosts. */
export async function resolveWithTtl(name: string): Promise<ResolvedName> {
  for (const resolve of [resolve4, resolve6]) {
    try {
      const records = await resolve(name, { ttl: true });
      if (records.length === 0) continue;
      const ttlSeconds = Math.min(...records.map(({ ttl }) => ttl));
      return { addresses: records.map(({ address }) => address), ttlMs: ttlSeconds * 1000 };
    } catch {
      // The next family or the system's lookup may know the name; the last of them reports the failure.
    }
  }
  const found = await lookup(name, { all: true, verbatim: false });
  const family = found[0]?.family;
  return {
    addresses: found.filter((entry) => entry.family === family).map(({ address }) => address),
    ttlMs: LOOKUP_TTL_MS,
  };
}

function namesOf(model: RoutingModel): Set<string> {
  const names = new Set<string>();
  for (const cluster of model.clusters) {
    for (const { address } of cluster.endpoints) if (isDnsName(address)) names.add(address);
  }
  return names;
}

/** Unix socket paths contain a slash and are no names. */
function isDnsName(address: string): boolean {
  return isIP(address) === 0 && !address.includes('/');
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
