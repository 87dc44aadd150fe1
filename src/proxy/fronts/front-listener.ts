// SPDX-License-Identifier: Apache-2.0
import type { ListenerWish } from '../messages.js';

/** One listening port of a thread, whatever front it is of. */
export interface FrontListener {
  readonly name: string;
  /** Resolves when the port is open, or rejects with the reason. */
  listen(wish: ListenerWish): Promise<void>;
  /** Accepts no more connections; requests under way go on. */
  stopAccepting(): void;
  /** Closes the port and every connection. */
  close(): void;
}
