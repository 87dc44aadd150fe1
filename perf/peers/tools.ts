// SPDX-License-Identifier: Apache-2.0
/**
 * The name of a program -> where it is, and what it says of its version. The tools that tools/perf-setup builds or unpacks
 * come before PATH, so that a run measures the pinned build and not whatever the machine happens to have.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Longer than any `--version` takes on a loaded machine; a program that hangs is reported as missing. */
const VERSION_TIMEOUT_MS = 10_000;

/** The folder with perf/peers/npm: found by walking up, since the suite may run compiled from a folder of its own. */
export const repositoryRoot = findRoot(dirname(fileURLToPath(import.meta.url)));

/** The absolute path of an executable in perf/out/tools or PATH. */
export function findTool(name: string): string | undefined {
  const folders = [join(repositoryRoot, 'perf/out/tools'), ...(process.env.PATH ?? '').split(delimiter)];
  // Debian keeps servers in /usr/sbin, which is not in every user's PATH.
  folders.push('/usr/sbin', '/usr/local/sbin');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * What a peer's `detect` answers for a program: the first capture of `pattern` in what it prints, else its first line.
 * Never rejects: a program that can't be run is missing, with the reason.
 */
export async function detectTool(
  name: string,
  versionArguments: readonly string[],
  pattern: RegExp,
): Promise<{ readonly version: string } | { readonly missing: string }> {
  const file = findTool(name);
  if (file === undefined) return { missing: `no ${name} in perf/out/tools or PATH; run tools/perf-setup` };
  try {
    const { stdout, stderr } = await run(file, versionArguments, { timeout: VERSION_TIMEOUT_MS });
    const text = `${stdout}${stderr}`.trim();
    return { version: pattern.exec(text)?.[1] ?? text.split('\n', 1)[0] ?? '' };
  } catch (error) {
    return { missing: `${file} does not run: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** The absolute path of an executable that `detect` found before; throws where it has gone since. */
export function requireTool(name: string): string {
  const file = findTool(name);
  if (file === undefined) throw new Error(`no ${name} in perf/out/tools or PATH; run tools/perf-setup`);
  return file;
}

function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'perf/peers/npm/package.json'))) return folder;
    if (folder === dirname(folder)) return process.cwd();
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
