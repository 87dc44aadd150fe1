// SPDX-License-Identifier: Apache-2.0
/**
 * Files and folders -> a stream of configurations, one after each change that settled. What is read is compared by content
 * before anything is parsed, and a configuration is handed over only when the previous one has been dealt with: changes
 * that come meanwhile are merged, and the latest wins. Resources with errors keep their last good version (last-good.ts).
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SourceText } from '../resources/documents.js';
import { LoadCache, loadTexts } from '../resources/load-resources.js';
import type { Problem } from '../resources/problem.js';
import { readTexts } from '../resources/read-sources.js';
import type { ReadOptions } from '../resources/read-sources.js';
import type { KnownResource } from '../resources/types.js';
import { FileWatcher } from './file-watcher.js';
import { mergeLastGood } from './last-good.js';

/** An editor that truncates and writes, or deletes and creates, is caught in the middle; by then it has finished. */
const HALF_WRITTEN_MS = 70;

export interface ConfigurationUpdate {
  /** What is to be in force, last good versions included. */
  readonly resources: readonly KnownResource[];
  readonly problems: readonly Problem[];
  /** Resources that are in force in an older version, as `Kind namespace/name`. */
  readonly kept: readonly string[];
  /** SHA-256 of what was read, hexadecimal. */
  readonly contentHash: string;
}

export interface ConfigSourceOptions {
  /** Files and folders; `-` is read once, at the start. */
  readonly paths: readonly string[];
  readonly stdin?: ReadOptions['stdin'];
  /** Called serially. */
  onUpdate(update: ConfigurationUpdate): Promise<void>;
  /** What failed while watching: a folder that can't be watched, or a rejection of `onUpdate`. The source goes on. */
  readonly onError: (error: unknown) => void;
}

export class ConfigSource {
  readonly #options: ConfigSourceOptions;
  readonly #watchedPaths: readonly string[];
  #watcher: FileWatcher | undefined;
  #standardInput: readonly SourceText[] = [];
  readonly #cache = new LoadCache();
  /** Files that had content. */
  #filledFiles: readonly string[] = [];
  #resources: readonly KnownResource[] = [];
  #contentHash = '';
  #wanted = false;
  #forced = false;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(options: ConfigSourceOptions) {
    this.#options = options;
    this.#watchedPaths = options.paths.filter((path) => path !== '-');
  }

  /** Starts watching, then reads; resolves when the first update has been dealt with, rejects when that failed. */
  async start(): Promise<void> {
    if (this.#options.paths.includes('-')) {
      const { stdin } = this.#options;
      this.#standardInput = (await readTexts(['-'], stdin === undefined ? {} : { stdin })).sources;
    }
    if (this.#watchedPaths.length > 0) {
      const { onError } = this.#options;
      const onChange = (): void => void this.#refresh().catch(onError);
      this.#watcher = new FileWatcher(this.#watchedPaths, onChange, onError);
      await this.#watcher.ready();
    }
    await this.reload();
  }

  /** Reads again and hands over even what did not change (SIGHUP). */
  async reload(): Promise<void> {
    this.#forced = true;
    await this.#refresh();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#watcher?.close();
    await this.#running?.catch(() => undefined);
  }

  /** At most one pass runs; a call during it makes it run once more. */
  #refresh(): Promise<void> {
    this.#wanted = true;
    this.#running ??= this.#drainRequests().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #drainRequests(): Promise<void> {
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      const forced = this.#forced;
      this.#forced = false;
      await this.#pass(forced);
    }
  }

  async #pass(forced: boolean): Promise<void> {
    let read = await this.#read();
    if (looksHalfWritten(this.#filledFiles, read.sources)) {
      await sleep(HALF_WRITTEN_MS);
      read = await this.#read();
    }
    const contentHash = hashOf(read.sources, read.problems);
    if (!forced && contentHash === this.#contentHash) return;
    const loaded = loadTexts(read.sources, this.#cache);
    const problems = [...read.problems, ...loaded.problems];
    const merged = mergeLastGood(this.#resources, loaded.resources, problems, (file) => this.#isGone(file));
    this.#filledFiles = read.sources.filter(hasContent).map(({ file }) => file);
    this.#resources = merged.resources;
    this.#contentHash = contentHash;
    await this.#options.onUpdate({ ...merged, problems, contentHash });
  }

  async #read(): Promise<{ sources: readonly SourceText[]; problems: readonly Problem[] }> {
    const { sources, problems } = await readTexts(this.#watchedPaths);
    const files = sources.map(({ file }) => file);
    this.#watcher?.sweepAt([...new Set([...this.#watchedPaths, ...files.map(dirname), ...files])]);
    return { sources: [...this.#standardInput, ...sources], problems };
  }

  /** A file that does not exist any more was deleted; a folder that vanished is a source that is away for now. */
  #isGone(file: string): boolean {
    return this.#resources.some(({ position }) => position.file === file) && !existsSync(file);
  }
}

/** True when a file that had content is now empty or gone, which is also what half a replacement looks like. */
function looksHalfWritten(before: readonly string[], now: readonly SourceText[]): boolean {
  const filled = new Set(now.filter(hasContent).map(({ file }) => file));
  return before.some((file) => !filled.has(file));
}

function hasContent({ text }: SourceText): boolean {
  return /\S/.test(text);
}

function hashOf(sources: readonly SourceText[], problems: readonly Problem[]): string {
  const hash = createHash('sha256');
  for (const { file, text } of sources) hash.update(`${file}\0${text.length}\0`).update(text);
  for (const { position, message } of problems) hash.update(`${position.file}\0${message}\0`);
  return hash.digest('hex');
}
