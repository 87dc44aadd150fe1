// SPDX-License-Identifier: Apache-2.0
/** The rules of Istio's `LoadBalancerSettings` that a table cannot say. */
import { fieldsSet } from './findings.js';
import type { Place } from './findings.js';

export function checkLoadBalancer(settings: object, place: Place): void {
  if (fieldsSet(settings, ['warmup', 'warmupDurationSecs']).length < 2) return;
  place
    .at('warmupDurationSecs')
    .reportKey('ignored-field', 'warmupDurationSecs is ignored beside warmup', 'Remove it.');
}

export function checkConsistentHash(hash: object, place: Place): void {
  const keys = ['httpHeaderName', 'httpCookie', 'useSourceIp', 'httpQueryParameterName'];
  if (fieldsSet(hash, keys).length > 0) return;
  place.report(
    'missing-hash-key',
    'names no hash key, so endpoints are picked at random',
    `Set one of ${keys.join(', ')}.`,
  );
}

interface CookieDraft {
  readonly attributes?: readonly ({ readonly name?: string } | undefined)[];
}

export function checkCookie(cookie: CookieDraft, place: Place): void {
  const seen = new Set<string>();
  for (const [index, attribute] of (cookie.attributes ?? []).entries()) {
    const name = attribute?.name;
    if (name === undefined) continue;
    if (seen.has(name)) {
      place.at('attributes', index, 'name').report('duplicate-name', `attribute appears twice (${name})`);
    }
    seen.add(name);
  }
}

export function checkMaglev(maglev: { readonly tableSize?: number }, place: Place): void {
  const size = maglev.tableSize;
  if (size === undefined || isPrime(size)) return;
  place.at('tableSize').report('maglev-not-prime', `table size is not a prime (${size})`, 'Use a prime such as 65537.');
}

/** At most some thousand divisions, as the size is below 5 000 011. */
function isPrime(candidate: number): boolean {
  if (candidate < 2) return false;
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) {
    if (candidate % divisor === 0) return false;
  }
  return true;
}

export function checkWarmup(warmup: { readonly aggression?: number }, place: Place): void {
  if (warmup.aggression !== 0) return;
  place.at('aggression').report('out-of-range', 'must be above 0 (0)');
}

interface LocalityDraft {
  readonly distribute?: readonly (
    { readonly from?: string; readonly to?: Readonly<Record<string, number>> } | undefined
  )[];
  readonly failover?: readonly ({ readonly from?: string; readonly to?: string } | undefined)[];
  readonly failoverPriority?: readonly (string | undefined)[];
}

const LOCALITY_LABELS = ['topology.kubernetes.io/region', 'topology.kubernetes.io/zone', 'topology.istio.io/subzone'];

export function checkLocality(locality: LocalityDraft, place: Place): void {
  const froms = (locality.distribute ?? []).map((rule) => rule?.from);
  checkPatterns(froms, (index) => place.at('distribute', index, 'from'));
  for (const [index, rule] of (locality.distribute ?? []).entries()) {
    if (rule?.to === undefined) continue;
    const at = place.at('distribute', index, 'to');
    const sum = Object.values(rule.to).reduce((total, weight) => total + weight, 0);
    if (sum !== 100) at.report('locality-weights', `weights must add up to 100 (${sum})`);
    const names = Object.keys(rule.to);
    checkPatterns(names, (position) => at.at(names[position] ?? ''));
  }
  for (const [index, rule] of (locality.failover ?? []).entries()) {
    for (const end of ['from', 'to'] as const) {
      const region = rule?.[end];
      if (region === undefined || !/[/*]/.test(region)) continue;
      const hint = 'Failover is by region only.';
      place.at('failover', index, end).report('invalid-locality', `is not a region name (${region})`, hint);
    }
  }
  if ((locality.failover ?? []).length > 0) checkPriorityLabels(locality, place, 'beside failover');
}

export function checkZoneAware(settings: LocalityDraft, place: Place): void {
  checkPriorityLabels(settings, place, 'in zoneAwareLbSetting');
}

function checkPriorityLabels(settings: LocalityDraft, place: Place, where: string): void {
  for (const [index, label] of (settings.failoverPriority ?? []).entries()) {
    if (label === undefined || !LOCALITY_LABELS.includes(label.split('=')[0] ?? '')) continue;
    const text = `locality labels are not allowed ${where} (${label})`;
    place.at('failoverPriority', index).report('invalid-locality', text, 'Use other labels.');
  }
}

/** Patterns are `region/zone/subzone`, cut short or ended by `*`; no two may cover the same locality. */
function checkPatterns(patterns: readonly (string | undefined)[], at: (index: number) => Place): void {
  const seen: string[] = [];
  for (const [index, pattern] of patterns.entries()) {
    if (pattern === undefined) continue;
    const star = pattern.indexOf('*');
    if (star >= 0 && star !== pattern.length - 1) {
      at(index).report('invalid-locality', `"*" is only allowed at the end (${pattern})`);
      continue;
    }
    const prefix = star < 0 ? `${pattern}/` : pattern.slice(0, star);
    const other = seen.find((earlier) => earlier.startsWith(prefix) || prefix.startsWith(earlier));
    if (other !== undefined)
      at(index).report('invalid-locality', `localities overlap (${pattern})`, 'Make them disjoint.');
    seen.push(prefix);
  }
}
