// SPDX-License-Identifier: Apache-2.0
/** A finding about a resource that is valid by itself -> a Problem at one of its fields. */
import { formatPath } from './json-path.js';
import type { PathStep } from './json-path.js';
import type { Problem } from './problem.js';
import { PROBLEM_CODES } from './problem-codes.js';
import type { ProblemCode } from './problem-codes.js';
import type { KnownResource } from './types.js';

export function resourceProblem(
  resource: KnownResource,
  code: ProblemCode,
  steps: readonly PathStep[],
  message: string,
  hint: string,
): Problem {
  const path = formatPath(steps);
  const { kind, namespace, name } = resource;
  const { severity } = PROBLEM_CODES[code];
  return {
    severity,
    code,
    message,
    hint,
    path,
    position: resource.positionOf(path),
    resource: { kind, namespace, name },
  };
}

/**
 * Istio's order of resources: oldest first, then by name and namespace. Without a timestamp the place in the input counts,
 * which makes such resources older than all that have one.
 */
export function compareAge(left: KnownResource, right: KnownResource): number {
  const age = (left.creationTimestampMs ?? left.order) - (right.creationTimestampMs ?? right.order);
  if (age !== 0) return age;
  if (left.name !== right.name) return left.name < right.name ? -1 : 1;
  if (left.namespace !== right.namespace) return left.namespace < right.namespace ? -1 : 1;
  return 0;
}
