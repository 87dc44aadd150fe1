// SPDX-License-Identifier: Apache-2.0
/**
 * Problems of one resource while it is being checked. A `Place` is a point in the resource: checks are handed one, go to
 * its fields, and report there without knowing about files and lines.
 */
import { formatPath } from './json-path.js';
import type { PathStep } from './json-path.js';
import type { Problem, ResourceId, SourcePosition } from './problem.js';
import { PROBLEM_CODES } from './problem-codes.js';
import type { ProblemCode } from './problem-codes.js';

type Locate = (steps: readonly PathStep[], part: 'key' | 'value') => SourcePosition;

/** Collects the Problems of one resource. */
export class Findings {
  readonly problems: Problem[] = [];
  readonly resource: ResourceId;
  readonly #locate: Locate;

  constructor(resource: ResourceId, locate: Locate) {
    this.resource = resource;
    this.#locate = locate;
  }

  get hasError(): boolean {
    return this.problems.some((problem) => problem.severity === 'error');
  }

  add(code: ProblemCode, steps: readonly PathStep[], part: 'key' | 'value', message: string, hint: string): void {
    const path = formatPath(steps);
    const position = this.#locate(steps, part);
    const { severity } = PROBLEM_CODES[code];
    this.problems.push({ severity, code, message, hint, path, position, resource: this.resource });
  }
}

export class Place {
  readonly #findings: Findings;
  readonly #steps: readonly PathStep[];

  constructor(findings: Findings, steps: readonly PathStep[] = []) {
    this.#findings = findings;
    this.#steps = steps;
  }

  get resource(): ResourceId {
    return this.#findings.resource;
  }

  at(...steps: readonly PathStep[]): Place {
    return new Place(this.#findings, [...this.#steps, ...steps]);
  }

  /** Reports at the value; the severity is that of the code. */
  report(code: ProblemCode, message: string, hint: string = ''): void {
    this.#findings.add(code, this.#steps, 'value', message, hint);
  }

  /** Reports at the key, for a fault of the key or of the field's presence. */
  reportKey(code: ProblemCode, message: string, hint: string = ''): void {
    this.#findings.add(code, this.#steps, 'key', message, hint);
  }
}

/** A spec of which only the fields that passed the schema are left; what did not pass is undefined. */
export type Draft<Value> = Value extends readonly (infer Item)[]
  ? readonly (Draft<Item> | undefined)[]
  : Value extends object
    ? { readonly [Key in keyof Value]?: Draft<Value[Key]> | undefined }
    : Value;

/** The given fields that the resource sets, whether or not they passed the schema. */
export function fieldsSet(draft: object, names: readonly string[]): string[] {
  return names.filter((name) => Object.hasOwn(draft, name));
}

/** A value as messages show it: short, and quoted only where it would be unclear. */
export function show(value: unknown): string {
  const text = typeof value === 'string' ? (value === '' ? '""' : value) : (JSON.stringify(value) ?? 'undefined');
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
