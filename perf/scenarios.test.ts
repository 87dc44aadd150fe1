// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { SCENARIOS, selectScenarios } from './scenarios.js';

describe('the table of scenarios', () => {
  it('has each name once', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  });

  it('is selected from by name and by beginning, in its own order', () => {
    expect(selectScenarios(['h1-latency', 'h1-small']).map(({ name }) => name)).toEqual(['h1-small', 'h1-latency']);
    expect(selectScenarios(['routes-exact-*'])).toHaveLength(12);
    expect(selectScenarios([])).toBe(SCENARIOS);
  });

  it('refuses a name that takes nothing', () => {
    expect(() => selectScenarios(['h1-smal'])).toThrow('h1-smal');
    expect(() => selectScenarios(['nothing*'])).toThrow('nothing*');
  });
});
