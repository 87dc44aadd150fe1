// SPDX-License-Identifier: Apache-2.0
/**
 * All valid resources -> warnings for references between them that lead nowhere. Istio refuses none of them, because what
 * is missing may arrive later; until then such a request gets 404 or 503, which is why `weft analyze` tells.
 */
import { checkGatewayPorts } from './gateway-conflicts.js';
import { intersectHosts, resolveHost } from './hosts.js';
import type { PathStep } from './json-path.js';
import { suggestion } from './nearest-name.js';
import type { Problem } from './problem.js';
import { checkMergedRules } from './merged-rules.js';
import { resourceProblem } from './resource-problem.js';
import { ServiceIndex } from './service-index.js';
import type { DestinationRule, DestinationSpec, Gateway, KnownResource, VirtualService } from './types.js';

/** Checks all resources of a configuration together. `domain` is the DNS suffix of the cluster. */
export function checkReferences(resources: readonly KnownResource[], domain?: string): Problem[] {
  const services = new ServiceIndex(resources, domain);
  const gateways = new Map<string, Gateway>();
  const virtualServices = new Set<string>();
  for (const resource of resources) {
    if (resource.kind === 'Gateway') gateways.set(`${resource.namespace}/${resource.name}`, resource);
    if (resource.kind === 'VirtualService') virtualServices.add(`${resource.namespace}/${resource.name}`);
  }
  const problems: Problem[] = [];
  for (const resource of resources) {
    if (resource.kind === 'VirtualService') {
      problems.push(...checkVirtualService(resource, services, gateways, virtualServices));
    } else if (resource.kind === 'DestinationRule') {
      problems.push(...checkDestinationRule(resource, services));
    }
  }
  problems.push(...checkGatewayPorts(resources), ...checkMergedRules(resources, services.domain));
  return problems;
}

function* checkVirtualService(
  resource: VirtualService,
  services: ServiceIndex,
  gateways: ReadonlyMap<string, Gateway>,
  virtualServices: ReadonlySet<string>,
): Generator<Problem> {
  const { spec } = resource;
  yield* checkGatewayNames(resource, spec.gateways, ['spec', 'gateways'], gateways);
  yield* checkHosts(resource, services, gateways);
  for (const [ruleIndex, rule] of (spec.http ?? []).entries()) {
    const at: PathStep[] = ['spec', 'http', ruleIndex];
    for (const [blockIndex, block] of (rule.match ?? []).entries()) {
      yield* checkGatewayNames(resource, block.gateways, [...at, 'match', blockIndex, 'gateways'], gateways);
    }
    for (const [index, { destination }] of (rule.route ?? []).entries()) {
      yield* checkDestination(resource, destination, [...at, 'route', index, 'destination'], services);
    }
    if (rule.mirror !== undefined) yield* checkDestination(resource, rule.mirror, [...at, 'mirror'], services);
    const { delegate } = rule;
    if (
      delegate !== undefined &&
      !virtualServices.has(`${delegate.namespace ?? resource.namespace}/${delegate.name}`)
    ) {
      const text = `no such VirtualService (${delegate.namespace ?? resource.namespace}/${delegate.name})`;
      yield resourceProblem(resource, 'delegate-not-found', [...at, 'delegate', 'name'], text, 'The rule is left out.');
    }
  }
}

/** `namespace/name` of a Gateway that an entry means; the old form is `name.namespace.svc.domain`. */
function gatewayKey(entry: string, namespace: string): string {
  if (entry.startsWith('./')) return `${namespace}/${entry.slice(2)}`;
  if (entry.includes('/')) return entry;
  const [name, own] = entry.split('.');
  return own === undefined ? `${namespace}/${entry}` : `${own}/${name ?? ''}`;
}

function* checkGatewayNames(
  resource: VirtualService,
  names: readonly string[] | undefined,
  at: readonly PathStep[],
  gateways: ReadonlyMap<string, Gateway>,
): Generator<Problem> {
  for (const [index, entry] of (names ?? []).entries()) {
    if (entry === 'mesh') continue;
    const key = gatewayKey(entry, resource.namespace);
    if (gateways.has(key)) continue;
    const hint = suggestion(key, gateways.keys()) || 'Write namespace/name of a Gateway, or mesh.';
    yield resourceProblem(resource, 'gateway-not-found', [...at, index], `no such Gateway (${key})`, hint);
  }
}

function* checkHosts(
  resource: VirtualService,
  services: ServiceIndex,
  gateways: ReadonlyMap<string, Gateway>,
): Generator<Problem> {
  const { spec, namespace } = resource;
  const names = spec.gateways ?? ['mesh'];
  const bound = names.flatMap((entry) => gateways.get(gatewayKey(entry, namespace)) ?? []);
  const isOnMesh = names.length === 0 || names.includes('mesh');
  for (const [index, host] of (spec.hosts ?? []).entries()) {
    const full = resolveHost(host, namespace, services.domain);
    const steps: PathStep[] = ['spec', 'hosts', index];
    if (isOnMesh && full !== host.toLowerCase() && !services.has(full))
      yield* checkElsewhere(resource, host, steps, services);
    if (bound.length === 0 || isOnMesh || bound.some((gateway) => isServed(full, namespace, gateway))) continue;
    const text = `no server of ${bound.map((gateway) => `${gateway.namespace}/${gateway.name}`).join(', ')} has this host`;
    const hint = 'Add it to servers[].hosts of the Gateway.';
    yield resourceProblem(resource, 'gateway-host-not-covered', steps, `${text} (${full})`, hint);
  }
}

function* checkElsewhere(
  resource: VirtualService,
  host: string,
  steps: readonly PathStep[],
  services: ServiceIndex,
): Generator<Problem> {
  const [elsewhere] = services.namespacesOf(host);
  if (elsewhere === undefined) return;
  const text = `short name means ${resolveHost(host, resource.namespace, services.domain)}, which no service has`;
  const hint = `Write ${resolveHost(host, elsewhere, services.domain)}.`;
  yield resourceProblem(resource, 'service-in-other-namespace', steps, `${text} (${host})`, hint);
}

function isServed(host: string, namespace: string, gateway: Gateway): boolean {
  return gateway.spec.servers.some((server) =>
    server.hosts.some((entry) => {
      const slash = entry.indexOf('/');
      const scope = slash < 0 ? '*' : entry.slice(0, slash);
      const isInScope = scope === '*' || (scope === '.' ? gateway.namespace : scope) === namespace;
      return isInScope && intersectHosts(host, entry.slice(slash + 1)) !== undefined;
    }),
  );
}

function* checkDestination(
  resource: VirtualService,
  destination: DestinationSpec,
  at: readonly PathStep[],
  services: ServiceIndex,
): Generator<Problem> {
  const host = resolveHost(destination.host, resource.namespace, services.domain);
  const ports = services.portsOf(host);
  if (ports === undefined) {
    yield hostNotFound(resource, destination.host, host, [...at, 'host'], services);
  } else {
    const port = destination.port?.number;
    if (port !== undefined && !ports.has(port)) {
      const hint = `Ports of the service: ${[...ports].join(', ') || 'none'}.`;
      const text = `${host} has no such port (${port})`;
      yield resourceProblem(resource, 'port-not-found', [...at, 'port', 'number'], text, hint);
    }
  }
  const { subset } = destination;
  if (subset === undefined || subset === '') return;
  const subsets = services.subsetsOf(host);
  if (subsets.has(subset)) return;
  const known =
    subsets.size === 0 ? 'No DestinationRule of the host has subsets.' : `Subsets: ${[...subsets].join(', ')}.`;
  const hint = suggestion(subset, subsets) || known;
  const text = `no DestinationRule for ${host} defines the subset (${subset})`;
  yield resourceProblem(resource, 'subset-not-found', [...at, 'subset'], text, hint);
}

function hostNotFound(
  resource: KnownResource,
  written: string,
  host: string,
  steps: readonly PathStep[],
  services: ServiceIndex,
): Problem {
  const [elsewhere] = services.namespacesOf(written.split('.')[0] ?? '');
  const candidate = elsewhere === undefined ? '' : resolveHost(written.split('.')[0] ?? '', elsewhere, services.domain);
  const hint = candidate === '' ? services.suggest(host) : `Did you mean "${candidate}"?`;
  const text = `no Service or ServiceEntry defines the host (${host})`;
  return resourceProblem(resource, 'host-not-found', steps, text, hint || 'Define it, or correct the name.');
}

function* checkDestinationRule(resource: DestinationRule, services: ServiceIndex): Generator<Problem> {
  const { spec, namespace } = resource;
  const host = resolveHost(spec.host, namespace, services.domain);
  if (!services.has(host)) {
    yield hostNotFound(resource, spec.host, host, ['spec', 'host'], services);
    return;
  }
  const ports = services.portsOf(host);
  if (ports === undefined) return;
  const policies = [
    { policy: spec.trafficPolicy, at: ['spec', 'trafficPolicy'] as PathStep[] },
    ...(spec.subsets ?? []).map((subset, index) => ({
      policy: subset.trafficPolicy,
      at: ['spec', 'subsets', index, 'trafficPolicy'] as PathStep[],
    })),
  ];
  for (const { policy, at } of policies) {
    for (const [index, entry] of (policy?.portLevelSettings ?? []).entries()) {
      const number = entry.port?.number;
      if (number === undefined || ports.has(number)) continue;
      const steps = [...at, 'portLevelSettings', index, 'port', 'number'];
      const hint = `Ports of the service: ${[...ports].join(', ') || 'none'}.`;
      yield resourceProblem(resource, 'port-not-found', steps, `${host} has no such port (${number})`, hint);
    }
  }
}
