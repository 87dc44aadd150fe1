// SPDX-License-Identifier: Apache-2.0
/**
 * All DestinationRules -> warnings for what is lost when several for one host are merged: a subset that an older rule has
 * already, and every traffic policy after the first. Rules are merged when namespace, host, exportTo and selector agree.
 */
import { resolveHost } from './hosts.js';
import type { Problem } from './problem.js';
import { compareAge, resourceProblem } from './resource-problem.js';
import type { DestinationRule, KnownResource } from './types.js';

export function checkMergedRules(resources: readonly KnownResource[], domain: string): Problem[] {
  const groups = new Map<string, DestinationRule[]>();
  for (const rule of resources.filter((resource) => resource.kind === 'DestinationRule').sort(compareAge)) {
    const exportTo = [...(rule.spec.exportTo ?? ['*'])].sort();
    const selector = Object.entries(rule.spec.workloadSelector?.matchLabels ?? {}).sort();
    const key = JSON.stringify([
      rule.namespace,
      resolveHost(rule.spec.host, rule.namespace, domain),
      exportTo,
      selector,
    ]);
    groups.set(key, [...(groups.get(key) ?? []), rule]);
  }
  return [...groups.values()].flatMap(checkGroup);
}

function checkGroup(rules: readonly DestinationRule[]): Problem[] {
  const problems: Problem[] = [];
  const subsets = new Map<string, string>();
  let policyOwner: string | undefined;
  for (const rule of rules) {
    const owner = `${rule.namespace}/${rule.name}`;
    if (rule.spec.trafficPolicy !== undefined) {
      if (policyOwner !== undefined) {
        const text = `is ignored, as ${policyOwner} has a trafficPolicy for the same host`;
        const hint = 'Write one rule for the host.';
        problems.push(resourceProblem(rule, 'policy-not-merged', ['spec', 'trafficPolicy'], text, hint));
      }
      policyOwner ??= owner;
    }
    for (const [index, { name }] of (rule.spec.subsets ?? []).entries()) {
      const earlier = subsets.get(name);
      if (earlier === undefined) {
        subsets.set(name, owner);
        continue;
      }
      const text = `is ignored, as ${earlier} has a subset of this name for the same host (${name})`;
      problems.push(resourceProblem(rule, 'policy-not-merged', ['spec', 'subsets', index], text, 'Rename the subset.'));
    }
  }
  return problems;
}
