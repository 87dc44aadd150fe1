// SPDX-License-Identifier: Apache-2.0
/** The tests with a real browser (`npm run test:browser`), one file at a time: see test/browser/browser.ts for which one. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/browser/*.browser.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
    reporters:
      process.env['CI'] === 'true'
        ? ['default', ['json', { outputFile: 'dist/test-report-browser.json' }]]
        : ['default'],
  },
});
