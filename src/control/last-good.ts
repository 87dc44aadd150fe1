// SPDX-License-Identifier: Apache-2.0
/**
 * What was loaded now and what was in force before -> what is in force next. A mistake costs the resource it stands in and
 * nothing else: a resource with an error keeps its last good version, a file that can't be read or is no YAML any more keeps
 * the resources last read from it, and everything else is applied. A resource that never had a good version is left out.
 */
import type { Problem } from '../resources/problem.js';
import type { KnownResource } from '../resources/types.js';

export interface MergedResources {
  readonly resources: readonly KnownResource[];
  /** `Kind namespace/name` of those that stand in for a version with an error or for a file that can't be read. */
  readonly kept: readonly string[];
}

/** `isGone(file)` tells a file that was deleted, which deletes its resources, from one that can't be read just now. */
export function mergeLastGood(
  previous: readonly KnownResource[],
  loaded: readonly KnownResource[],
  problems: readonly Problem[],
  isGone: (file: string) => boolean,
): MergedResources {
  const present = new Set(loaded.map(identityOf));
  const erroneous = new Set<string>();
  const unreadable = new Set<string>();
  for (const { severity, resource, position } of problems) {
    if (severity !== 'error') continue;
    if (resource !== undefined) erroneous.add(identityOf(resource));
    else if (!isGone(position.file)) unreadable.add(position.file);
  }
  const kept = previous.filter((resource) => {
    const identity = identityOf(resource);
    if (present.has(identity)) return false;
    return erroneous.has(identity) || isBelowAny(unreadable, resource.position.file);
  });
  return { resources: [...loaded, ...kept], kept: kept.map(identityOf) };
}

/** Problems of a folder speak for all files below it. */
function isBelowAny(paths: ReadonlySet<string>, file: string): boolean {
  if (paths.has(file)) return true;
  for (const path of paths) if (file.startsWith(path.endsWith('/') ? path : `${path}/`)) return true;
  return false;
}

function identityOf({ kind, namespace, name }: { kind: string; namespace: string; name: string }): string {
  return `${kind} ${namespace}/${name}`;
}
