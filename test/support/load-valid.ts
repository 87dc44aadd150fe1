// SPDX-License-Identifier: Apache-2.0
/** YAML text -> resources, for tests of the stages after validation: a text with an error is a fault of the test. */
import { loadTexts } from '../../src/resources/load-resources.js';
import type { KnownResource } from '../../src/resources/types.js';

export function loadValid(text: string, file = 'test.yaml'): readonly KnownResource[] {
  const { resources, problems } = loadTexts([{ file, text }]);
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) {
    const lines = errors.map(({ position, message }) => `${position.file}:${position.line}: ${message}`);
    throw new Error(`the test's resources are refused:\n${lines.join('\n')}`);
  }
  return resources;
}
