// SPDX-License-Identifier: Apache-2.0
/** The failure table has a row for each number that a client can see, in words that metrics and log formats can carry. */
import { describe, expect, it } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { allFailures, failureOf } from './failures.js';

/** Steps of the data path that are never an answer by themselves. */
const INTERNAL = new Set(['FAILURE_RETRY_OVERFLOW']);

describe('the failure table', () => {
  it('has a row of its own for every failure number', () => {
    const missing = Object.entries(layout)
      .filter(([name]) => name.startsWith('FAILURE_') && !INTERNAL.has(name) && name !== 'FAILURE_ENGINE')
      .filter(([, number]) => failureOf(number) === failureOf(layout.FAILURE_ENGINE))
      .map(([name]) => name);
    expect(missing).toEqual([]);
  });

  it('reads a number without a row as an internal error', () => {
    expect(failureOf(-9999)).toMatchObject({ code: 'internal_error', status: 500 });
  });

  it('keeps codes and details free of what logs and labels would have to escape', () => {
    for (const { code, details } of allFailures()) {
      expect(code).toMatch(/^[a-z0-9_]+$/);
      expect(details).toMatch(/^[a-z0-9_.{}]+$/);
    }
  });

  it('closes the connection of a client whose bytes cannot be trusted any more', () => {
    for (const number of [layout.FAILURE_BAD_REQUEST, layout.FAILURE_HEAD_TOO_LARGE])
      expect(failureOf(number).close).toBe(true);
    for (const number of [layout.FAILURE_NO_ROUTE, layout.FAILURE_CONNECT, layout.FAILURE_TIMEOUT])
      expect(failureOf(number).close).toBe(false);
  });

  it.each([
    [layout.FAILURE_NO_ROUTE, 404, layout.FLAG_NR],
    [layout.FAILURE_CLUSTER_NOT_FOUND, 503, layout.FLAG_NC],
    [layout.FAILURE_NO_HEALTHY_UPSTREAM, 503, layout.FLAG_UH],
    [layout.FAILURE_OVERFLOW, 503, layout.FLAG_UO],
    [layout.FAILURE_CONNECT, 503, layout.FLAG_UF],
    [layout.FAILURE_UPSTREAM_CLOSED, 503, layout.FLAG_UC],
    [layout.FAILURE_UPSTREAM_PROTOCOL, 502, layout.FLAG_UPE],
    [layout.FAILURE_TIMEOUT, 504, layout.FLAG_UT],
  ])("answers failure %d with Envoy's status %d and flag %d", (number, status, flag) => {
    expect(failureOf(number)).toMatchObject({ status, flag });
  });
});
