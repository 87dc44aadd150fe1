// SPDX-License-Identifier: Apache-2.0
/**
 * Steps into a resource <-> the JSON path that people read (`spec.http[0].match[1].headers["x.y"]`). Keys that are not
 * plain words are quoted as JSON, so that every path can be read back.
 */

export type PathStep = string | number;

const WORD = /^[A-Za-z_][\w-]*$/;

/** Writes steps as a JSON path; no steps give ''. */
export function formatPath(steps: readonly PathStep[]): string {
  let path = '';
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (!WORD.test(step)) path += `[${JSON.stringify(step)}]`;
    else path += path === '' ? step : `.${step}`;
  }
  return path;
}

const STEP = /\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Reads a path that `formatPath` wrote. What follows a part that cannot be read is dropped: the nearest parent is meant. */
export function parsePath(path: string): PathStep[] {
  const steps: PathStep[] = [];
  STEP.lastIndex = 0;
  for (let found = STEP.exec(path); found !== null; found = STEP.exec(path)) {
    const [, word, index, quoted] = found;
    if (word !== undefined) steps.push(word);
    else if (index !== undefined) steps.push(Number(index));
    else steps.push(JSON.parse(quoted ?? '""') as string);
  }
  return steps;
}
