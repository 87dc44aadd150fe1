// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { PeerResult, RunResult, ScenarioResult } from '../measure/result.js';
import type { Metric } from '../scenario.js';
import { selectScenarios } from '../scenarios.js';
import { boundRows, standingOf } from './bounds.js';
import { noiseOf, tableOf } from './rows.js';

function peer(name: string, metric: Metric, ...values: (number | string)[]): PeerResult {
  const rounds = values.map((value) =>
    typeof value === 'string' ? { failure: value } : { figures: { [metric]: value, busy: 0.5 } },
  );
  return { name, version: '1', rounds };
}

function resultOf(name: string, ...peers: PeerResult[]): ScenarioResult {
  const [scenario] = selectScenarios([name]);
  if (scenario === undefined) throw new Error(`no row ${name}`);
  return { scenario, peers, skipped: [{ name: 'caddy', why: 'not\nhere' }], notes: [] };
}

function runOf(...scenarios: ScenarioResult[]): RunResult {
  const environment = {
    ...{ date: '', command: '', cpu: '', cores: 2, kernel: '', node: '', commit: '', dirty: false, tools: {} },
    ...{ pinning: '', rounds: 3, seconds: 1 },
  };
  return { environment, scenarios };
}

const SMALL = resultOf(
  'h1-small',
  peer('weft', 'cpuUsPerRequest', 11, 12, 10),
  peer('weft-again', 'cpuUsPerRequest', 11, 11.5, 10),
  peer('haproxy', 'cpuUsPerRequest', 10, 10, 'failed requests: 1 read'),
  peer('nginx', 'cpuUsPerRequest', 'failed requests: 1 read'),
);

describe('the table of bounds', () => {
  const rows = boundRows(runOf(SMALL));

  it('takes ratios of the rounds that both proxies have', () => {
    const row = rows.find(({ what }) => what.includes('against HAProxy') && what.startsWith('CPU'));
    expect(row).toMatchObject({ measured: '1.15', standing: 'bound reached', bound: '≤ 1.15', goal: '≤ 1' });
  });

  it('never passes what was not measured', () => {
    const others = rows.filter(({ standing }) => standing !== 'bound reached');
    expect(others).toHaveLength(rows.length - 1);
    expect(others.every((row) => row.standing === 'not measured' && row.measured === 'not measured')).toBe(true);
  });

  it('stands by the side that is good', () => {
    expect(standingOf(1, 2, 1, false)).toBe('goal reached');
    expect(standingOf(2.1, 2, 1, false)).toBe('missed');
    expect(standingOf(1.9, 1.8, 2, true)).toBe('bound reached');
    expect(standingOf(1.7, 1.8, 2, true)).toBe('missed');
    expect(standingOf(2, undefined, 1, false)).toBe('goal missed');
    expect(standingOf(2, 3, undefined, false)).toBe('bound reached');
    expect(standingOf(NaN, 2, 1, false)).toBe('not measured');
    expect(standingOf(undefined, 2, 1, true)).toBe('not measured');
  });
});

describe('the table of a scenario', () => {
  it('marks proxies that were not busy, and tells failures and absences', () => {
    const { rows, notes } = tableOf(SMALL);
    expect(rows.find(([name]) => name === 'weft')?.join(' ')).toContain('50% †');
    expect(rows.find(([name]) => name === 'nginx')?.join(' ')).toContain('not measured');
    expect(notes).toContain('nginx, round 1: failed requests: 1 read');
    expect(notes).toContain('caddy skipped: not');
    expect(notes.some((note) => note.includes('the client was the limit'))).toBe(true);
  });

  it('has the difference of two instances of one build as noise', () => {
    expect(noiseOf(SMALL)).toBeCloseTo(0);
    expect(
      noiseOf(resultOf('h1-small', peer('weft', 'cpuUsPerRequest', 12), peer('weft-again', 'cpuUsPerRequest', 10))),
    ).toBeCloseTo(0.2);
  });
});
