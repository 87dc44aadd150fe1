// SPDX-License-Identifier: Apache-2.0
/**
 * A match block of a root and one of its delegate -> whether both can hold, and the block that says both. The rules are
 * Istio's (`hasConflict`, `mergeHTTPMatchRequest`), which look at how conditions are written, not at what they accept: a
 * regular expression is never compared, and two that are equal conflict all the same.
 */
import type { HttpMatchRequestSpec, StringMatchSpec } from '../resources/types.js';

type Conditions = Readonly<Record<string, StringMatchSpec | null>>;

const REQUEST_PARTS = ['uri', 'scheme', 'method', 'authority'] as const;
const NAMED_PARTS = ['headers', 'withoutHeaders', 'queryParams'] as const;

/** True when the delegate's block cannot be a part of the root's. Gateways are `ns/name` or `mesh` on both sides. */
export function hasConflict(root: HttpMatchRequestSpec, delegate: HttpMatchRequestSpec): boolean {
  if (REQUEST_PARTS.some((part) => stringsConflict(root[part], delegate[part]))) return true;
  if ((root.ignoreUriCase ?? false) !== (delegate.ignoreUriCase ?? false)) return true;
  for (const part of NAMED_PARTS) {
    const outer: Conditions = root[part] ?? {};
    const conflicts = Object.entries(delegate[part] ?? {}).some(([key, inner]) => stringsConflict(outer[key], inner));
    if (conflicts) return true;
  }
  const { port: rootPort = 0, sourceNamespace = '', sourceLabels = {}, gateways = [] } = root;
  const port = delegate.port ?? 0;
  if (rootPort !== 0 && port !== 0 && rootPort !== port) return true;
  if (sourceNamespace !== '' && delegate.sourceNamespace !== sourceNamespace) return true;
  for (const [key, value] of Object.entries(delegate.sourceLabels ?? {})) {
    if (Object.hasOwn(sourceLabels, key) && sourceLabels[key] !== value) return true;
  }
  return gateways.length > 0 && (delegate.gateways ?? []).some((name) => !gateways.includes(name));
}

/** Of two blocks without a conflict; where both say something, the delegate's is the narrower. */
export function mergeMatches(root: HttpMatchRequestSpec, delegate: HttpMatchRequestSpec): HttpMatchRequestSpec {
  const name = [root.name ?? '', delegate.name ?? ''].filter((part) => part !== '').join('-');
  const merged: Record<string, unknown> = { ...root, ...delegate, name };
  for (const part of [...NAMED_PARTS, 'sourceLabels'] as const) {
    if (root[part] !== undefined) merged[part] = { ...root[part], ...delegate[part] };
  }
  if ((delegate.port ?? 0) === 0 && root.port !== undefined) merged['port'] = root.port;
  if ((delegate.gateways ?? []).length === 0 && root.gateways !== undefined) merged['gateways'] = root.gateways;
  if ((delegate.sourceNamespace ?? '') === '' && root.sourceNamespace !== undefined) {
    merged['sourceNamespace'] = root.sourceNamespace;
  }
  return merged;
}

function stringsConflict(
  root: StringMatchSpec | null | undefined,
  delegate: StringMatchSpec | null | undefined,
): boolean {
  // Unset on one side; null is withoutHeaders' "must be absent", which is a message without fields like `{}`.
  if (root === undefined || delegate === undefined) return false;
  const outer = root ?? {};
  const inner = delegate ?? {};
  const isSet = (text: string | undefined): text is string => text !== undefined && text !== '';
  if (isSet(outer.regex) || isSet(inner.regex)) return true;
  if (isSet(outer.exact)) return inner.exact !== outer.exact || isSet(inner.prefix);
  if (!isSet(outer.prefix)) return true;
  const narrower = isSet(inner.prefix) ? inner.prefix : inner.exact;
  return narrower === undefined || !narrower.startsWith(outer.prefix);
}
