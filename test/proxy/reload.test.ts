// SPDX-License-Identifier: Apache-2.0
/** Configuration changes under full load: no request fails, and none is routed by rules that have been replaced. */
import { describe, expect, it } from 'vitest';
import { runReloads } from '../support/reload-run.js';

describe('reloading under load', () => {
  it('loses no request in 20 rewrites, and never goes back to old rules', async () => {
    const outcome = await runReloads({ rewrites: 20, durationMs: 6000, connections: 8, threads: 2 });
    expect(outcome.report.failures).toEqual([]);
    expect(outcome.report.stale).toEqual([]);
    expect(outcome.report.failureCount).toBe(0);
    expect(outcome.report.requestCount).toBeGreaterThan(1000);
    // All endpoints took part, so that weights and endpoints really moved.
    expect(Object.keys(outcome.report.upstreams).sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(outcome.badRewrites).toHaveLength(2);
    for (const bad of outcome.badRewrites) {
      expect(bad.state).toBe('stale');
      expect(bad.problemCount).toBeGreaterThan(0);
      expect(bad.staleMetric).toBe(1);
    }
    expect(outcome.reloads.success).toBeGreaterThanOrEqual(21);
    expect(outcome.reloads.failure).toBeGreaterThanOrEqual(2);
  }, 60_000);
});
