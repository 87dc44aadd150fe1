// SPDX-License-Identifier: Apache-2.0
/**
 * What lowering finds wrong, collected once: one rule may be lowered for several listeners, but its fault is one. Also the
 * origin of a model part, since both say where in a resource something stands. What validation has warned of already (fields
 * that are not executed) is not repeated here.
 */
import type { Origin } from '../model/model.js';
import type { Problem } from '../resources/problem.js';
import type { Resource } from '../resources/types.js';
import { LOWER_CODE_DESCRIPTIONS } from './problem-codes.js';
import type { LowerCode } from './problem-codes.js';

export class Findings {
  readonly #problems = new Map<string, Problem>();

  add(code: LowerCode, resource: Resource, path: string, message: string, hint: string): void {
    const key = `${code} ${resource.kind}/${resource.namespace}/${resource.name} ${path} ${message}`;
    if (this.#problems.has(key)) return;
    const { severity } = LOWER_CODE_DESCRIPTIONS[code];
    this.#problems.set(key, {
      severity,
      code,
      message,
      hint,
      path,
      position: resource.positionOf(path),
      resource: { kind: resource.kind, namespace: resource.namespace, name: resource.name },
    });
  }

  /** In the order in which they were found. */
  list(): Problem[] {
    return [...this.#problems.values()];
  }
}

/** Thousands of routes have the same few paths, each made by itself and kept by its route. */
const knownPaths = new Map<string, string>();
/** More is one resource with very many rules; then the table begins anew. */
const MAX_KNOWN_PATHS = 10_000;

function sharedPath(path: string): string {
  const known = knownPaths.get(path);
  if (known !== undefined) return known;
  if (knownPaths.size >= MAX_KNOWN_PATHS) knownPaths.clear();
  knownPaths.set(path, path);
  return path;
}

export function originOf(resource: Resource, written: string): Origin {
  const path = sharedPath(written);
  const { file, line } = resource.positionOf(path);
  return { kind: resource.kind, namespace: resource.namespace, name: resource.name, file, line, path };
}
