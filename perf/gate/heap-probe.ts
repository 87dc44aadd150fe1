// SPDX-License-Identifier: Apache-2.0
/**
 * Preloaded into a proxy with `--import`: messages from the parent process -> what has been allocated on its data-path thread.
 * Node.js loads it in every thread; the main thread passes messages on, a worker answers with the figures of its own heap.
 * Nothing in the proxy itself has to know.
 */
import { getHeapStatistics, GCProfiler } from 'node:v8';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import type { HeapReading } from './heap-reading.js';

const channel = new BroadcastChannel('heap-probe');
channel.unref();

if (isMainThread) {
  process.on('message', (message) => channel.postMessage(message));
  // Listening must not keep a proxy alive that has been told to end.
  process.channel?.unref();
  channel.onmessage = (event: unknown) => process.send?.((event as { data: HeapReading }).data);
} else {
  let profiler: GCProfiler | undefined;
  channel.onmessage = () => {
    const collections = profiler?.stop().statistics.length ?? 0;
    const { used_heap_size: heapBytes, external_memory: externalBytes } = getHeapStatistics();
    channel.postMessage({ allocatedBytes: heapBytes + externalBytes, collections } satisfies HeapReading);
    profiler = new GCProfiler();
    profiler.start();
  };
}
