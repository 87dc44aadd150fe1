// SPDX-License-Identifier: Apache-2.0
/**
 * The rules of one VirtualService -> warnings for rules and match blocks that no request can reach. Istio tries rules in
 * order and stops at the first match, so a rule behind a wider one is dead. Only conditions that are equal apart from the
 * path are compared: more would need a solver, and would still warn about the same mistakes.
 */
import { fieldsSet } from './findings.js';
import type { Draft, Place } from './findings.js';
import type { HttpMatchRequestSpec, HttpRouteSpec, StringMatchSpec } from './types.js';

type Block = Draft<HttpMatchRequestSpec>;

/** Conditions besides the path; the names of a block are no condition. */
const OTHER_CONDITIONS = [
  'ignoreUriCase',
  'scheme',
  'method',
  'authority',
  'headers',
  'withoutHeaders',
  'queryParams',
  'port',
  'sourceLabels',
  'sourceNamespace',
  'gateways',
] as const;

/** Reports at most one warning per rule or block: the first reason. `place` is that of the list of rules. */
export function checkReachability(rules: readonly (Draft<HttpRouteSpec> | undefined)[], place: Place): void {
  let catchAll: string | undefined;
  const earlier = new EarlierBlocks();
  for (const [ruleIndex, rule] of rules.entries()) {
    if (rule === undefined) continue;
    const at = place.at(ruleIndex);
    if (catchAll !== undefined) {
      at.report(
        'unreachable-rule',
        `rule is never reached: ${catchAll} matches every request`,
        'Move it before that one.',
      );
      continue;
    }
    // What a delegate does not take goes on to the rules behind it.
    const passesOn = Object.hasOwn(rule, 'delegate');
    if ((rule.match ?? []).length === 0) {
      if (passesOn) continue;
      if (!Object.hasOwn(rule, 'match') || rule.match !== undefined) catchAll = `http[${ruleIndex}]`;
      continue;
    }
    for (const [blockIndex, block] of (rule.match ?? []).entries()) {
      if (block === undefined) continue;
      const blockAt = at.at('match', blockIndex);
      if (catchAll !== undefined) {
        const text = `match is never reached: ${catchAll} matches every request`;
        blockAt.report('unreachable-match', text, 'Remove it, or move it before that one.');
        continue;
      }
      const name = `http[${ruleIndex}].match[${blockIndex}]`;
      const cover = earlier.coverOf(block);
      if (cover !== undefined) {
        const text = `match is never reached: ${cover} matches all its requests`;
        blockAt.report('unreachable-match', text, 'Remove it, or move it before that one.');
      }
      if (passesOn) continue;
      earlier.add(block, name);
      if (isCatchAll(block)) catchAll = name;
    }
  }
}

function isCatchAll(block: Block): boolean {
  return isAnyPath(block.uri) && fieldsSet(block, OTHER_CONDITIONS.slice(1)).length === 0;
}

function isAnyPath(uri: Draft<StringMatchSpec> | undefined): boolean {
  return uri === undefined || uri.prefix === '' || uri.prefix === '/' || uri.regex === '.*';
}

/** Match blocks seen so far, by their other conditions; paths are looked up, not scanned, as there may be thousands. */
class EarlierBlocks {
  readonly #groups = new Map<
    string,
    { readonly prefixes: Map<string, string>; readonly others: Map<string, string> }
  >();

  add(block: Block, name: string): void {
    const group = this.#groupOf(block);
    const prefix = prefixOf(block);
    if (prefix !== undefined && !group.prefixes.has(prefix)) group.prefixes.set(prefix, name);
    const path = canonical(block.uri);
    if (!group.others.has(path)) group.others.set(path, name);
  }

  /** The name of an earlier block that matches everything that this one matches. */
  coverOf(block: Block): string | undefined {
    const group = this.#groupOf(block);
    const text = prefixOf(block) ?? exactOf(block);
    if (text !== undefined) {
      for (let length = 0; length <= text.length; length += 1) {
        const name = group.prefixes.get(text.slice(0, length));
        if (name !== undefined) return name;
      }
    }
    return group.others.get(canonical(block.uri));
  }

  #groupOf(block: Block): { readonly prefixes: Map<string, string>; readonly others: Map<string, string> } {
    const key = canonical(OTHER_CONDITIONS.map((name) => block[name] ?? null));
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { prefixes: new Map(), others: new Map() };
      this.#groups.set(key, group);
    }
    return group;
  }
}

/** No condition on the path is the prefix `` of every path. */
function prefixOf(block: Block): string | undefined {
  if (isAnyPath(block.uri)) return '';
  const prefix = block.uri?.prefix;
  return block.ignoreUriCase === true ? prefix?.toLowerCase() : prefix;
}

function exactOf(block: Block): string | undefined {
  const exact = block.uri?.exact;
  return block.ignoreUriCase === true ? exact?.toLowerCase() : exact;
}

/** JSON with sorted keys: equal for equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
}
