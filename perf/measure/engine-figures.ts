// SPDX-License-Identifier: Apache-2.0
/** The engine's rows of the suite: cost of a match by number of routes, and of compiling and publishing tables. */
import { fileURLToPath } from 'node:url';
import type { RouterFigures } from '../engine/router.js';
import type { ReloadFigures } from '../gate/reload.js';
import { runProgram } from '../load/program.js';

export interface EngineFigures {
  readonly router: RouterFigures;
  readonly reload: ReloadFigures;
}

/** The name by which --scenario takes these rows. */
export const ENGINE = 'engine';

const PROGRAM = fileURLToPath(new URL('./engine-program.js', import.meta.url));

/** On the CPU of the proxies. Rejects with the output when a rival decides wrongly or a configuration is refused. */
export async function measureEngine(cpus: string | undefined): Promise<EngineFigures> {
  const output = await runProgram(process.execPath, [PROGRAM], cpus);
  const line = output.split('\n').findLast((candidate) => candidate.startsWith('{'));
  if (line === undefined) throw new Error(`the engine's rows printed no figures:\n${output}`);
  return JSON.parse(line) as EngineFigures;
}
