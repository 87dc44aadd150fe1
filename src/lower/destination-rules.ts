// SPDX-License-Identifier: Apache-2.0
/**
 * DestinationRules -> the one effective rule for a client calling a service. Rules of one namespace for one host with the
 * same visibility are merged; then Istio's three levels (client's namespace, service's, root) are asked in turn, and the
 * first that knows the host ends the search: levels are never combined, even when the rule found has no policy.
 */
import type { Mesh, MeshService } from '../mesh/mesh.js';
import { selects } from '../mesh/mesh.js';
import { includesVisibility, isVisibleIn, sameVisibility, visibilityOf } from '../mesh/visibility.js';
import type { Visibility } from '../mesh/visibility.js';
import { resolveHost } from '../resources/hosts.js';
import type { DestinationRule, SubsetSpec, TrafficPolicySpec } from '../resources/types.js';
import type { Findings } from './findings.js';
import { HostIndex } from './host-index.js';
import type { ProxyNode } from './proxy-node.js';

export interface RuleSubset {
  readonly spec: SubsetSpec;
  readonly resource: DestinationRule;
  readonly path: string;
}

/** One or several DestinationRules merged. */
export interface EffectiveRule {
  readonly namespace: string;
  readonly visibility: Visibility;
  /** Labels of the client workloads that the rule is for; absent = all. */
  readonly selector?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: { readonly spec: TrafficPolicySpec; readonly resource: DestinationRule };
  readonly subsets: ReadonlyMap<string, RuleSubset>;
}

export class DestinationRuleIndex {
  readonly #rootNamespace: string;
  readonly #byNamespace = new Map<string, HostIndex<EffectiveRule[]>>();

  constructor(mesh: Mesh, findings: Findings) {
    this.#rootNamespace = mesh.settings.rootNamespace;
    const hasSelector = (rule: DestinationRule): boolean => rule.spec.workloadSelector !== undefined;
    // Selector rules first; the mesh's order, oldest first, stays inside each half.
    const rules = [
      ...mesh.destinationRules.filter(hasSelector),
      ...mesh.destinationRules.filter((rule) => !hasSelector(rule)),
    ];
    for (const rule of rules) this.#add(rule, mesh, findings);
  }

  /** Undefined when no rule applies to a proxy like `node` calling `service`. */
  find(service: MeshService, node: ProxyNode): EffectiveRule | undefined {
    const inClient =
      node.namespace === this.#rootNamespace
        ? this.#lookUp(node.namespace, service.host, (rule) => isPrivate(rule))
        : this.#lookUp(node.namespace, service.host, () => true);
    const exported = (rule: EffectiveRule): boolean => isVisibleIn(rule.visibility, node.namespace);
    const level =
      inClient ??
      this.#lookUp(service.namespace, service.host, exported) ??
      this.#lookUp(this.#rootNamespace, service.host, exported);
    if (level === undefined) return undefined;
    const selected = level.find(
      (rule) => rule.selector !== undefined && rule.namespace === node.namespace && selects(rule.selector, node.labels),
    );
    return selected ?? level.findLast((rule) => rule.selector === undefined);
  }

  /** The rules for the most specific host pattern that has any that `accept` takes. */
  #lookUp(
    namespace: string,
    host: string,
    accept: (rule: EffectiveRule) => boolean,
  ): readonly EffectiveRule[] | undefined {
    let found: readonly EffectiveRule[] | undefined;
    this.#byNamespace.get(namespace)?.visitCovering(host, (rules) => {
      const accepted = rules.filter(accept);
      if (accepted.length === 0) return false;
      found = accepted;
      return true;
    });
    return found;
  }

  #add(rule: DestinationRule, mesh: Mesh, findings: Findings): void {
    const { domain, defaultDestinationRuleExportTo } = mesh.settings;
    let index = this.#byNamespace.get(rule.namespace);
    if (index === undefined) {
      index = new HostIndex();
      this.#byNamespace.set(rule.namespace, index);
    }
    const host = resolveHost(rule.spec.host, rule.namespace, domain);
    const existing = index.get(host) ?? [];
    const selector = rule.spec.workloadSelector;
    const visibility =
      selector === undefined
        ? visibilityOf(rule.spec.exportTo, rule.namespace, defaultDestinationRuleExportTo)
        : { everywhere: false, namespaces: [rule.namespace] };
    const fresh = effectiveRule(rule, visibility);
    let isOwnEntry = true;
    const entries = existing.map((entry) => {
      const relation = relationOf(entry, fresh);
      if (relation === 'separate') return entry;
      if (relation === 'absorbed') {
        isOwnEntry = false;
        warnOfLosses(entry, fresh, rule, findings);
      }
      return mergeRules(entry, fresh);
    });
    index.set(host, isOwnEntry ? [...entries, fresh] : entries);
  }
}

/**
 * What becomes of a later rule beside an earlier one for the same host and namespace: merged into it and gone, merged and
 * kept (seen more widely, or a plain rule beside a selector's), or not merged.
 */
function relationOf(earlier: EffectiveRule, later: EffectiveRule): 'absorbed' | 'merged and kept' | 'separate' {
  const same = sameVisibility(earlier.visibility, later.visibility);
  if (earlier.selector !== undefined && later.selector === undefined) return same ? 'merged and kept' : 'separate';
  if (earlier.selector !== undefined && later.selector !== undefined) {
    const equal = selects(earlier.selector, later.selector) && selects(later.selector, earlier.selector);
    if (!equal) return 'separate';
  }
  if (same) return 'absorbed';
  return includesVisibility(later.visibility, earlier.visibility) ? 'merged and kept' : 'separate';
}

function effectiveRule(rule: DestinationRule, visibility: Visibility): EffectiveRule {
  const { trafficPolicy, workloadSelector } = rule.spec;
  const subsets = new Map<string, RuleSubset>();
  (rule.spec.subsets ?? []).forEach((spec, index) => {
    if (!subsets.has(spec.name)) subsets.set(spec.name, { spec, resource: rule, path: `spec.subsets[${index}]` });
  });
  return {
    namespace: rule.namespace,
    visibility,
    subsets,
    ...(workloadSelector === undefined ? {} : { selector: workloadSelector.matchLabels ?? {} }),
    ...(trafficPolicy === undefined ? {} : { trafficPolicy: { spec: trafficPolicy, resource: rule } }),
  };
}

/** Subsets are united, the earlier winning a name; the whole top-level policy comes from the first rule that has one. */
function mergeRules(earlier: EffectiveRule, later: EffectiveRule): EffectiveRule {
  const trafficPolicy = earlier.trafficPolicy ?? later.trafficPolicy;
  return {
    ...earlier,
    subsets: new Map([...later.subsets, ...earlier.subsets]),
    ...(trafficPolicy === undefined ? {} : { trafficPolicy }),
  };
}

/** What of an absorbed rule has no effect at all. */
function warnOfLosses(earlier: EffectiveRule, later: EffectiveRule, rule: DestinationRule, findings: Findings): void {
  for (const [name, subset] of later.subsets) {
    const taken = earlier.subsets.get(name);
    if (taken === undefined) continue;
    findings.add(
      'policy-not-merged',
      rule,
      subset.path,
      `subset "${name}" is already defined for this host by DestinationRule ${nameOf(taken.resource)}; this one is dropped`,
      'Give the subset another name, or define it in one DestinationRule.',
    );
  }
  if (earlier.trafficPolicy === undefined || later.trafficPolicy === undefined) return;
  findings.add(
    'policy-not-merged',
    rule,
    'spec.trafficPolicy',
    `DestinationRule ${nameOf(earlier.trafficPolicy.resource)} already gives this host a trafficPolicy; this one is ignored`,
    'Put the whole policy into one DestinationRule: top-level policies are not merged.',
  );
}

function nameOf(rule: DestinationRule): string {
  return `${rule.namespace}/${rule.name}`;
}

function isPrivate(rule: EffectiveRule): boolean {
  const { everywhere, namespaces } = rule.visibility;
  return !everywhere && namespaces.length === 1 && namespaces[0] === rule.namespace;
}
