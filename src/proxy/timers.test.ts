// SPDX-License-Identifier: Apache-2.0
/** The wheel under a clock that the test turns: never early, at most a slot late, and one bug does not stop the others. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TimerWheel, WheelTimer } from './timers.js';

const SLOT_MS = 16;
/** One turn of the wheel: 512 slots. */
const TURN_MS = 512 * SLOT_MS;

let errors: unknown[];
let wheel: TimerWheel;
let fired: string[];

function timerOf(name: string, also: () => void = () => undefined): WheelTimer {
  return new WheelTimer(() => {
    fired.push(name);
    also();
  });
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  errors = [];
  fired = [];
  wheel = new TimerWheel((error) => errors.push(error));
});

afterEach(() => {
  wheel.close();
  vi.useRealTimers();
});

describe('the timer wheel', () => {
  it.each([0, 1, 15, 16, 17, 100, 1000, TURN_MS - 1, TURN_MS, TURN_MS + 1, 3 * TURN_MS + 5])(
    'fires after %d ms, never before',
    (delayMs) => {
      let firedAfterMs = -1;
      const started = performance.now();
      wheel.start(
        timerOf('timer', () => (firedAfterMs = performance.now() - started)),
        delayMs,
      );
      vi.advanceTimersByTime(delayMs + 3 * SLOT_MS);
      expect(firedAfterMs).toBeGreaterThanOrEqual(delayMs);
      expect(firedAfterMs).toBeLessThanOrEqual(delayMs + 2 * SLOT_MS);
      expect(wheel.activeCount).toBe(0);
    },
  );

  it('fires each start once', () => {
    wheel.start(timerOf('once'), 20);
    vi.advanceTimersByTime(2 * TURN_MS);
    expect(fired).toEqual(['once']);
  });

  it('does not fire a stopped timer, and stopping twice is harmless', () => {
    const [first, second] = [timerOf('first'), timerOf('second')];
    wheel.start(first, 50);
    wheel.start(second, 50);
    wheel.stop(first);
    wheel.stop(first);
    expect(wheel.activeCount).toBe(1);
    vi.advanceTimersByTime(200);
    expect(fired).toEqual(['second']);
  });

  it('moves a timer that is started again', () => {
    const timer = timerOf('timer');
    wheel.start(timer, 40);
    vi.advanceTimersByTime(30);
    wheel.readClock();
    wheel.start(timer, 200);
    vi.advanceTimersByTime(150);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(100);
    expect(fired).toEqual(['timer']);
  });

  it('moves a timer to an earlier time', () => {
    const timer = timerOf('timer');
    wheel.start(timer, 5000);
    wheel.start(timer, 40);
    vi.advanceTimersByTime(100);
    expect(fired).toEqual(['timer']);
    vi.advanceTimersByTime(10_000);
    expect(fired).toEqual(['timer']);
  });

  it('fires a timer that was put off again and again once, at its last time', () => {
    let firedAtMs = -1;
    const timer = timerOf('timer', () => (firedAtMs = performance.now()));
    wheel.start(timer, 100);
    for (let turn = 0; turn < 200; turn++) {
      vi.advanceTimersByTime(70);
      wheel.readClock();
      wheel.start(timer, 100);
    }
    const due = performance.now() + 100;
    vi.advanceTimersByTime(2 * TURN_MS);
    expect(fired).toEqual(['timer']);
    expect(firedAtMs).toBeGreaterThanOrEqual(due);
    expect(firedAtMs).toBeLessThanOrEqual(due + 2 * SLOT_MS);
  });

  it('lets an expiry stop a neighbour of the same slot, and start itself anew', () => {
    const victim = timerOf('victim');
    const killer = timerOf('killer', () => {
      wheel.stop(victim);
      if (fired.length < 3) wheel.start(killer, 0);
    });
    wheel.start(victim, 10);
    wheel.start(killer, 10);
    vi.advanceTimersByTime(300);
    expect(fired).toEqual(['killer', 'killer', 'killer']);
    expect(wheel.activeCount).toBe(0);
  });

  it('goes on with the other timers when an expiry throws', () => {
    const bug = new Error('bug');
    for (const name of ['a', 'b', 'c']) {
      wheel.start(
        timerOf(name, () => {
          if (name === 'b') throw bug;
        }),
        10,
      );
    }
    vi.advanceTimersByTime(100);
    expect([...fired].sort()).toEqual(['a', 'b', 'c']);
    expect(errors).toEqual([bug]);
  });

  it('fires everything that is due after a stall of more than a turn', () => {
    for (let index = 0; index < 20; index++) wheel.start(timerOf(`timer${index}`), index * 400);
    const clock = performance.now.bind(performance);
    const stalled = vi.spyOn(performance, 'now').mockImplementation(() => clock() + 3 * TURN_MS);
    vi.advanceTimersByTime(SLOT_MS);
    stalled.mockRestore();
    expect(fired).toHaveLength(20);
  });

  it('has its clock run only while a timer runs', () => {
    expect(vi.getTimerCount()).toBe(0);
    wheel.start(timerOf('timer'), 10);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
    wheel.readClock();
    wheel.start(timerOf('later'), 10);
    vi.advanceTimersByTime(100);
    expect(fired).toEqual(['timer', 'later']);
  });
});
