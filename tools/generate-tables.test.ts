// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('assembly/tables.ts is what its generator makes of the layout', () => {
  const generator = fileURLToPath(new URL('./generate-tables.mjs', import.meta.url));
  const run = spawnSync(process.execPath, [generator, '--check'], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
  expect(run.status).toBe(0);
});
