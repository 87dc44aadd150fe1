// SPDX-License-Identifier: Apache-2.0
/**
 * Configuration paths -> resources -> mesh -> routing model -> rule tables, with the problems of all stages in one list.
 * Every command takes its configuration through here, so that `analyze`, `routes`, `explain` and a running proxy can't
 * disagree about what a file means.
 */
import { secretsOf } from '../lower/secret-references.js';
import { lower, lowerClusters } from '../lower/lower.js';
import type { ProxyNode, ReadEnvironment } from '../lower/proxy-node.js';
import { buildMesh } from '../mesh/build-mesh.js';
import { differsInEndpointsOnly } from '../mesh/endpoint-change.js';
import type { Mesh } from '../mesh/mesh.js';
import type { DownstreamTls, RoutingModel, UpstreamTls } from '../model/model.js';
import type { SecretData } from '../model/secret-data.js';
import { checkReferences } from '../resources/check-references.js';
import { loadTexts } from '../resources/load-resources.js';
import type { LoadedResources } from '../resources/load-resources.js';
import type { Problem, ResourceId } from '../resources/problem.js';
import { readTexts } from '../resources/read-sources.js';
import type { ReadOptions } from '../resources/read-sources.js';
import type { KnownResource } from '../resources/types.js';
import { encodeTables } from '../rules/encode.js';
import type { EncodeProblem } from '../rules/encode.js';
import type { EncodedTables } from '../rules/encoded-tables.js';
import { replaceClusters } from '../rules/replace-clusters.js';
import { CredentialResolver } from './credential-resolver.js';
import { DnsResolver } from './dns-resolver.js';

export interface LoweredConfiguration {
  readonly mesh: Mesh;
  readonly model: RoutingModel;
  readonly problems: readonly Problem[];
  /** Those that the model names. */
  readonly secrets: readonly SecretData[];
}

/** A model with its tables, and the problems that encoding found. */
export interface EncodedModel {
  readonly model: RoutingModel;
  readonly encoded: EncodedTables;
  readonly problems: readonly Problem[];
}

/** What a command gets that runs once. */
export interface CompiledConfiguration extends EncodedModel {
  readonly secrets: readonly SecretData[];
}

/** A command that runs once waits so long for the names of its endpoints. */
const DNS_WAIT_MS = 5000;

/** Never rejects for what is wrong with the files. */
export async function loadPaths(paths: readonly string[], options: ReadOptions = {}): Promise<LoadedResources> {
  const { sources, problems } = await readTexts(paths, options);
  const loaded = loadTexts(sources);
  return { resources: loaded.resources, problems: [...problems, ...loaded.problems] };
}

/**
 * Includes what only shows when all resources are seen together. `read` gives environment variables that header values may
 * name. With what the same node's resources came to `before`, a change of endpoints alone takes the short way; the result
 * is the same.
 */
export function lowerResources(
  resources: readonly KnownResource[],
  node: ProxyNode,
  read: ReadEnvironment,
  before?: LoweredConfiguration,
): LoweredConfiguration {
  const mesh = buildMesh(resources);
  if (before !== undefined && differsInEndpointsOnly(before.mesh, mesh, isNamedIn(before.problems))) {
    const clusters = lowerClusters(mesh, node, before.model.clusters);
    const model = { listeners: before.model.listeners, clusters };
    return { mesh, model, problems: before.problems, secrets: secretsOf(model, resources) };
  }
  const { model, problems } = lower(mesh, node, read);
  const secrets = secretsOf(model, resources);
  return { mesh, model, problems: [...checkReferences(resources), ...problems], secrets };
}

function isNamedIn(problems: readonly Problem[]): (resource: ResourceId) => boolean {
  const keyOf = ({ kind, namespace, name }: ResourceId): string => `${kind} ${namespace}/${name}`;
  const named = new Set(problems.flatMap(({ resource }) => (resource === undefined ? [] : [keyOf(resource)])));
  return (resource) => named.has(keyOf(resource));
}

/**
 * The model's endpoints must be addresses. Where the model has the listeners of the one encoded `before`, only clusters are
 * encoded again; the result is the same.
 */
export function encodeModel(model: RoutingModel, before?: EncodedModel): EncodedModel {
  if (before !== undefined && isSameButClusters(before.model, model)) {
    return { model, encoded: replaceClusters(before.encoded, model.clusters), problems: before.problems };
  }
  const { tables, host, problems } = encodeTables(model);
  return { model, encoded: { tables, host }, problems: problems.map(asProblem) };
}

function isSameButClusters(before: RoutingModel, model: RoutingModel): boolean {
  if (before.listeners !== model.listeners || before.clusters.length !== model.clusters.length) return false;
  return before.clusters.every(({ name }, index) => name === model.clusters[index]?.name);
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
): Promise<CompiledConfiguration> {
  const loaded = await loadPaths(paths, options);
  const lowered = lowerResources(loaded.resources, node, read);
  const resolver = new DnsResolver(
    () => undefined,
    () => undefined,
  );
  const model = await resolver.resolveModel(lowered.model, DNS_WAIT_MS);
  resolver.close();
  const { encoded, problems } = encodeModel(model);
  // Files are those of the machine that the proxy runs on, so only Secrets can be checked here.
  const { filterChains, clusters } = encoded.host;
  const users = {
    filterChains: filterChains.filter(({ tls }) => tls !== undefined && namesOnlySecrets(tls)),
    clusters: clusters.filter(({ upstreamTls }) => upstreamTls !== undefined && readsOnlySecrets(upstreamTls)),
  };
  const credentials = await new CredentialResolver().resolve(users, lowered.secrets);
  return {
    model,
    encoded,
    secrets: lowered.secrets,
    problems: [...loaded.problems, ...lowered.problems, ...problems, ...credentials.problems],
  };
}

function namesOnlySecrets({ certificates, clientAuthorities }: DownstreamTls): boolean {
  return [...certificates, ...clientAuthorities].every(({ kind }) => kind === 'secret');
}

function readsOnlySecrets({ certificate, authorities }: UpstreamTls): boolean {
  return (
    (certificate === undefined || certificate.kind === 'secret') && authorities.every(({ kind }) => kind === 'secret')
  );
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}
