// SPDX-License-Identifier: Apache-2.0
/** Problems -> lines on standard error, for commands whose standard output is something else. */
import { hasErrors } from '../control/pipeline.js';
import type { Problem } from '../resources/problem.js';
import { formatProblem } from './analyze.js';

/** Warnings and errors, one a line; notes are for `weft analyze`. Returns true when one is an error. */
export function printProblems(problems: readonly Problem[], stderr: NodeJS.WritableStream): boolean {
  for (const problem of problems) if (problem.severity !== 'info') stderr.write(`${formatProblem(problem)}\n`);
  return hasErrors(problems);
}
