// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_CLIENT_LIMITS } from '../../engine/client-limits.js';
import type { ClientLimits } from '../../engine/client-limits.js';
import { TimerWheel } from '../timers.js';
import { ClientTimer } from './client-timer.js';
import type { Expiry } from './client-timer.js';

/** One slot of the wheel, by which a timer may be late. */
const SLOT_MS = 20;
const LIMITS: ClientLimits = {
  ...DEFAULT_CLIENT_LIMITS,
  headTimeoutMs: 1000,
  requestTimeoutMs: 3000,
  streamIdleTimeoutMs: 2000,
  idleTimeoutMs: 5000,
};

let wheel: TimerWheel;
let over: Expiry[];
let hasUnsent: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  wheel = new TimerWheel((error) => {
    throw error;
  });
  over = [];
  hasUnsent = false;
});

afterEach(() => {
  wheel.close();
  vi.useRealTimers();
});

function timerOf(limits: Partial<ClientLimits> = {}): ClientTimer {
  const client = {
    get hasUnsent() {
      return hasUnsent;
    },
    onOver: (expiry: Expiry) => void over.push(expiry),
  };
  return new ClientTimer(client, wheel, { ...LIMITS, ...limits });
}

function pass(ms: number): void {
  vi.advanceTimersByTime(ms);
  wheel.readClock();
}

/** Lets time pass with a byte every half second. */
function passBusy(timer: ClientTimer, ms: number): void {
  for (let passed = 0; passed < ms; passed += 500) {
    pass(500);
    timer.touch();
  }
}

describe('ClientTimer', () => {
  it('ends an idle connection after idleTimeoutMs, though it looks earlier', () => {
    timerOf().idle();
    pass(LIMITS.idleTimeoutMs - 1);
    expect(over).toEqual([]);
    pass(1 + SLOT_MS);
    expect(over).toEqual(['phase']);
  });

  it('ends one that does not take the rest of its answer after streamIdleTimeoutMs', () => {
    timerOf().idle();
    hasUnsent = true;
    pass(LIMITS.streamIdleTimeoutMs + SLOT_MS);
    expect(over).toEqual(['stream-idle']);
  });

  it('ends a head after headTimeoutMs, however busily it comes', () => {
    const timer = timerOf();
    timer.idle();
    timer.head();
    passBusy(timer, 500);
    timer.head();
    pass(500 + SLOT_MS);
    expect(over).toEqual(['head']);
  });

  it('ends a head by the request limit when that is the shorter one, and by silence when that is', () => {
    timerOf({ requestTimeoutMs: 400 }).head();
    pass(400 + SLOT_MS);
    timerOf({ streamIdleTimeoutMs: 300 }).head();
    pass(300 + SLOT_MS);
    expect(over).toEqual(['request', 'stream-idle']);
  });

  it('counts requestTimeoutMs from the first byte of the head', () => {
    const timer = timerOf();
    timer.head();
    pass(900);
    timer.stream(false);
    passBusy(timer, 2000);
    expect(over).toEqual([]);
    pass(100 + SLOT_MS);
    expect(over).toEqual(['request']);
  });

  it('lets a request that has come take as long as bytes move', () => {
    const timer = timerOf();
    timer.stream(false);
    timer.requestSettled();
    passBusy(timer, 20_000);
    expect(over).toEqual([]);
    pass(LIMITS.streamIdleTimeoutMs + SLOT_MS);
    expect(over).toEqual(['stream-idle']);
  });

  it('begins anew with each request', () => {
    const timer = timerOf();
    for (let count = 0; count < 10; count++) {
      timer.head();
      pass(800);
      timer.stream(false);
      timer.requestSettled();
      pass(1500);
      timer.idle();
      pass(1500);
    }
    expect(over).toEqual([]);
  });

  it('has no limit where a limit is 0', () => {
    const none = { headTimeoutMs: 0, requestTimeoutMs: 0, streamIdleTimeoutMs: 0, idleTimeoutMs: 0 };
    const timer = timerOf(none);
    timer.idle();
    pass(10_000_000);
    timer.head();
    pass(10_000_000);
    timer.stream(false);
    pass(10_000_000);
    expect(over).toEqual([]);
    expect(wheel.activeCount).toBe(0);
  });

  it('keeps what is read and thrown away bounded, whatever comes', () => {
    const timer = timerOf({ streamIdleTimeoutMs: 0 });
    timer.discard();
    passBusy(timer, 31_000);
    timer.linger();
    passBusy(timer, 6000);
    expect(over).toEqual(['phase', 'phase']);
  });

  it('does nothing after it was stopped', () => {
    const timer = timerOf();
    timer.idle();
    timer.stop();
    pass(10_000);
    expect(over).toEqual([]);
  });
});
