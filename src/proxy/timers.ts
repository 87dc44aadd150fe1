// SPDX-License-Identifier: Apache-2.0
/**
 * One coarse clock for all timeouts of a thread: a wheel of 16 ms slots. A timer is part of the object that owns it, so
 * starting and stopping one allocates nothing; it fires up to one slot late, never early. The time is read once for each
 * callback of the thread (`readClock`), because reading it for each use is what timeouts would cost most.
 */

const SLOT_MS = 16;
const SLOT_COUNT = 512;

/** One slot further than the deadline's, so that the slot is visited after the deadline. */
function slotOf(deadlineMs: number): number {
  return (Math.floor(deadlineMs / SLOT_MS) + 1) % SLOT_COUNT;
}

/** A timer; call `start` on the wheel to run it. Starting a running timer moves it. */
export class WheelTimer {
  readonly onExpire: () => void;
  deadlineMs = 0;
  slot = -1;
  previous: WheelTimer | null = null;
  next: WheelTimer | null = null;

  constructor(onExpire: () => void) {
    this.onExpire = onExpire;
  }
}

export class TimerWheel {
  readonly #slots: (WheelTimer | null)[] = new Array<WheelTimer | null>(SLOT_COUNT).fill(null);
  readonly #onError: (error: unknown) => void;
  #count = 0;
  #nowMs = performance.now();
  #tick = Math.floor(this.#nowMs / SLOT_MS);
  #interval: NodeJS.Timeout | null = null;

  /** `onError` gets what an expiry throws, so that one timer's bug does not stop the others. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** performance.now() at the last `readClock`. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Every callback that comes from outside begins with it: delays count from the time that was read last. */
  readClock(): void {
    this.#nowMs = performance.now();
  }

  start(timer: WheelTimer, delayMs: number): void {
    const deadlineMs = this.#nowMs + delayMs;
    if (timer.slot >= 0) {
      // Later than before, as with each use of a connection: it stays where it is until that slot is visited.
      if (deadlineMs >= timer.deadlineMs) {
        timer.deadlineMs = deadlineMs;
        return;
      }
      this.stop(timer);
    }
    timer.deadlineMs = deadlineMs;
    if (this.#count === 0) this.#tick = Math.floor(this.#nowMs / SLOT_MS);
    this.#link(timer);
    this.#count++;
    if (!this.#interval) {
      this.#interval = setInterval(() => this.#advance(), SLOT_MS);
      this.#interval.unref();
    }
  }

  #link(timer: WheelTimer): void {
    const slot = slotOf(timer.deadlineMs);
    timer.slot = slot;
    timer.previous = null;
    timer.next = this.#slots[slot] ?? null;
    if (timer.next) timer.next.previous = timer;
    this.#slots[slot] = timer;
  }

  stop(timer: WheelTimer): void {
    if (timer.slot < 0) return;
    this.#unlink(timer);
    this.#count--;
  }

  #unlink(timer: WheelTimer): void {
    if (timer.previous) timer.previous.next = timer.next;
    else this.#slots[timer.slot] = timer.next;
    if (timer.next) timer.next.previous = timer.previous;
    timer.previous = null;
    timer.next = null;
    timer.slot = -1;
  }

  get activeCount(): number {
    return this.#count;
  }

  /** Stops the clock for good. */
  close(): void {
    if (this.#interval) clearInterval(this.#interval);
    this.#interval = null;
  }

  #advance(): void {
    this.readClock();
    const now = this.#nowMs;
    const target = Math.floor(now / SLOT_MS);
    // After a long stall one turn of the wheel visits every slot.
    if (target - this.#tick > SLOT_COUNT) this.#tick = target - SLOT_COUNT;
    while (this.#tick < target) {
      this.#tick++;
      this.#visit(this.#tick % SLOT_COUNT, now);
    }
    if (this.#count === 0 && this.#interval) {
      clearInterval(this.#interval);
      this.#interval = null;
    }
  }

  #visit(slot: number, now: number): void {
    const expired: WheelTimer[] = [];
    for (let timer = this.#slots[slot] ?? null; timer;) {
      const next = timer.next;
      if (timer.deadlineMs <= now) expired.push(timer);
      else if (slotOf(timer.deadlineMs) !== slot) {
        this.#unlink(timer);
        this.#link(timer);
      }
      timer = next;
    }
    for (const timer of expired) {
      // An earlier expiry of this visit may have stopped or moved it.
      if (timer.slot !== slot || timer.deadlineMs > now) continue;
      this.stop(timer);
      try {
        timer.onExpire();
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
