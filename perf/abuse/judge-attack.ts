// SPDX-License-Identifier: Apache-2.0
/** Figures of an attack -> whether the proxy withstood it, and the line of the table that says so. */
import { median } from '../measure/statistics.js';
import type { AttackFigures, AttackRound } from './measure-attack.js';

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

/** Median over the rounds: one of them may have met a pause that nobody can explain. */
function p99Of({ rounds }: AttackFigures, phase: 'alone' | 'during'): number {
  return median(rounds.map((round) => round[phase].p99Ms));
}

function mostOf({ rounds }: AttackFigures, count: keyof AttackRound['report']): number {
  return Math.max(...rounds.map(({ report }) => report[count]));
}

export function judgeAttack(figures: AttackFigures): AttackVerdict {
  const { attack, rounds, isDisturbed, memoryBefore, memoryPeak } = figures;
  const p99LimitMs = P99_FACTOR * p99Of(figures, 'alone') + P99_FLOOR_MS;
  const memoryLimit = memoryBefore + MEMORY_SLACK_BYTES + attack.connectionCount * attack.bytesPerConnection;
  const failures: string[] = [];
  if (rounds.some(({ report }) => report.openedCount === 0)) failures.push('no attack');
  const failedCount = rounds.reduce((sum, { alone, during }) => sum + alone.failedCount + during.failedCount, 0);
  if (failedCount > 0) failures.push(`${failedCount} requests failed`);
  if (!(p99Of(figures, 'during') <= p99LimitMs)) failures.push(isDisturbed ? `p99, ${disturbance(figures)}` : 'p99');
  if (!(memoryPeak <= memoryLimit)) failures.push('memory');
  return { p99LimitMs, memoryLimit, failure: failures.join(', ') };
}

function disturbance({ rounds }: AttackFigures): string {
  const share = median(rounds.map(({ foreignShare }) => foreignShare));
  return `while other programs had ${Math.round(share * 100)}% of the machine`;
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
  const { attack, memoryBefore, memoryPeak, memoryAfter } = figures;
  const [aloneMs, duringMs] = [p99Of(figures, 'alone'), p99Of(figures, 'during')];
  return [
    attack.title,
    String(mostOf(figures, 'openedCount')),
    String(mostOf(figures, 'closedCount')),
    ...[aloneMs, duringMs].map((ms) => `${ms.toFixed(1)} ms`),
    (duringMs / aloneMs).toFixed(2),
    `${p99LimitMs.toFixed(1)} ms`,
    ...[memoryBefore, memoryPeak, memoryAfter, memoryLimit].map((bytes) => (bytes / MIB).toFixed(0)),
    failure === '' ? 'ok' : `FAILED: ${failure}`,
  ];
}
