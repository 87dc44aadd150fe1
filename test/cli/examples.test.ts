// SPDX-License-Identifier: Apache-2.0
/** The examples are scripts that assert; they must hold. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);

describe('an example', () => {
  it.each(['bookinfo', 'egress-gateway'])(
    '%s holds in every point',
    async (name) => {
      const program = new URL(`../../examples/${name}/run.mjs`, import.meta.url).pathname;
      const { stdout } = await run(process.execPath, [program], { timeout: 60_000 });
      const [plan = '', ...lines] = stdout.trim().split('\n');
      expect(lines.filter((line) => line.startsWith('ok ')).length).toBe(Number(plan.replace('1..', '')));
      expect(stdout).not.toContain('not ok');
    },
    60_000,
  );
});
