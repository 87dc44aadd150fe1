// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import {
  faultOfFqdn,
  faultOfWildcardDomain,
  isDnsLabel,
  isLabelKey,
  isLabelValue,
  isSubnet,
  isUnixAddress,
  parseDuration,
} from './scalars.js';

describe('parseDuration', () => {
  it.each([
    ['1s', 1000],
    ['1.5s', 1500],
    ['100ms', 100],
    ['1h30m', 5_400_000],
    ['0.010s', 10],
    ['.5s', 500],
    ['1000us', 1],
    ['1000000ns', 1],
    ['+2s', 2000],
    ['0s', 0],
    ['0', 0],
    ['1s1ms', 1001],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toEqual({ ms });
  });

  it.each(['', '5', 's', '1 s', '1d', '1s ', '-', 'ten seconds', '1..5s', '1S', '9'.repeat(80) + 's'])(
    'refuses %j as no duration',
    (text) => {
      expect(parseDuration(text)).toEqual({ error: 'is not a duration such as 1.5s, 100ms or 1h30m' });
    },
  );

  it('refuses what is shorter than a millisecond or negative', () => {
    expect(parseDuration('500us')).toEqual({ error: 'must be at least 1ms' });
    expect(parseDuration('-1s')).toEqual({ error: 'must be at least 1ms' });
  });

  it('refuses a fraction of a millisecond', () => {
    expect(parseDuration('1.0005s')).toEqual({
      error: 'has a part below 1ms; only millisecond precision is supported',
    });
  });

  it('refuses zero where the field does', () => {
    expect(parseDuration('0s', 'refuse')).toEqual({ error: 'must be at least 1ms' });
  });

  it('refuses more than an int64 of nanoseconds', () => {
    expect(parseDuration('9999999h')).toHaveProperty('error');
  });
});

describe('names', () => {
  it('accepts DNS labels in either case up to 63 characters', () => {
    expect(isDnsLabel('Reviews-v1')).toBe(true);
    expect(isDnsLabel('a'.repeat(63))).toBe(true);
    expect(isDnsLabel('a'.repeat(64))).toBe(false);
    expect(isDnsLabel('-a')).toBe(false);
    expect(isDnsLabel('a_b')).toBe(false);
  });

  it('accepts domain names with a trailing dot and refuses an all-digit top label', () => {
    expect(faultOfFqdn('a.example.')).toBeUndefined();
    expect(faultOfFqdn('a.b.1')).toMatch(/all digits/);
    expect(faultOfFqdn('a..b')).toMatch(/invalid label/);
    expect(faultOfFqdn('')).toBe('is empty');
  });

  it('accepts a wildcard at the start only', () => {
    for (const good of ['*', '*.a.example', '*-a.example', '*a.example', 'a.example']) {
      expect(faultOfWildcardDomain(good)).toBeUndefined();
    }
    expect(faultOfWildcardDomain('a.*.example')).toMatch(/leftmost/);
    expect(faultOfWildcardDomain('*.*.example')).toMatch(/leftmost/);
    expect(faultOfWildcardDomain('*.')).toMatch(/empty/);
  });

  it('knows labels of Kubernetes', () => {
    expect(isLabelKey('app.kubernetes.io/name')).toBe(true);
    expect(isLabelKey('/name')).toBe(false);
    expect(isLabelKey('a b')).toBe(false);
    expect(isLabelValue('')).toBe(true);
    expect(isLabelValue('v1_2.x')).toBe(true);
    expect(isLabelValue('*')).toBe(false);
  });

  it('knows subnets and Unix addresses', () => {
    expect(isSubnet('10.0.0.0/8')).toBe(true);
    expect(isSubnet('10.0.0.0/33')).toBe(false);
    expect(isSubnet('fd00::/64')).toBe(true);
    expect(isUnixAddress('unix:///run/a.sock')).toBe(true);
    expect(isUnixAddress('unix://@a')).toBe(true);
    expect(isUnixAddress('unix://relative')).toBe(false);
    expect(isUnixAddress('unix:///run/')).toBe(false);
  });
});
