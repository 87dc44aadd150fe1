// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'perf/**/*.test.ts'],
    exclude: ['**/*.long.test.ts', '**/node_modules/**', 'dist/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters:
      process.env['CI'] === 'true' ? ['default', ['json', { outputFile: 'dist/test-report.json' }]] : ['default'],
  },
});
