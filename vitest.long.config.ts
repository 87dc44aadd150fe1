// SPDX-License-Identifier: Apache-2.0
/** The tests that take minutes (soak, fuzzing, many connections), one file at a time so that they don't disturb each other. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.long.test.ts', 'test/**/*.long.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
    passWithNoTests: true,
    reporters:
      process.env['CI'] === 'true' ? ['default', ['json', { outputFile: 'dist/test-report-long.json' }]] : ['default'],
  },
});
