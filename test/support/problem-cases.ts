// SPDX-License-Identifier: Apache-2.0
/** One resource per code and field: runs tables of what must be refused or warned about, and where. */
import { describe, expect, it } from 'vitest';
import { loadTexts } from '../../src/resources/load-resources.js';
import type { LoadedResources } from '../../src/resources/load-resources.js';
import { PROBLEM_CODES } from '../../src/resources/problem-codes.js';
import type { ProblemCode } from '../../src/resources/problem-codes.js';

/** `spec` is YAML in flow style, so that all of it stands on one line. */
export type ProblemCase = readonly [code: ProblemCode, path: string, spec: string];

/** Loads one resource with the given spec. */
export function loadSpec(kind: string, spec: string): LoadedResources {
  const apiVersion = kind === 'Service' ? 'v1' : 'networking.istio.io/v1';
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: it}\nspec: ${spec}\n`;
  return loadTexts([{ file: 'it.yaml', text }]);
}

/** Each case must be reported: alone, or beside warnings of the parts that are not executed yet. */
export function describeCases(
  kind: string,
  expectation: 'alone' | 'among-warnings',
  cases: readonly ProblemCase[],
): void {
  describe(`${kind}, ${expectation}`, () => {
    it.each(cases)('reports %s at %s', (code, path, spec) => {
      const { resources, problems } = loadSpec(kind, spec);
      expect(problems.map((problem) => [problem.code, problem.path])).toContainEqual([code, path]);
      const others = problems.filter((problem) => problem.code !== code);
      if (expectation === 'alone') expect(others).toEqual([]);
      else expect(others.filter((problem) => problem.severity === 'error')).toEqual([]);
      expect(resources).toHaveLength(PROBLEM_CODES[code].severity === 'error' ? 0 : 1);
      for (const problem of problems) expect(problem.position).toMatchObject({ file: 'it.yaml', line: 4 });
    });
  });
}
