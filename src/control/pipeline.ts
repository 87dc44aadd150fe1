// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration paths -> resources -> mesh -> routing model -> rule tables, with the problems of all stages in one list.
 * Every command takes its configuration through here, so that `analyze`, `routes`, `explain` and a running proxy can't
 * disagree about what a file means.
 */
import { lower } from '../lower/lower.js';
import type { ProxyNode, ReadEnvironment } from '../lower/proxy-node.js';
import { buildMesh } from '../mesh/build-mesh.js';
import type { RoutingModel } from '../model/model.js';
import { checkReferences } from '../resources/check-references.js';
import { loadTexts } from '../resources/load-resources.js';
import type { LoadedResources } from '../resources/load-resources.js';
import type { Problem } from '../resources/problem.js';
import { readTexts } from '../resources/read-sources.js';
import type { ReadOptions } from '../resources/read-sources.js';
import type { KnownResource } from '../resources/types.js';
import { encodeTables } from '../rules/encode.js';
import type { EncodeProblem } from '../rules/encode.js';
import type { EncodedTables } from '../rules/encoded-tables.js';
import { DnsResolver } from './dns-resolver.js';

export interface LoweredConfiguration {
  readonly model: RoutingModel;
  readonly problems: readonly Problem[];
}

export interface EncodedConfiguration extends LoweredConfiguration {
  readonly encoded: EncodedTables;
}

/** A command that runs once waits so long for the names of its endpoints. */
const DNS_WAIT_MS = 5000;

/** Never rejects for what is wrong with the files. */
export async function loadPaths(paths: readonly string[], options: ReadOptions = {}): Promise<LoadedResources> {
  const { sources, problems } = await readTexts(paths, options);
  const loaded = loadTexts(sources);
  return { resources: loaded.resources, problems: [...problems, ...loaded.problems] };
}

/** Includes what only shows when all resources are seen together. `read` gives environment variables that header values may name. */
export function lowerResources(
  resources: readonly KnownResource[],
  node: ProxyNode,
  read: ReadEnvironment,
): LoweredConfiguration {
  const { model, problems } = lower(buildMesh(resources), node, read);
  return { model, problems: [...checkReferences(resources), ...problems] };
}

/** The model's endpoints must be addresses. */
export function encodeModel(model: RoutingModel): { encoded: EncodedTables; problems: readonly Problem[] } {
  const { tables, host, problems } = encodeTables(model);
  return { encoded: { tables, host }, problems: problems.map(asProblem) };
}

function asProblem({ severity, code, message, origin }: EncodeProblem): Problem {
  const { kind, namespace, name, file, line, path } = origin;
  return {
    severity,
    code,
    message,
    hint: '',
    path,
    position: { file, line, column: 1 },
    resource: { kind, namespace, name },
  };
}

/** All stages at once, for commands that run once. */
export async function compilePaths(
  paths: readonly string[],
  node: ProxyNode,
  read: ReadEnvironment,
  options: ReadOptions = {},
): Promise<EncodedConfiguration> {
  const loaded = await loadPaths(paths, options);
  const lowered = lowerResources(loaded.resources, node, read);
  const resolver = new DnsResolver(
    () => undefined,
    () => undefined,
  );
  const model = await resolver.resolveModel(lowered.model, DNS_WAIT_MS);
  resolver.close();
  const { encoded, problems } = encodeModel(model);
  return { model, encoded, problems: [...loaded.problems, ...lowered.problems, ...problems] };
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}
