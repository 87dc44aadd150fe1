// SPDX-License-Identifier: Apache-2.0
/**
 * Istio's `headers` on a route and on its destinations -> one list of operations in the order of execution, and the
 * authority that they settle on. The levels rank differently for one and for several destinations, because Envoy keeps
 * the lists of weighted clusters apart and runs them before the route's; with one destination Istio concatenates them.
 */
import type { HeaderOp } from '../model/model.js';
import type { HeaderOperationsSpec } from '../resources/types.js';
import { compareText } from '../mesh/age-order.js';
import { parseTemplate } from './header-template.js';
import type { ReadEnvironment } from './proxy-node.js';

export type HeaderLevel = 'route' | 'destination';

/** Says that a header value has an operator that is not known, such as `%X%`. */
export type ReportOperator = (operator: string, level: HeaderLevel, op: 'set' | 'add', header: string) => void;

export interface HeaderLevels {
  readonly route: HeaderOperationsSpec | undefined;
  readonly destination: HeaderOperationsSpec | undefined;
  /** Istio looks at the number of destinations as written, also those of weight 0. */
  readonly singleDestination: boolean;
}

/** Most routes have none, so they share one list. */
const NO_OPERATIONS: readonly HeaderOp[] = [];

/**
 * Inside a level the order is remove, set, add, each by name. Empty values leave a header as it was and are skipped
 * (Istio `HeaderOperations`); `host` and `:authority` are not operations but a host rewrite.
 */
export function settleHeaders(
  levels: HeaderLevels,
  read: ReadEnvironment,
  report: ReportOperator,
): readonly HeaderOp[] {
  if (levels.route === undefined && levels.destination === undefined) return NO_OPERATIONS;
  const route = operationsOf('route', levels.route, read, report);
  const destination = operationsOf('destination', levels.destination, read, report);
  if (levels.singleDestination) {
    return [...route.removes, ...destination.removes, ...route.writes, ...destination.writes];
  }
  return [...destination.removes, ...destination.writes, ...route.removes, ...route.writes];
}

/** `rewrite.authority`, else the route's set, else its add, else the destination's; taken literally. */
export function settleAuthority(
  rewrite: string | undefined,
  route: HeaderOperationsSpec | undefined,
  destination: HeaderOperationsSpec | undefined,
): string | undefined {
  if (rewrite !== undefined && rewrite !== '') return rewrite;
  return (
    authorityIn(route?.set) ?? authorityIn(route?.add) ?? authorityIn(destination?.set) ?? authorityIn(destination?.add)
  );
}

function operationsOf(
  level: HeaderLevel,
  spec: HeaderOperationsSpec | undefined,
  read: ReadEnvironment,
  report: ReportOperator,
): { removes: HeaderOp[]; writes: HeaderOp[] } {
  const removes: HeaderOp[] = [...(spec?.remove ?? [])]
    .map((name) => name.toLowerCase())
    .sort(compareText)
    .map((name) => ({ op: 'remove', name }));
  const writes: HeaderOp[] = [];
  for (const op of ['set', 'add'] as const) {
    const named = Object.entries(spec?.[op] ?? {}).sort(([left], [right]) => compareText(left, right));
    for (const [header, value] of named) {
      const name = header.toLowerCase();
      if (value === '' || isAuthority(name)) continue;
      const { parts, unknown } = parseTemplate(value, read);
      for (const operator of unknown) report(operator, level, op, header);
      writes.push({ op, name, value: parts });
    }
  }
  return { removes, writes };
}

function authorityIn(values: Readonly<Record<string, string>> | undefined): string | undefined {
  for (const [name, value] of Object.entries(values ?? {})) {
    if (isAuthority(name.toLowerCase()) && value !== '') return value;
  }
  return undefined;
}

function isAuthority(name: string): boolean {
  return name === 'host' || name === ':authority';
}
