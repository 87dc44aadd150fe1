// SPDX-License-Identifier: Apache-2.0
/**
 * The few calls of the C library that Node.js does not offer, through koffi. It is loaded where one of them is needed and
 * not before, because it costs about 3 MB of memory.
 */
import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

export interface CLibrary {
  /** dup(2) and close(2) of a file descriptor; below zero = refused. */
  dup(descriptor: number): number;
  close(descriptor: number): number;
  /** Sets a parameter of glibc's allocator; undefined where the library is not glibc. */
  readonly mallopt: ((parameter: number, value: number) => number) | undefined;
  /** Gives what free() left in all of the process's heaps back to the system; undefined where the library is not glibc. */
  readonly trimMemory: (() => void) | undefined;
}

export type CLibraryResult =
  { readonly ok: true; readonly calls: CLibrary } | { readonly ok: false; readonly reason: string };

let loaded: CLibraryResult | null = null;

/** Never throws: koffi has no binary for some platforms, and Windows has no such calls. */
export function loadCLibrary(): CLibraryResult {
  loaded ??= tryLoad();
  return loaded;
}

function tryLoad(): CLibraryResult {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi;
    const library = koffi.load(null);
    const dup = library.func('int dup(int)') as CLibrary['dup'];
    const close = library.func('int close(int)') as CLibrary['close'];
    const trim = optional<(pad: number) => number>(library, 'int malloc_trim(size_t)');
    const mallopt = optional<NonNullable<CLibrary['mallopt']>>(library, 'int mallopt(int, int)');
    return { ok: true, calls: { dup, close, mallopt, trimMemory: trim && (() => void trim(0)) } };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? (error.message.split('\n').at(0) ?? '') : String(error) };
  }
}

function optional<Call>(library: Koffi.LibraryHandle, prototype: string): Call | undefined {
  try {
    return library.func(prototype) as Call;
  } catch {
    return undefined;
  }
}

/** M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h. */
const TRIM_THRESHOLD = -1;
const MMAP_THRESHOLD = -3;
/** glibc's own first value, which it raises to up to 32 MiB as large blocks come and go. */
const THRESHOLD_BYTES = 128 * 1024;

/**
 * Keeps the allocator from holding on to large blocks that were freed: with 10,000 routes a load left 14 MiB so. To be called
 * before the load. Does nothing where there is no such allocator.
 */
export function returnLargeBlocks(): void {
  const library = loadCLibrary();
  if (!library.ok) return;
  library.calls.mallopt?.(MMAP_THRESHOLD, THRESHOLD_BYTES);
  library.calls.mallopt?.(TRIM_THRESHOLD, THRESHOLD_BYTES);
}
