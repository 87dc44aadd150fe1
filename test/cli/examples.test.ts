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
      // What did not hold stands on standard output, also when the status is 1.
      const { stdout } = await run(process.execPath, [program], { timeout: 60_000 }).catch(
        (error: unknown) => error as { stdout: string },
      );
      const [plan = '', ...lines] = stdout.trim().split('\n');
      expect(stdout).not.toContain('not ok');
      expect(lines.filter((line) => line.startsWith('ok ')).length).toBe(Number(plan.replace('1..', '')));
    },
    60_000,
  );
});
