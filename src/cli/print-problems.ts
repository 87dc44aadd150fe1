// SPDX-License-Identifier: Apache-2.0
/** Problems -> lines on standard error for commands whose standard output is something else. */
import { hasErrors } from '../control/pipeline.js';
import type { Problem } from '../resources/problem.js';

/** Warnings and errors, one a line, `file:line:column severity code message; hint`. Returns true when one is an error. */
export function printProblems(problems: readonly Problem[], stderr: NodeJS.WritableStream): boolean {
  for (const { severity, code, message, hint, path, position } of problems) {
    if (severity === 'info') continue;
    const where = `${position.file}:${position.line}:${position.column}`;
    stderr.write(
      `${where} ${severity} ${code} ${path === '' ? '' : `${path}: `}${message}${hint === '' ? '' : `; ${hint}`}\n`,
    );
  }
  return hasErrors(problems);
}
