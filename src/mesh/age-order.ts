// SPDX-License-Identifier: Apache-2.0
/**
 * Resources -> "oldest first", Istio's answer to every conflict: by creation timestamp, ties by name and then namespace.
 * Resources without a timestamp come from files; their place in the input stands for it, which makes them older than
 * anything that a cluster has dated.
 */
import type { Resource } from '../resources/types.js';

export function compareAge(left: Resource, right: Resource): number {
  const age = (left.creationTimestampMs ?? left.order) - (right.creationTimestampMs ?? right.order);
  return age || compareText(left.name, right.name) || compareText(left.namespace, right.namespace);
}

/** By UTF-16 code unit, which for names is byte order; the locale must not decide what wins. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
