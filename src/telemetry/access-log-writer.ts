// SPDX-License-Identifier: Apache-2.0
/**
 * Access-log lines -> a file or standard output, in batches: written when 64 KiB have gathered or 1 s after the first line
 * (Envoy's buffer size and its --file-flush-interval-msec as Istio sets it).
 *
 * One write is under way at a time, and at most `maxBufferedBytes` wait behind it. When the disk or the pipe's reader is
 * slower than the traffic, new lines are dropped and counted: a log must not make the proxy slow or let it grow. Use one
 * writer per process and file; writers of several threads on one pipe would cut into each other's batches.
 */
import { close, open, write } from 'node:fs';
import { promisify } from 'node:util';

const openFile = promisify(open);
const closeFile = promisify(close);

export const FLUSH_BYTES = 64 * 1024;
export const FLUSH_MS = 1000;
/** About 40 000 lines: some seconds of a stalled disk at full load, and small beside the engine's memory. */
export const MAX_BUFFERED_BYTES = 8 * 1024 * 1024;
/** How long a full non-blocking pipe is left alone before the next try. */
const RETRY_MS = 20;
const STDOUT = 1;
const STDERR = 2;

export interface AccessLogWriterOptions {
  /** A file to append to, `/dev/stdout` or `/dev/stderr`. */
  readonly path: string;
  readonly maxBufferedBytes?: number;
  /** Called once when writing starts to fail (disk full, reader gone), not again until a write went well. */
  onError?(error: Error): void;
}

export class AccessLogWriter {
  readonly path: string;
  readonly #maxBufferedBytes: number;
  readonly #onError: (error: Error) => void;
  #file: number;
  #batches: Uint8Array[] = [];
  #lineCount = 0;
  #bufferedBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #failing = false;
  #closed = false;
  #writtenCount = 0;
  #droppedCount = 0;

  private constructor(options: AccessLogWriterOptions, file: number) {
    this.path = options.path;
    this.#maxBufferedBytes = options.maxBufferedBytes ?? MAX_BUFFERED_BYTES;
    this.#onError = (error) => options.onError?.(error);
    this.#file = file;
  }

  /** Rejects with the system's error (ENOENT, EACCES, EISDIR) when the file can't be opened for appending. */
  static async open(options: AccessLogWriterOptions): Promise<AccessLogWriter> {
    return new AccessLogWriter(options, await openLog(options.path));
  }

  /** Lines that reached the file. */
  get writtenCount(): number {
    return this.#writtenCount;
  }

  /** Lines that were given up: the buffer was full, the write failed, or the writer was closed. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /** Takes `count` lines with their line ends, as UTF-8. Returns false when they were dropped. */
  write(lines: Uint8Array, count: number): boolean {
    if (this.#closed || this.#bufferedBytes + lines.length > this.#maxBufferedBytes) {
      this.#droppedCount += count;
      return false;
    }
    this.#batches.push(lines);
    this.#lineCount += count;
    this.#bufferedBytes += lines.length;
    if (this.#bufferedBytes >= FLUSH_BYTES) this.#startWriting();
    else this.#timer ??= setTimeout(() => this.#startWriting(), FLUSH_MS).unref();
    return true;
  }

  /** Resolves when all lines taken before the call are written or given up. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#startWriting();
    await this.#writing;
  }

  /**
   * Opens the path again, for log rotation: the batch under way ends in the old file, everything else goes to the new one.
   * Rejects and stays with the old file when the new one can't be opened.
   */
  async reopen(): Promise<void> {
    const next = await openLog(this.path);
    const previous = this.#file;
    this.#file = next;
    await this.#writing;
    await closeLog(previous);
  }

  /** Writes what waits, then closes. Lines that come later are dropped. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.flush();
    await closeLog(this.#file);
  }

  #startWriting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#writing !== undefined || this.#batches.length === 0) return;
    this.#writing = this.#writeBatch().finally(() => {
      this.#writing = undefined;
      if (this.#bufferedBytes >= FLUSH_BYTES) this.#startWriting();
      else if (this.#batches.length > 0) this.#timer ??= setTimeout(() => this.#startWriting(), FLUSH_MS).unref();
    });
  }

  async #writeBatch(): Promise<void> {
    const file = this.#file;
    const bytes = Buffer.concat(this.#batches);
    const lineCount = this.#lineCount;
    this.#batches = [];
    this.#lineCount = 0;
    let offset = 0;
    try {
      while (offset < bytes.length) offset += await writeSome(file, bytes, offset);
      this.#writtenCount += lineCount;
      this.#failing = false;
    } catch (error) {
      this.#droppedCount += lineCount;
      if (!this.#failing) this.#onError(error instanceof Error ? error : new Error(String(error)));
      this.#failing = true;
    } finally {
      // Only now: what is being written still takes up memory.
      this.#bufferedBytes -= bytes.length;
    }
  }
}

/** Standard streams are written to by number: opening /dev/stdout fails where it is a socket, as under systemd. */
async function openLog(path: string): Promise<number> {
  if (path === '/dev/stdout') return STDOUT;
  if (path === '/dev/stderr') return STDERR;
  return openFile(path, 'a', 0o644);
}

async function closeLog(file: number): Promise<void> {
  if (file !== STDOUT && file !== STDERR) await closeFile(file);
}

/** Returns how many bytes went out; 0 when a non-blocking pipe was full. */
function writeSome(file: number, bytes: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, offset, bytes.length - offset, null, (error, written) => {
      if (error === null) resolve(written);
      else if (error.code === 'EAGAIN') setTimeout(() => resolve(0), RETRY_MS);
      else reject(error);
    });
  });
}
