// SPDX-License-Identifier: Apache-2.0
/** Compares a page of docs/ with what code generates for it; UPDATE_GOLDEN=1 rewrites the page, which CI may not. */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';

/** Returns the page as it stands and as it should be, both formatted as the repository formats Markdown. */
export async function readGeneratedDoc(path: string, markdown: string): Promise<{ actual: string; expected: string }> {
  const expected = await format(markdown, { ...(await resolveConfig(path)), parser: 'markdown' });
  if (process.env['UPDATE_GOLDEN'] === '1') {
    if (process.env['CI'] !== undefined) throw new Error('UPDATE_GOLDEN=1 is not for CI');
    await writeFile(path, expected);
  }
  return { actual: await readFile(path, 'utf8').catch(() => ''), expected };
}
