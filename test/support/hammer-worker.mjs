// SPDX-License-Identifier: Apache-2.0
/**
 * One of several threads that use the same cluster of one shared memory as hard as they can. What it holds is counted once
 * more outside of the engine, so that a limit that is passed for a moment shows. Plain JavaScript: Node runs it as it is.
 */
import { parentPort, workerData } from 'node:worker_threads';

const { module, memory, slab, held, rounds, limits, occupancy, gate, threadCount, firstCluster, exchangeWords } =
  workerData;
const { exports } = new WebAssembly.Instance(module, { env: { memory } });
exports.attachThread(slab, slab + 1, 77, 99, 1234);
const words = new Int32Array(memory.buffer);

const outcome = { admitted: 0, refused: 0, aboveLimit: 0, picks: 0 };

/** Counts an entry into the region that `limit` guards; remembers when there are more inside than allowed. */
function enter(place, limit) {
  outcome.admitted++;
  if (Atomics.add(occupancy, place, 1) + 1 > limit) outcome.aboveLimit++;
}

function leave(place) {
  Atomics.sub(occupancy, place, 1);
}

// All threads start together.
Atomics.add(gate, 0, 1);
Atomics.notify(gate, 0);
for (let seen = Atomics.load(gate, 0); seen < threadCount; seen = Atomics.load(gate, 0))
  Atomics.wait(gate, 0, seen, 50);

for (let round = 0; round < rounds; round++) {
  const inside = [];
  for (let exchange = 0; exchange < held; exchange++) {
    exports.beginExchange(exchange);
    words[firstCluster + exchange * exchangeWords] = 0;
    const one = { exchange, request: false, connection: false, pending: false, retry: false };
    inside.push(one);
    if (exports.admitRequest(exchange) !== 0) {
      outcome.refused++;
      continue;
    }
    one.request = true;
    enter(0, limits.requests);
    if (exports.pickEndpoint(exchange, -1) >= 0) outcome.picks++;
    if (exports.openConnection(exchange, exchange) === 0) {
      one.connection = true;
      enter(1, limits.connections);
    } else outcome.refused++;
    if (exports.enterPending(exchange, 1) === 0) {
      one.pending = true;
      enter(2, limits.pending);
    } else outcome.refused++;
    if (exports.startRetry(exchange) === 0) {
      one.retry = true;
      enter(3, limits.retries);
    } else outcome.refused++;
  }
  for (const one of inside) {
    if (one.connection) {
      leave(1);
      exports.closeConnection(one.exchange);
    }
    if (one.pending) {
      leave(2);
      exports.leavePending(one.exchange);
    }
    if (one.retry) leave(3);
    if (one.request) leave(0);
    exports.finishExchange(one.exchange, 1);
  }
}
parentPort.postMessage(outcome);
