// SPDX-License-Identifier: Apache-2.0
/** How long a tunnel lives in silence; what it does with bytes and ends is shown by test/proxy/tunnel.test.ts on sockets. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as layout from '../../assembly/layout.js';
import { TimerWheel } from './timers.js';
import { DEFAULT_CLIENT_LIMITS } from '../engine/client-limits.js';
import { Tunnel } from './tunnel.js';
import type { TunnelThread } from './tunnel.js';

const STREAM_IDLE_TIMEOUT_MS = DEFAULT_CLIENT_LIMITS.streamIdleTimeoutMs;
const ALMOST_MS = STREAM_IDLE_TIMEOUT_MS - 1000;
const BYTES = Buffer.from('abc');

class Owner {
  requestBytes = 0;
  responseBytes = 0;
  readonly ends: unknown[] = [];

  onTunnelEnd(flags: number, details: string, atOnce: boolean): void {
    this.ends.push([flags, details, atOnce]);
  }
}

/** A connection that takes everything at once. */
class WideEnd {
  write(): boolean {
    return true;
  }

  sendTunnel(): boolean {
    return true;
  }

  endTunnel(onSent: () => void): void {
    onSent();
  }

  pause(): void {
    throw new Error('there is always room');
  }

  resume(): void {
    // It is never paused.
  }

  pauseBody(): void {
    this.pause();
  }

  resumeBody(): void {
    this.resume();
  }
}

let wheel: TimerWheel;
let owner: Owner;
let tunnel: Tunnel;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  wheel = new TimerWheel((error) => {
    throw error;
  });
  const thread: TunnelThread = { timers: wheel, guard: (run) => run, limits: DEFAULT_CLIENT_LIMITS };
  owner = new Owner();
  tunnel = new Tunnel(thread, owner, new WideEnd(), new WideEnd());
});

afterEach(() => {
  wheel.close();
  vi.useRealTimers();
});

describe('a silent tunnel', () => {
  it('ends after the stream idle timeout of Envoy, at once', () => {
    vi.advanceTimersByTime(ALMOST_MS);
    expect(owner.ends).toEqual([]);
    vi.advanceTimersByTime(2000);
    expect(owner.ends).toEqual([[layout.FLAG_SI, 'stream_idle_timeout', true]]);
    vi.advanceTimersByTime(2 * STREAM_IDLE_TIMEOUT_MS);
    expect(owner.ends).toHaveLength(1);
  });

  it.each([
    ['bytes of the client', () => tunnel.onClientBytes(BYTES)],
    ['bytes of the upstream', () => tunnel.onUpstreamBytes(BYTES)],
    ['a client that takes what was kept for it', () => tunnel.onDownstreamDrain()],
    ['an upstream that takes what was kept for it', () => tunnel.onUpstreamDrain()],
  ])('is kept by %s', (_what, act) => {
    for (let turn = 0; turn < 3; turn++) {
      vi.advanceTimersByTime(ALMOST_MS);
      wheel.readClock();
      act();
    }
    expect(owner.ends).toEqual([]);
    vi.advanceTimersByTime(STREAM_IDLE_TIMEOUT_MS + 1000);
    expect(owner.ends).toHaveLength(1);
  });

  it('whose client has left is closed as well, when the upstream does not end either', () => {
    tunnel.onClientEnd();
    vi.advanceTimersByTime(STREAM_IDLE_TIMEOUT_MS + 1000);
    expect(owner.ends).toEqual([[layout.FLAG_SI, 'stream_idle_timeout', true]]);
  });

  it('that was closed stays so and keeps no timer', () => {
    tunnel.close();
    tunnel.onClientBytes(BYTES);
    tunnel.onUpstreamEnd();
    vi.advanceTimersByTime(2 * STREAM_IDLE_TIMEOUT_MS);
    expect([owner.ends, owner.requestBytes, wheel.activeCount]).toEqual([[], 0, 0]);
  });
});
