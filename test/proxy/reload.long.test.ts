// SPDX-License-Identifier: Apache-2.0
/** The same as reload.test.ts for longer: 100 rewrites in half a minute. */
import { describe, expect, it } from 'vitest';
import { runReloads } from '../support/reload-run.js';

describe('reloading under load for long', () => {
  it('loses no request in 100 rewrites, and never goes back to old rules', async () => {
    const outcome = await runReloads({ rewrites: 100, durationMs: 30_000, connections: 16, threads: 2 });
    expect(outcome.report.failures).toEqual([]);
    expect(outcome.report.stale).toEqual([]);
    expect(outcome.report.failureCount).toBe(0);
    expect(outcome.badRewrites).toHaveLength(10);
    expect(outcome.badRewrites.every(({ state, staleMetric }) => state === 'stale' && staleMetric === 1)).toBe(true);
    expect(outcome.reloads.success).toBeGreaterThanOrEqual(101);
    const sorted = [...outcome.liveAfterMs].sort((left, right) => left - right);
    console.log(
      `${outcome.report.requestCount} requests, 0 failed; a change is live after ${Math.round(sorted[50] ?? 0)} ms ` +
        `(median), ${Math.round(sorted.at(-1) ?? 0)} ms (longest), the poll's 20 ms included`,
    );
  });
});
