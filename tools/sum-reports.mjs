// SPDX-License-Identifier: Apache-2.0
// vitest's JSON reports -> one line `N passed, N failed`. A report that is not there (its step never ran) counts nothing; a
// test file that could not even be loaded counts as one failure. Exit 1 when anything failed or nothing passed.
//
//   node tools/sum-reports.mjs REPORT.json...
import { existsSync, readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
for (const path of process.argv.slice(2)) {
  if (!existsSync(path)) continue;
  const report = JSON.parse(readFileSync(path, 'utf8'));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  failed += report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
