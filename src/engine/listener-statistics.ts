// SPDX-License-Identifier: Apache-2.0
/** Listener slots in shared memory -> ListenerStatistics, summed over the threads. Main thread, on each scrape. */
import * as layout from '../../assembly/layout.js';
import type { Engine } from './engine.js';
import type { ListenerCounters, ListenerStatistics } from './statistics.js';

/** `slots` by listener name; the order of the result is theirs. */
export function readListeners(engine: Engine, slots: ReadonlyMap<string, number>): ListenerStatistics[] {
  const first = (layout.CONTROL_BASE + layout.CONTROL_LISTENER_CONNECTIONS) >> 2;
  return [...slots].map(([name, slot]) => ({
    name,
    activeConnections: Atomics.load(engine.ints, first + slot),
    counters: readCounters(engine, slot),
  }));
}

function readCounters(engine: Engine, slot: number): ListenerCounters {
  const sum = (field: number): number => {
    let total = 0;
    for (let thread = 0; thread < engine.control(layout.CONTROL_THREAD_CAPACITY); thread++) {
      const slab = engine.control(layout.CONTROL_SLABS) + thread * engine.control(layout.CONTROL_SLAB_SIZE);
      const at = slab + layout.SLAB_LISTENER_COUNTERS + slot * layout.LISTENER_COUNTERS_SIZE + field;
      total += engine.doubles[at / 8] ?? 0;
    }
    return total;
  };
  return {
    downstream_cx_total: sum(layout.LISTENER_CX_TOTAL),
    downstream_cx_overflow: sum(layout.LISTENER_CX_OVERFLOW),
    downstream_cx_overload_reject: sum(layout.LISTENER_CX_OVERLOAD_REJECT),
    downstream_cx_evicted: sum(layout.LISTENER_CX_EVICTED),
    downstream_cx_idle_timeout: sum(layout.LISTENER_CX_IDLE_TIMEOUT),
    downstream_rq_header_timeout: sum(layout.LISTENER_RQ_HEADER_TIMEOUT),
    downstream_rq_timeout: sum(layout.LISTENER_RQ_TIMEOUT),
    downstream_rq_idle_timeout: sum(layout.LISTENER_RQ_IDLE_TIMEOUT),
  };
}
