// SPDX-License-Identifier: Apache-2.0
/**
 * Well-behaved clients at a fixed rate -> the 99th percentile of their latency. A request is due whatever became of those
 * before it and its latency counts from then, so a proxy that stalls can't hide behind clients that wait for it. Most requests
 * go over connections that stay; each tenth opens one, because an attack may be on accepting.
 */
import net from 'node:net';

const HOST = 'abuse.example';
const PER_SECOND = 200;
const KEPT_COUNT = 16;
/** One request of so many is on a connection of its own. */
const FRESH_EACH = 10;
const TICK_MS = 5;
const PATIENCE_MS = 5000;

export interface BystanderFigures {
  readonly p99Ms: number;
  readonly requestCount: number;
  /** Requests without a 200. */
  readonly failedCount: number;
}

/** Asks for `durationMs` and waits for the last answers. */
export async function measureBystanders(port: number, durationMs: number): Promise<BystanderFigures> {
  const latencies: number[] = [];
  const idle: net.Socket[] = [];
  const underWay: Promise<void>[] = [];
  let failedCount = 0;
  const ask = async (dueMs: number, isFresh: boolean): Promise<void> => {
    const kept = isFresh ? undefined : idle.pop();
    const socket = kept ?? net.connect({ port, host: '127.0.0.1', noDelay: true });
    const isAnswered = await answered(socket);
    if (isAnswered) latencies.push(performance.now() - dueMs);
    else failedCount++;
    if (isAnswered && !isFresh && idle.length < KEPT_COUNT) idle.push(socket);
    else socket.destroy();
  };
  const startedMs = performance.now();
  let count = 0;
  while (performance.now() - startedMs < durationMs) {
    for (; (count * 1000) / PER_SECOND <= performance.now() - startedMs; count++)
      underWay.push(ask(startedMs + (count * 1000) / PER_SECOND, count % FRESH_EACH === 0));
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
  await Promise.all(underWay);
  for (const socket of idle) socket.destroy();
  latencies.sort((left, right) => left - right);
  const p99Ms = latencies[Math.ceil(latencies.length * 0.99) - 1] ?? Infinity;
  return { p99Ms, requestCount: count, failedCount };
}

/** Sends a request and resolves with whether a 200 came. */
function answered(socket: net.Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (isAnswered: boolean): void => {
      clearTimeout(limit);
      socket.removeAllListeners();
      socket.on('error', () => undefined);
      resolve(isAnswered);
    };
    const limit = setTimeout(() => finish(false), PATIENCE_MS);
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('data', (chunk) => finish(chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200'));
    socket.write(`GET / HTTP/1.1\r\nhost: ${HOST}\r\n\r\n`);
  });
}
