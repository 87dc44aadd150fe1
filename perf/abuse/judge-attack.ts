// SPDX-License-Identifier: Apache-2.0
/** Figures of an attack -> whether the proxy withstood it, and the line of the table that says so. */
import type { AttackFigures } from './measure-attack.js';

/** Other clients may wait so many times as long as without the attack, */
const P99_FACTOR = 3;
/** and so much longer besides: a pause of the collector or of another process is longer than the whole p99 on its own. */
const P99_FLOOR_MS = 5;
/** What the collectors of all threads may be behind by, whatever the attack. */
const MEMORY_SLACK_BYTES = 64 * 1024 * 1024;
const MIB = 1024 * 1024;

export interface AttackVerdict {
  readonly p99LimitMs: number;
  readonly memoryLimit: number;
  /** '' = withstood. */
  readonly failure: string;
}

/** p99 without the attack: the lower of before and after, because what other programs do can only make it higher. */
function aloneMs({ before, after }: AttackFigures): number {
  return Math.min(before.p99Ms, after.p99Ms);
}

export function judgeAttack(figures: AttackFigures): AttackVerdict {
  const { attack, before, during, after, report, memoryBefore, memoryPeak } = figures;
  const p99LimitMs = P99_FACTOR * aloneMs(figures) + P99_FLOOR_MS;
  const memoryLimit = memoryBefore + MEMORY_SLACK_BYTES + attack.connectionCount * attack.bytesPerConnection;
  const failures: string[] = [];
  if (report.openedCount === 0) failures.push('no attack');
  const failedCount = before.failedCount + during.failedCount + after.failedCount;
  if (failedCount > 0) failures.push(`${failedCount} requests failed`);
  if (!(during.p99Ms <= p99LimitMs)) failures.push('p99');
  if (!(memoryPeak <= memoryLimit)) failures.push('memory');
  return { p99LimitMs, memoryLimit, failure: failures.join(', ') };
}

export const HEADINGS = [
  'attack',
  'open',
  'closed',
  'p99 alone',
  'during',
  'ratio',
  'limit',
  'MiB before',
  'peak',
  'after',
  'limit',
  'verdict',
];

/** The cells of the table's line. */
export function rowOf(figures: AttackFigures, { p99LimitMs, memoryLimit, failure }: AttackVerdict): string[] {
  const { attack, during, report, memoryBefore, memoryPeak, memoryAfter } = figures;
  return [
    attack.title,
    String(report.openedCount),
    String(report.closedCount),
    ...[aloneMs(figures), during.p99Ms].map((ms) => `${ms.toFixed(1)} ms`),
    (during.p99Ms / aloneMs(figures)).toFixed(2),
    `${p99LimitMs.toFixed(1)} ms`,
    ...[memoryBefore, memoryPeak, memoryAfter, memoryLimit].map((bytes) => (bytes / MIB).toFixed(0)),
    failure === '' ? 'ok' : `FAILED: ${failure}`,
  ];
}
