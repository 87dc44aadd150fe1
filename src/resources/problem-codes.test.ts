// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROBLEM_CODES } from './problem-codes.js';

function sources(isTest: boolean): string {
  const folders = ['./', './schema/'].map((path) => new URL(path, import.meta.url));
  return folders
    .flatMap((folder) =>
      readdirSync(folder)
        .filter(
          (name) => name.endsWith('.ts') && name.endsWith('.test.ts') === isTest && !name.startsWith('problem-codes'),
        )
        .map((name) => readFileSync(new URL(name, folder), 'utf8')),
    )
    .join('\n');
}

describe('PROBLEM_CODES', () => {
  it('holds no code that nothing reports', () => {
    const text = sources(false);
    expect(Object.keys(PROBLEM_CODES).filter((code) => !text.includes(`'${code}'`))).toEqual([]);
  });

  it('holds no code that no test expects', () => {
    const text = sources(true);
    expect(Object.keys(PROBLEM_CODES).filter((code) => !text.includes(code))).toEqual([]);
  });

  it('spells codes in kebab case', () => {
    for (const code of Object.keys(PROBLEM_CODES)) expect(code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });
});
