// SPDX-License-Identifier: Apache-2.0
/**
 * Preloaded into a proxy with `--import`: a message from the parent process -> the bytes of all WebAssembly memories that the
 * main thread has made. It counts in the constructor, since nothing in the proxy tells.
 */
import { isMainThread } from 'node:worker_threads';

let reservedBytes = 0;

class CountedMemory extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    reservedBytes += this.buffer.byteLength;
  }
}

if (isMainThread) {
  Object.defineProperty(WebAssembly, 'Memory', { value: CountedMemory, writable: true, configurable: true });
  process.on('message', () => process.send?.(reservedBytes));
  // Listening must not keep a proxy alive that has been told to end.
  process.channel?.unref();
}
