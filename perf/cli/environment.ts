// SPDX-License-Identifier: Apache-2.0
/** This machine, this checkout, these tools -> what must stand beside every figure of the run. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpus, release, type } from 'node:os';
import type { Environment } from '../measure/result.js';
import { findTool, repositoryRoot } from '../peers/tools.js';

type Facts = Pick<Environment, 'command' | 'pinning' | 'rounds' | 'seconds' | 'tools'>;

export function describeEnvironment(facts: Facts): Environment {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    kernel: `${type()} ${release()}`,
    node: process.version,
    commit: git('rev-parse', 'HEAD') ?? 'not a git checkout',
    // The documents of an earlier run are no change of what is measured.
    dirty: (git('status', '--porcelain', '--', '.', ':!perf/RESULTS.md', ':!perf/plots') ?? '') !== '',
    ...facts,
  };
}

const LOAD_TOOLS = [
  { name: 'wrk', version: ['-v'], pattern: /wrk (\S+)/, from: 'wrk' },
  { name: 'h2load', version: ['--version'], pattern: /nghttp2\/(\S+)/, from: 'nghttp2-client' },
  { name: 'taskset', version: ['--version'], pattern: /util-linux (\S+)/, from: 'util-linux' },
];

/** The load tools that run, with versions, and for each missing one how to get it. */
export function findLoadTools(): { tools: Record<string, string>; missing: Map<string, string> } {
  const tools: Record<string, string> = {};
  const missing = new Map<string, string>();
  for (const { name, version, pattern, from } of LOAD_TOOLS) {
    const file = findTool(name);
    // Not by its exit status: wrk ends with 1 after it has printed its version.
    const { stdout = '', stderr = '' } = file === undefined ? {} : spawnSync(file, version, { encoding: 'utf8' });
    const found = pattern.exec(`${stdout}${stderr}`)?.[1];
    if (found !== undefined) tools[name] = found;
    else missing.set(name, `${name} is missing: apt-get install ${from}, or run tools/perf-setup`);
  }
  return { tools, missing };
}

function git(...args: string[]): string | undefined {
  try {
    return execFileSync('git', args, {
      cwd: repositoryRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return undefined;
  }
}
