// SPDX-License-Identifier: Apache-2.0
/**
 * Client connections -> their count per listener, exact over all threads. A connection's record says which listener it is
 * counted for, so that the leftovers of a dead thread can be uncounted.
 */
import { raiseBelow } from './breaker';
import {
  CONNECTION_CLIENT_SIDE,
  CONNECTION_CLUSTER_SLOT,
  CONNECTION_IN_USE,
  CONNECTION_SIZE,
  CONTROL_BASE,
  CONTROL_LISTENER_CONNECTIONS,
  CONTROL_MAX_CONNECTIONS,
  LISTENER_FULL,
} from './layout';
import { connections } from './thread';

const NO_LIMIT: u32 = 0xffffffff;

// @ts-ignore: decorator
@inline
function listenerCount(listenerSlot: u32): usize {
  return <usize>(CONTROL_BASE + CONTROL_LISTENER_CONNECTIONS) + (<usize>listenerSlot << 2);
}

/** Counts a client connection in a free record. Returns 0 or LISTENER_FULL (maxConnections of the control block). */
export function openClient(connection: u32, listenerSlot: u32): i32 {
  const limit = load<u32>(CONTROL_BASE + CONTROL_MAX_CONNECTIONS);
  if (!raiseBelow(listenerCount(listenerSlot), limit == 0 ? NO_LIMIT : limit)) return LISTENER_FULL;
  const at = connections + <usize>connection * CONNECTION_SIZE;
  store<u32>(at, listenerSlot, CONNECTION_CLUSTER_SLOT);
  store<u32>(at, CONNECTION_CLIENT_SIDE, CONNECTION_IN_USE);
  return 0;
}

/** Uncounts the record's client connection, if it has one. */
export function closeClient(connection: u32): void {
  const at = connections + <usize>connection * CONNECTION_SIZE;
  if (load<u32>(at, CONNECTION_IN_USE) != CONNECTION_CLIENT_SIDE) return;
  store<u32>(at, 0, CONNECTION_IN_USE);
  atomic.sub<i32>(listenerCount(load<u32>(at, CONNECTION_CLUSTER_SLOT)), 1);
}
