// SPDX-License-Identifier: Apache-2.0
/**
 * Host names and host patterns as Istio's resources write them -> full names and their relations. Every result is lower
 * case, because DNS, Istio's registry and Envoy's domain match all ignore case. A pattern that starts with `*` is a
 * wildcard whose rest is a plain suffix without label logic, so `*.a.example` covers `x.y.a.example` and not `a.example`.
 */
import { isIP } from 'node:net';

/** The DNS suffix of a cluster unless the mesh says otherwise. */
export const DEFAULT_DOMAIN = 'cluster.local';

/**
 * The full name of a host in a VirtualService, a destination or a DestinationRule: a name without any dot means a service
 * in the namespace of the resource; every other name, and `*` and IP literals, is taken as written. So `reviews.prod` is
 * not expanded (Istio `VirtualService.hosts`, `Destination.host`).
 */
export function resolveHost(host: string, namespace: string, domain: string = DEFAULT_DOMAIN): string {
  const lower = host.toLowerCase();
  if (lower === '' || lower === '*' || lower.includes('.') || isIP(lower) !== 0) return lower;
  return `${lower}.${namespace.toLowerCase()}.svc.${domain}`;
}

/** True for `*` and for a pattern such as `*.a.example` or `*a.example`. */
export function isWildcard(host: string): boolean {
  return host.startsWith('*');
}

/** True when some host name is covered by both patterns. Symmetric. */
export function hostMatches(first: string, second: string): boolean {
  return intersectHosts(first, second) !== undefined;
}

/** True when `outer` covers every host name that `inner` covers. */
export function hostSubsetOf(inner: string, outer: string): boolean {
  const narrow = inner.toLowerCase();
  const wide = outer.toLowerCase();
  if (!isWildcard(wide)) return narrow === wide;
  const suffix = wide.slice(1);
  return isWildcard(narrow) ? narrow.slice(1).endsWith(suffix) : narrow.endsWith(suffix);
}

/** The narrower of two patterns that overlap, in lower case; undefined when they have no name in common. */
export function intersectHosts(first: string, second: string): string | undefined {
  if (hostSubsetOf(first, second)) return first.toLowerCase();
  if (hostSubsetOf(second, first)) return second.toLowerCase();
  return undefined;
}

/**
 * Order for sorting the most specific host first: names before wildcards, then longer before shorter, then by character
 * code. Zero only for equal hosts.
 */
export function compareSpecificity(first: string, second: string): number {
  const left = first.toLowerCase();
  const right = second.toLowerCase();
  const byKind = Number(isWildcard(left)) - Number(isWildcard(right));
  if (byKind !== 0) return byKind;
  if (left.length !== right.length) return right.length - left.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
