// SPDX-License-Identifier: Apache-2.0
/** One listening port of a thread, whatever front it is of. */
export interface FrontListener {
  readonly name: string;
  /** Resolves with the port, or rejects with the reason. */
  listen(address: string, port: number): Promise<number>;
  /** Accepts no more connections; requests under way go on. */
  stopAccepting(): void;
  /** Closes the port and every connection. */
  close(): void;
}
