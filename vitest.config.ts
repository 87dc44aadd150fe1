// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config';

/** Runs against different fronts leave a report each. */
const front = process.env['WEFT_FRONT'];
const outputFile = front ? `dist/test-report-${front}.json` : 'dist/test-report.json';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.ts', 'perf/**/*.test.ts'],
    exclude: ['**/*.long.test.ts', '**/node_modules/**', 'dist/**'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: process.env['CI'] === 'true' ? ['default', ['json', { outputFile }]] : ['default'],
  },
});
