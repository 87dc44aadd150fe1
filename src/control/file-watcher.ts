// SPDX-License-Identifier: Apache-2.0
/**
 * Changes below some paths -> one settled signal. The signal is only a hint that says "look again": whoever gets it reads
 * everything and compares, so an event too many costs little, and what matters is to miss none. Hence both chokidar's
 * events and the raw ones below them are taken (Kubernetes swaps the `..data` link of a mounted ConfigMap, which shows as
 * a raw event in the folder and as nothing else), and a sweep by modification times covers file systems that tell nothing.
 */
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { watch } from 'chokidar';
import type { FSWatcher } from 'chokidar';

/** Quiet time that ends a burst: editors and kubectl finish their renames within a few milliseconds. */
const SETTLE_MS = 30;
/** A burst that doesn't end is cut here, so that a good change is live within 200 ms of its first event. */
const SETTLE_LIMIT_MS = 100;
/** Sweeps find what no event told (network file systems, exhausted inotify watches). */
const SWEEP_MS = 2000;

export class FileWatcher {
  readonly #watcher: FSWatcher;
  readonly #onChange: () => void;
  readonly #sweepTimer: NodeJS.Timeout;
  readonly #ready: Promise<void>;
  #settleTimer: NodeJS.Timeout | undefined;
  #burstStartedMs = 0;
  #swept: readonly string[];
  #fingerprint: string | undefined;
  #closed = false;

  /**
   * `onChange` is called after each burst. `onError` gets what chokidar can't watch; the sweep goes on regardless. The
   * paths need not exist yet.
   */
  constructor(paths: readonly string[], onChange: () => void, onError: (error: unknown) => void) {
    this.#onChange = onChange;
    this.#swept = paths;
    this.#watcher = watch([...paths], { ignoreInitial: true, persistent: true, followSymlinks: true });
    this.#ready = new Promise((resolve) => this.#watcher.once('ready', () => resolve()));
    this.#watcher.on('all', () => this.#signal());
    this.#watcher.on('raw', () => this.#signal());
    this.#watcher.on('error', onError);
    this.#sweepTimer = setInterval(() => void this.#sweep(), SWEEP_MS);
    this.#sweepTimer.unref();
  }

  /** Resolves when every folder is being watched; a change before that may be seen by the sweep only. */
  ready(): Promise<void> {
    return this.#ready;
  }

  /**
   * What the sweep looks at: the files that were read and the folders they stood in. After other paths than before the next
   * sweep asks for one more reading, because what changed between the reading and the sweep is not in its fingerprint; with
   * the same paths the fingerprint stays, which was taken before they were read.
   */
  sweepAt(paths: readonly string[]): void {
    if (paths.length === this.#swept.length && paths.every((path, index) => path === this.#swept[index])) return;
    this.#swept = paths;
    this.#fingerprint = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#settleTimer);
    clearInterval(this.#sweepTimer);
    await this.#watcher.close();
  }

  #signal(): void {
    if (this.#closed) return;
    const nowMs = performance.now();
    if (this.#settleTimer === undefined) this.#burstStartedMs = nowMs;
    clearTimeout(this.#settleTimer);
    const leftMs = this.#burstStartedMs + SETTLE_LIMIT_MS - nowMs;
    this.#settleTimer = setTimeout(
      () => {
        this.#settleTimer = undefined;
        this.#onChange();
      },
      Math.max(0, Math.min(SETTLE_MS, leftMs)),
    );
  }

  async #sweep(): Promise<void> {
    const fingerprint = await fingerprintOf(this.#swept);
    if (this.#fingerprint === fingerprint) return;
    this.#fingerprint = fingerprint;
    this.#signal();
  }
}

/** Inode, size and times: a rename changes the inode, a write the time, an entry that comes or goes its folder's time. */
async function fingerprintOf(paths: readonly string[]): Promise<string> {
  const parts: string[] = [];
  for (const path of paths) {
    try {
      const { ino, size, mtimeMs } = await stat(path);
      parts.push(`${ino}:${size}:${mtimeMs}`);
    } catch {
      parts.push('-');
    }
    // Thousands of files are looked at without holding up the loop that also answers probes.
    if (parts.length % 256 === 0) await sleep(0);
  }
  return parts.join(' ');
}
