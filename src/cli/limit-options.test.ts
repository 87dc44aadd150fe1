// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { DEFAULT_CLIENT_LIMITS } from '../engine/client-limits.js';
import { LIMIT_OPTIONS, limitsOf } from './limit-options.js';
import type { LimitArguments } from './limit-options.js';
import { UsageError } from './settings.js';

const DEFAULTS: LimitArguments = {
  maxHeadBytes: LIMIT_OPTIONS['max-head-bytes'].default,
  maxRequestHeaders: LIMIT_OPTIONS['max-request-headers'].default,
  headTimeoutSeconds: LIMIT_OPTIONS['head-timeout-seconds'].default,
  requestTimeoutSeconds: LIMIT_OPTIONS['request-timeout-seconds'].default,
  streamIdleTimeoutSeconds: LIMIT_OPTIONS['stream-idle-timeout-seconds'].default,
  idleTimeoutSeconds: LIMIT_OPTIONS['idle-timeout-seconds'].default,
  maxConnections: LIMIT_OPTIONS['max-connections'].default,
  http10: LIMIT_OPTIONS.http10.default,
  proxyProtocol: LIMIT_OPTIONS['proxy-protocol'].default,
};

describe('limitsOf', () => {
  it('makes the defaults of the options into the default limits', () => {
    expect(limitsOf(DEFAULTS)).toEqual(DEFAULT_CLIENT_LIMITS);
  });

  it('takes fractions of a second, and no fraction for no limit', () => {
    expect(limitsOf({ ...DEFAULTS, headTimeoutSeconds: 0.25 }).headTimeoutMs).toBe(250);
    expect(limitsOf({ ...DEFAULTS, headTimeoutSeconds: 0.0001 }).headTimeoutMs).toBe(1);
    expect(limitsOf({ ...DEFAULTS, headTimeoutSeconds: 0 }).headTimeoutMs).toBe(0);
  });

  it.each<Partial<LimitArguments>>([
    { maxHeadBytes: 61_441 },
    { maxHeadBytes: 127 },
    { maxHeadBytes: 1000.5 },
    { maxRequestHeaders: 257 },
    { maxRequestHeaders: 0 },
    { idleTimeoutSeconds: -1 },
    { requestTimeoutSeconds: Number.NaN },
    { streamIdleTimeoutSeconds: 86_401 },
    { maxConnections: -1 },
  ])('refuses %j and names the option', (wrong) => {
    const name = Object.keys(wrong)[0]?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    expect(() => limitsOf({ ...DEFAULTS, ...wrong })).toThrow(UsageError);
    expect(() => limitsOf({ ...DEFAULTS, ...wrong })).toThrow(`--${name}: `);
  });
});
