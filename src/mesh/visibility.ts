// SPDX-License-Identifier: Apache-2.0
/**
 * Istio's `exportTo` -> a visibility that answers "may a proxy in namespace N use this?" without looking at the raw list
 * again. `.` becomes the resource's own namespace, so that two lists that mean the same compare equal.
 */

export interface Visibility {
  /** Visible everywhere (`*`). */
  readonly everywhere: boolean;
  /** Sorted, without duplicates; empty when `everywhere`, and for `~` (visible nowhere). */
  readonly namespaces: readonly string[];
}

/** `exportTo` absent or empty means `fallback`, which is MeshConfig's default for the kind. */
export function visibilityOf(
  exportTo: readonly string[] | undefined,
  ownNamespace: string,
  fallback: readonly string[],
): Visibility {
  const entries = exportTo === undefined || exportTo.length === 0 ? fallback : exportTo;
  if (entries.includes('*')) return { everywhere: true, namespaces: [] };
  const named = entries.filter((entry) => entry !== '~').map((entry) => (entry === '.' ? ownNamespace : entry));
  return { everywhere: false, namespaces: [...new Set(named)].sort() };
}

export function isVisibleIn(visibility: Visibility, namespace: string): boolean {
  return visibility.everywhere || visibility.namespaces.includes(namespace);
}

/**
 * Rank in Istio's order of candidates for a client's namespace: 0 = private to it, 1 = exported to it by name, 2 = public;
 * undefined = not visible.
 */
export function visibilityRank(visibility: Visibility, ownNamespace: string, client: string): 0 | 1 | 2 | undefined {
  if (visibility.everywhere) return 2;
  if (!visibility.namespaces.includes(client)) return undefined;
  return ownNamespace === client ? 0 : 1;
}

export function sameVisibility(left: Visibility, right: Visibility): boolean {
  return includesVisibility(left, right) && includesVisibility(right, left);
}

/** True when everyone who sees `inner` sees `outer` too. */
export function includesVisibility(outer: Visibility, inner: Visibility): boolean {
  if (outer.everywhere) return true;
  return !inner.everywhere && inner.namespaces.every((namespace) => outer.namespaces.includes(namespace));
}
