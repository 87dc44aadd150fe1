// SPDX-License-Identifier: Apache-2.0
/**
 * Paths of the command line -> the text of every configuration file, in a stable order. Folders are read recursively;
 * hidden entries are skipped, which includes the `..data` and `..2024_…` folders of a Kubernetes volume, while the links
 * beside them that point into those folders are followed.
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileProblem, MAX_FILE_BYTES, parseDocuments } from './documents.js';
import type { ParsedSources, SourceText } from './documents.js';
import type { Problem } from './problem.js';
import type { ProblemCode } from './problem-codes.js';

export interface ReadOptions {
  /** What the path `-` stands for. */
  readonly stdin?: AsyncIterable<Buffer | string>;
}

const EXTENSIONS: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);

/** So much text in all; more would take minutes to parse and gigabytes to hold. */
const MAX_TOTAL_BYTES = 256 * 1024 * 1024;

/** A folder tree that is deeper is a loop of links. */
const MAX_FOLDER_DEPTH = 32;

/** Reads and parses files, folders and standard input (`-`). Never rejects for what is wrong with the files. */
export async function readSources(paths: readonly string[], options: ReadOptions = {}): Promise<ParsedSources> {
  const { sources, problems } = await readTexts(paths, options);
  const parsed = parseDocuments(sources);
  return { documents: parsed.documents, problems: [...problems, ...parsed.problems] };
}

/** As `readSources`, without parsing. */
export async function readTexts(
  paths: readonly string[],
  options: ReadOptions = {},
): Promise<{ readonly sources: readonly SourceText[]; readonly problems: readonly Problem[] }> {
  const collector = new Collector(options);
  for (const path of paths) await collector.add(path, 0);
  return collector;
}

class Collector {
  readonly sources: SourceText[] = [];
  readonly problems: Problem[] = [];
  readonly #options: ReadOptions;
  readonly #seen = new Set<string>();
  #totalBytes = 0;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  async add(path: string, depth: number): Promise<void> {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    try {
      if (path === '-') await this.#addStandardInput();
      else if ((await stat(path)).isDirectory()) await this.#addFolder(path, depth);
      else await this.#addFile(path);
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : String(fault);
      this.#report(path, 'unreadable-file', `cannot be read (${reason})`, 'Check the path and the permissions.');
    }
  }

  async #addFolder(path: string, depth: number): Promise<void> {
    if (depth >= MAX_FOLDER_DEPTH) {
      this.#report(
        path,
        'folder-too-deep',
        `folder is nested more than ${MAX_FOLDER_DEPTH} levels deep`,
        'Look for a loop of links.',
      );
      return;
    }
    const entries = await readdir(path, { withFileTypes: true });
    entries.sort((left, right) => (left.name < right.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const child = join(path, entry.name);
      const isConfiguration = EXTENSIONS.has(extname(entry.name).toLowerCase());
      // A link may lead to a folder whatever its name, and only `stat` tells.
      if (entry.isDirectory() || isConfiguration) await this.add(child, depth + 1);
      else if (entry.isSymbolicLink() && (await isFolder(child))) await this.add(child, depth + 1);
    }
  }

  async #addFile(path: string): Promise<void> {
    const { size } = await stat(path);
    if (this.#isTooMuch(path, size)) return;
    this.sources.push({ file: path, text: await readFile(path, 'utf8') });
  }

  async #addStandardInput(): Promise<void> {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of this.#options.stdin ?? []) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > MAX_FILE_BYTES) break;
      chunks.push(bytes);
    }
    if (this.#isTooMuch('-', size)) return;
    this.sources.push({ file: '-', text: Buffer.concat(chunks).toString('utf8') });
  }

  #isTooMuch(path: string, size: number): boolean {
    if (size > MAX_FILE_BYTES) {
      this.#report(
        path,
        'file-too-large',
        `file is larger than ${MAX_FILE_BYTES} bytes`,
        'Split it into several files.',
      );
      return true;
    }
    this.#totalBytes += size;
    if (this.#totalBytes <= MAX_TOTAL_BYTES) return false;
    this.#report(path, 'file-too-large', `files are larger than ${MAX_TOTAL_BYTES} bytes in all`, 'Name fewer files.');
    return true;
  }

  #report(file: string, code: ProblemCode, message: string, hint: string): void {
    this.problems.push(fileProblem(code, message, hint, { file, line: 1, column: 1 }));
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
