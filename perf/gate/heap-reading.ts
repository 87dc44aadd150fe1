// SPDX-License-Identifier: Apache-2.0
/** What the heap probe says of the data-path thread, and what two readings come to. */

export interface HeapReading {
  /** Bytes of V8's heap in use, and of buffers outside that belong to it. */
  readonly allocatedBytes: number;
  /** Garbage collections since the reading before. */
  readonly collections: number;
}

/**
 * Bytes per request between two readings. NaN when a collection ran meanwhile, which takes away what should be counted, or
 * when there was no request.
 */
export function bytesPerRequest(before: HeapReading, after: HeapReading, requests: number): number {
  if (after.collections > 0 || requests <= 0) return NaN;
  return (after.allocatedBytes - before.allocatedBytes) / requests;
}
