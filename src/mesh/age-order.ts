// SPDX-License-Identifier: Apache-2.0
/**
 * Resources -> "oldest first", Istio's answer to every conflict: by creation timestamp, ties by name and then namespace.
 * Resources without a timestamp come from files; their place in the input is their age, and they follow those that a
 * cluster has already dated.
 */
import type { Resource } from '../resources/types.js';

export function compareAge(left: Resource, right: Resource): number {
  const leftTime = left.creationTimestampMs;
  const rightTime = right.creationTimestampMs;
  if (leftTime !== undefined && rightTime !== undefined && leftTime !== rightTime) return leftTime - rightTime;
  if ((leftTime === undefined) !== (rightTime === undefined)) return leftTime === undefined ? 1 : -1;
  if (leftTime === undefined && left.order !== right.order) return left.order - right.order;
  return compareText(left.name, right.name) || compareText(left.namespace, right.namespace);
}

/** By UTF-16 code unit, which for names is byte order; the locale must not decide what wins. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
