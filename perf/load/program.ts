// SPDX-License-Identifier: Apache-2.0
/** Runs a load tool to its end, pinned, without blocking this process, and gives back what it printed. */
import { spawn } from 'node:child_process';

/** Above any --seconds that makes sense, below forever. */
const TIMEOUT_MS = 600_000;

/** Rejects with the output when the program can't be run or ends with another status than 0. `cpus` undefined: not pinned. */
export function runProgram(file: string, args: readonly string[], cpus: string | undefined): Promise<string> {
  const command = cpus === undefined ? [file, ...args] : ['taskset', '-c', cpus, file, ...args];
  return new Promise((resolve, reject) => {
    const [program = file, ...rest] = command;
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    child.once('error', reject);
    child.once('close', (status) => {
      if (status === 0) resolve(output);
      else reject(new Error(`${file} ended with status ${status}:\n${output}`));
    });
  });
}
