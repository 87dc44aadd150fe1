// SPDX-License-Identifier: Apache-2.0
/** A commit, or the path of a working tree -> a folder with a built Weft. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../peers/tools.js';

const run = promisify(execFile);
/** A build prints what it complains about; the default of 1 MiB would cut a long list of errors into another error. */
const OUTPUT_BYTES = 16 * 1024 * 1024;

export interface Checkout {
  readonly folder: string;
  /** The commit, or the path of the working tree. */
  readonly title: string;
  remove(): Promise<void>;
}

/**
 * `what` is whatever git takes for a commit, or a folder. Commits get a temporary worktree named `name` in `directory`; a folder
 * is built where it lies. Rejects with the output of the step that failed.
 */
export async function checkOut(what: string, name: string, directory: string): Promise<Checkout> {
  const commit = await git(['rev-parse', '--verify', '--quiet', `${what}^{commit}`]).catch(() => undefined);
  if (commit === undefined) {
    const folder = resolve(what);
    if (!existsSync(join(folder, 'package.json')) || !statSync(folder).isDirectory()) {
      throw new Error(`${what} is neither a commit nor a folder with a package.json`);
    }
    await build(folder);
    return { folder, title: folder, remove: () => Promise.resolve() };
  }
  const folder = join(directory, name);
  await git(['worktree', 'add', '--detach', '--force', folder, commit]);
  const remove = async (): Promise<void> => {
    await git(['worktree', 'remove', '--force', folder]);
  };
  try {
    await installPackages(folder);
    await build(folder);
  } catch (error) {
    await remove();
    throw error;
  }
  return { folder, title: `${what} (${commit.slice(0, 12)})`, remove };
}

/** For a run that was interrupted: git drops its record of worktrees whose folders are gone. Never throws. */
export function forgetRemovedWorktrees(): void {
  spawnSync('git', ['worktree', 'prune'], { cwd: repositoryRoot, stdio: 'ignore' });
}

/** The packages of this checkout serve one with the same lock file; else npm installs what the commit asks for. */
async function installPackages(folder: string): Promise<void> {
  const lockOf = (root: string): string => readFileSync(join(root, 'package-lock.json'), 'utf8');
  const own = join(repositoryRoot, 'node_modules');
  if (existsSync(own) && lockOf(folder) === lockOf(repositoryRoot)) {
    await symlink(realpathSync(own), join(folder, 'node_modules'));
    return;
  }
  await step(folder, ['ci', '--no-audit', '--no-fund', '--ignore-scripts']);
}

async function build(folder: string): Promise<void> {
  await step(folder, ['run', 'build']);
}

async function step(folder: string, args: string[]): Promise<void> {
  try {
    await run('npm', args, { cwd: folder, maxBuffer: OUTPUT_BYTES });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`npm ${args.join(' ')} failed in ${folder}:\n${stdout}${stderr}`);
  }
}

async function git(args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: repositoryRoot });
  return stdout.trim();
}
