// SPDX-License-Identifier: Apache-2.0
/**
 * A route's match -> its path test, its condition records, and their names. Conditions are numbered as `testRoute` counts
 * them: 0 the path, then those present of scheme, method, authority, headers, query parameters.
 */
import * as layout from '../../assembly/layout.js';
import type { HeaderMatch, PathMatch, RouteMatch, StringMatch } from '../model/model.js';
import type { PatternTable } from './encode-patterns.js';
import { foldBytes, hashHeaderName, toByteString } from './key-hash.js';
import type { TableWriter } from './table-writer.js';

type ValueTest = StringMatch | { readonly kind: 'present' };

/** Envoy keeps the Host as `:authority`, and a match on `host` reads that. */
const PSEUDO_HEADERS: ReadonlyMap<string, number> = new Map([
  [':method', layout.SUBJECT_METHOD],
  [':path', layout.SUBJECT_TARGET],
  [':authority', layout.SUBJECT_AUTHORITY],
  ['host', layout.SUBJECT_AUTHORITY],
  [':scheme', layout.SUBJECT_SCHEME],
]);

export class ConditionEncoder {
  readonly #writer: TableWriter;
  readonly #patterns: PatternTable;

  constructor(writer: TableWriter, patterns: PatternTable) {
    this.#writer = writer;
    this.#patterns = patterns;
  }

  /** Writes the match half of a route record that exists already; returns the names of its conditions. */
  encode(route: number, match: RouteMatch): readonly string[] {
    this.#encodePath(route, match.path);
    const { conditions, routes } = this.#writer;
    const first = conditions.count;
    if (match.scheme) this.#append(layout.SUBJECT_SCHEME, match.scheme);
    if (match.method) this.#append(layout.SUBJECT_METHOD, match.method);
    if (match.authority) this.#append(layout.SUBJECT_AUTHORITY, match.authority);
    for (const header of match.headers) this.#appendHeader(header);
    for (const { name, value } of match.queryParams) {
      const record = this.#append(layout.SUBJECT_QUERY, value);
      this.#setName(record, toByteString(name), 0);
    }
    routes.set(route, layout.ROUTE_CONDITIONS_FIRST, first);
    routes.set(route, layout.ROUTE_CONDITIONS_COUNT, conditions.count - first);
    return conditionNames(match);
  }

  #encodePath(route: number, path: PathMatch): void {
    const { routes, text } = this.#writer;
    if (path.kind === 'any') return;
    if (path.kind === 'regex') {
      routes.set(route, layout.ROUTE_PATH_TEST, layout.PATH_REGEX);
      routes.set(route, layout.ROUTE_PATH_VALUE, this.#patterns.entryOf(path.value).record);
      return;
    }
    const bytes = toByteString(path.value);
    const plain = path.kind === 'exact' ? layout.PATH_EXACT : layout.PATH_PREFIX;
    const folded = path.kind === 'exact' ? layout.PATH_EXACT_FOLDED : layout.PATH_PREFIX_FOLDED;
    routes.set(route, layout.ROUTE_PATH_TEST, path.ignoreCase ? folded : plain);
    routes.set(route, layout.ROUTE_PATH_VALUE, text.offsetOf(path.ignoreCase ? foldBytes(bytes) : bytes));
    routes.set(route, layout.ROUTE_PATH_LENGTH, bytes.length);
  }

  #appendHeader(header: HeaderMatch): void {
    const pseudo = PSEUDO_HEADERS.get(header.name);
    const record = this.#append(pseudo ?? layout.SUBJECT_HEADER, header.value);
    this.#writer.conditions.set(record, layout.CONDITION_INVERTED, header.invert ? 1 : 0);
    const bytes = toByteString(header.name);
    if (pseudo === undefined) this.#setName(record, bytes, hashHeaderName(bytes));
  }

  #setName(record: number, bytes: string, hash: number): void {
    const { conditions, text } = this.#writer;
    conditions.set(record, layout.CONDITION_NAME_OFFSET, text.offsetOf(bytes));
    conditions.set(record, layout.CONDITION_NAME_LENGTH, bytes.length);
    conditions.set(record, layout.CONDITION_NAME_HASH, hash);
  }

  #append(subject: number, test: ValueTest): number {
    const { conditions, text } = this.#writer;
    const record = conditions.reserve(1);
    conditions.set(record, layout.CONDITION_SUBJECT, subject);
    conditions.set(record, layout.CONDITION_NAME_OFFSET, layout.TABLE_HEADER_SIZE);
    conditions.set(record, layout.CONDITION_VALUE, layout.TABLE_HEADER_SIZE);
    switch (test.kind) {
      case 'present':
        conditions.set(record, layout.CONDITION_TEST, layout.TEST_PRESENT);
        break;
      case 'regex':
        conditions.set(record, layout.CONDITION_TEST, layout.TEST_PATTERN);
        conditions.set(record, layout.CONDITION_VALUE, this.#patterns.entryOf(test.value).record);
        break;
      case 'exact':
      case 'prefix': {
        const bytes = toByteString(test.value);
        conditions.set(record, layout.CONDITION_TEST, test.kind === 'exact' ? layout.TEST_EXACT : layout.TEST_PREFIX);
        conditions.set(record, layout.CONDITION_VALUE, text.offsetOf(bytes));
        conditions.set(record, layout.CONDITION_LENGTH, bytes.length);
      }
    }
    return record;
  }
}

/** Names depend on the match alone, and generations that share a match share its names. */
const namesOfMatches = new WeakMap<RouteMatch, readonly string[]>();

function conditionNames(match: RouteMatch): readonly string[] {
  const known = namesOfMatches.get(match);
  if (known !== undefined) return known;
  const { path, scheme, method, authority, headers, queryParams } = match;
  const names = [nameOfPath(path)];
  if (scheme) names.push(`scheme ${nameOfTest(scheme)}`);
  if (method) names.push(`method ${nameOfTest(method)}`);
  if (authority) names.push(`authority ${nameOfTest(authority)}`);
  for (const { name, value, invert } of headers) {
    names.push(`${invert ? 'without header' : 'header'} ${name} ${nameOfTest(value)}`);
  }
  for (const { name, value } of queryParams) names.push(`query parameter ${name} ${nameOfTest(value)}`);
  namesOfMatches.set(match, names);
  return names;
}

function nameOfTest(test: ValueTest): string {
  return test.kind === 'present' ? 'present' : `${test.kind} ${test.value}`;
}

function nameOfPath(path: PathMatch): string {
  if (path.kind === 'any') return 'path any';
  const suffix = path.kind !== 'regex' && path.ignoreCase ? ' (ignoring case)' : '';
  return `path ${path.kind} ${path.value}${suffix}`;
}
