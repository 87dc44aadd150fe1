// SPDX-License-Identifier: Apache-2.0
/**
 * The query of an admin request, read strictly: a parameter that the endpoint does not know, a value that it can't take and
 * a parameter given twice are refused with 400, since a misspelt filter that is ignored looks like an empty result.
 */
import { RE2JS, RE2JSException } from 're2js';

/** Answered with 400 and the message. */
export class BadParameterError extends Error {
  override readonly name = 'BadParameterError';
}

export class Query {
  readonly #parameters: ReadonlyMap<string, string>;

  /** `known` lists the allowed names; undefined allows any. */
  constructor(parameters: URLSearchParams, known: readonly string[] | undefined) {
    const values = new Map<string, string>();
    for (const [name, value] of parameters) {
      if (known !== undefined && !known.includes(name)) {
        const allowed = known.length === 0 ? 'it takes none' : `it takes ${known.join(', ')}`;
        throw new BadParameterError(`unknown query parameter ${JSON.stringify(name)}: ${allowed}`);
      }
      if (values.has(name)) throw new BadParameterError(`query parameter ${JSON.stringify(name)} is given twice`);
      values.set(name, value);
    }
    this.#parameters = values;
  }

  entries(): readonly (readonly [name: string, value: string])[] {
    return [...this.#parameters];
  }

  text(name: string): string | undefined {
    return this.#parameters.get(name);
  }

  /** True for `?name`, `?name=true`, `?name=1`; false when absent or `false`, `0`. */
  flag(name: string): boolean {
    const value = this.#parameters.get(name);
    if (value === undefined || value === 'false' || value === '0') return false;
    if (value === '' || value === 'true' || value === '1') return true;
    throw new BadParameterError(`query parameter ${name} is ${JSON.stringify(value)}: give it no value, true or false`);
  }

  /** The first of `choices` when the parameter is absent. */
  choice<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.#parameters.get(name);
    if (value === undefined) return choices[0];
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
      throw new BadParameterError(
        `query parameter ${name} is ${JSON.stringify(value)}: it can be ${choices.join(', ')}`,
      );
    }
    return found;
  }

  /** An RE2 pattern; the linear-time engine keeps a hostile pattern from stopping the main thread. */
  pattern(name: string): RE2JS | undefined {
    const value = this.#parameters.get(name);
    if (value === undefined) return undefined;
    try {
      return RE2JS.compile(value);
    } catch (error) {
      if (error instanceof RE2JSException) {
        throw new BadParameterError(`query parameter ${name} is not a regular expression: ${error.message}`);
      }
      throw error;
    }
  }
}
