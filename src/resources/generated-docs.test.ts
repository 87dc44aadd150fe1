// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LOWER_CODES } from '../lower/problem-codes.js';
import { ENCODE_CODES } from '../rules/encode.js';
import { problemsPage } from './problem-codes.js';
import { replaceSupportTable, supportTable } from './support-table.js';

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

describe('generated documentation (npm run build:ts && node tools/generate-docs.mjs)', () => {
  it('docs/problems.md lists the codes of the table', () => {
    expect(read('docs/problems.md')).toBe(
      problemsPage([
        ['One proxy', LOWER_CODES],
        ['Rule tables', ENCODE_CODES],
      ]),
    );
  });

  it('README.md has the table of supported fields between its marks', () => {
    const readme = read('README.md');
    expect(readme).toContain('<!-- support:begin -->');
    expect(readme).toBe(replaceSupportTable(readme));
  });
});

describe('supportTable', () => {
  it('tells executed fields from those that are only accepted', () => {
    const rule = supportTable()
      .split('\n')
      .find((line) => /^\| DestinationRule +\| `spec\.trafficPolicy` +\|/.test(line));
    const [, , , executed, accepted] = rule?.split('|') ?? [];
    expect(executed).toContain('`connectionPool`');
    expect(accepted).toContain('`proxyProtocol`');
    expect(executed).not.toContain('`proxyProtocol`');
  });

  it('names values of an executed field that are not executed', () => {
    expect(supportTable()).toContain('`simple`: PASSTHROUGH');
  });

  it('leaves a text without marks alone', () => {
    expect(replaceSupportTable('# Title\n')).toBe('# Title\n');
  });
});
