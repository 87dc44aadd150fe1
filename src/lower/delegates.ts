// SPDX-License-Identifier: Apache-2.0
/**
 * A VirtualService's `http` -> its rules with those of its delegates in place of the rules that delegate, merged as Istio
 * does: a delegate gives route and redirect, and what else it leaves unset comes from the root as whole fields. Names are
 * resolved by the resource that wrote them before anything is merged, since the two may be in different namespaces.
 */
import type { Mesh } from '../mesh/mesh.js';
import { isVisibleIn, visibilityOf } from '../mesh/visibility.js';
import { resolveHost } from '../resources/hosts.js';
import type { DestinationSpec, HttpMatchRequestSpec, HttpRouteSpec, VirtualService } from '../resources/types.js';
import type { Findings } from './findings.js';
import { hasConflict, mergeMatches } from './match-merge.js';
import { gatewayNameOf } from './virtual-services.js';

export interface EffectiveRule {
  /** Its `match` is that of the resource that wrote it: `blocks` is what counts. */
  readonly rule: HttpRouteSpec;
  /** Where the action stands, and whose names it has. */
  readonly resource: VirtualService;
  /** Such as `spec.http[2]`. */
  readonly path: string;
  /** Empty = every request. */
  readonly blocks: readonly EffectiveBlock[];
}

export interface EffectiveBlock {
  readonly block: HttpMatchRequestSpec;
  readonly path: string;
}

/** What a delegate's rule takes from its root when it does not set it (Istio `mergeHTTPRoute`). */
const INHERITED = [
  'rewrite',
  'directResponse',
  'timeout',
  'retries',
  'fault',
  'mirror',
  'mirrors',
  'mirrorPercentage',
  'mirrorPercent',
  'mirror_percent',
  'corsPolicy',
  'headers',
] as const satisfies readonly (keyof HttpRouteSpec)[];

export class Delegates {
  readonly #mesh: Mesh;
  readonly #findings: Findings;
  readonly #byName = new Map<string, VirtualService>();
  readonly #rules = new WeakMap<VirtualService, readonly EffectiveRule[]>();

  constructor(mesh: Mesh, findings: Findings) {
    this.#mesh = mesh;
    this.#findings = findings;
    for (const resource of mesh.virtualServices) {
      if ((resource.spec.hosts ?? []).length === 0) {
        this.#byName.set(`${resource.namespace}/${resource.name}`, resource);
      }
    }
  }

  /** In the order of evaluation. A rule whose delegate is missing, or not exported to the root's namespace, is left out. */
  rulesOf(root: VirtualService): readonly EffectiveRule[] {
    const known = this.#rules.get(root);
    if (known !== undefined) return known;
    const rules = (root.spec.http ?? []).flatMap((rule, index) => this.#rulesOf(root, rule, `spec.http[${index}]`));
    this.#rules.set(root, rules);
    return rules;
  }

  #rulesOf(root: VirtualService, rule: HttpRouteSpec, path: string): readonly EffectiveRule[] {
    const own = blocksOf(rule, path);
    if (rule.delegate === undefined) return [{ rule, resource: root, path, blocks: own }];
    const delegate = this.#find(root, rule.delegate, path);
    if (delegate === undefined) return [];
    const domain = this.#mesh.settings.domain;
    const inherited = resolvedMirrors(rule, root.namespace, domain);
    const rules: EffectiveRule[] = [];
    for (const [index, sub] of (delegate.spec.http ?? []).entries()) {
      const subPath = `spec.http[${index}]`;
      const blocks = this.#mergeBlocks(root, own, delegate, blocksOf(sub, subPath), path);
      if (blocks === undefined) continue;
      rules.push({ rule: inherit(sub, inherited), resource: delegate, path: subPath, blocks });
    }
    return rules;
  }

  #find(
    root: VirtualService,
    reference: NonNullable<HttpRouteSpec['delegate']>,
    path: string,
  ): VirtualService | undefined {
    const name = `${reference.namespace ?? root.namespace}/${reference.name}`;
    const delegate = this.#byName.get(name);
    const at = `${path}.delegate.name`;
    if (delegate === undefined) {
      const text = `no such VirtualService without hosts (${name}); the rule is left out`;
      this.#findings.add('delegate-not-found', root, at, text, 'Define it, without hosts.');
      return undefined;
    }
    const { defaultVirtualServiceExportTo } = this.#mesh.settings;
    const visibility = visibilityOf(delegate.spec.exportTo, delegate.namespace, defaultVirtualServiceExportTo);
    if (isVisibleIn(visibility, root.namespace)) return delegate;
    const text = `the delegate is not exported to namespace "${root.namespace}" (${name}); the rule is left out`;
    this.#findings.add('delegate-not-found', root, at, text, `Add "${root.namespace}" to its exportTo.`);
    return undefined;
  }

  /** Undefined when some block of the delegate fits no block of the root: Istio then drops the delegate's rule. */
  #mergeBlocks(
    root: VirtualService,
    rootBlocks: readonly EffectiveBlock[],
    delegate: VirtualService,
    blocks: readonly EffectiveBlock[],
    rootPath: string,
  ): readonly EffectiveBlock[] | undefined {
    const outer = rootBlocks.map(({ block, path }) => ({ block: resolveGateways(block, root), path }));
    const inner = blocks.map(({ block, path }) => ({ block: resolveGateways(block, delegate), path }));
    if (outer.length === 0) return inner;
    // Where the blocks are the root's, the place that is told is the delegate's rule: that is what acts.
    if (inner.length === 0) return outer.map(({ block }) => ({ block, path: '' }));
    const merged: EffectiveBlock[] = [];
    for (const { block, path } of inner) {
      const fitting = outer.filter((candidate) => !hasConflict(candidate.block, block));
      if (fitting.length === 0) {
        const text = `matches nothing that ${rootPath} of its root ${root.namespace}/${root.name} matches; the rule is left out`;
        this.#findings.add('delegate-conflict', delegate, path, text, 'Match a part of what the root matches.');
        return undefined;
      }
      for (const candidate of fitting) merged.push({ block: mergeMatches(candidate.block, block), path });
    }
    return merged;
  }
}

function blocksOf(rule: HttpRouteSpec, path: string): EffectiveBlock[] {
  return (rule.match ?? []).map((block, index) => ({ block, path: `${path}.match[${index}]` }));
}

function resolveGateways(block: HttpMatchRequestSpec, resource: VirtualService): HttpMatchRequestSpec {
  const { gateways = [] } = block;
  if (gateways.length === 0) return block;
  return { ...block, gateways: gateways.map((name) => gatewayNameOf(name, resource.namespace)) };
}

function resolvedMirrors(rule: HttpRouteSpec, namespace: string, domain: string): HttpRouteSpec {
  const resolved = (destination: DestinationSpec): DestinationSpec => ({
    ...destination,
    host: resolveHost(destination.host, namespace, domain),
  });
  return {
    ...rule,
    ...(rule.mirror === undefined ? {} : { mirror: resolved(rule.mirror) }),
    ...(rule.mirrors === undefined
      ? {}
      : { mirrors: rule.mirrors.map((entry) => ({ ...entry, destination: resolved(entry.destination) })) }),
  };
}

function inherit(rule: HttpRouteSpec, root: HttpRouteSpec): HttpRouteSpec {
  const merged: Record<string, unknown> = { ...rule };
  for (const field of INHERITED)
    if (rule[field] === undefined && root[field] !== undefined) merged[field] = root[field];
  const names = [root.name ?? '', rule.name ?? ''].filter((name) => name !== '');
  return { ...(merged as HttpRouteSpec), name: names.join('-') };
}
