// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

const DAY_MS = 86_400_000;

export default defineConfig({
  test: {
    include: ['test/fuzz/*.fuzz.ts'],
    // Each ends by itself, when its time is over.
    testTimeout: DAY_MS,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    disableConsoleIntercept: true,
    reporters:
      process.env['CI'] === 'true' ? ['default', ['json', { outputFile: 'dist/test-report-fuzz.json' }]] : ['default'],
  },
});
