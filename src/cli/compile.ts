// SPDX-License-Identifier: Apache-2.0
/** `weft compile`: configuration -> a file of rule tables, which `weft proxy --rules` starts from without reading YAML. */
import { compilePaths } from '../control/pipeline.js';
import { writeRules } from '../control/rules-file.js';
import { CONFIG_OPTIONS, configPaths, NODE_OPTIONS, nodeOf } from './options.js';
import type { CommandIo, NodeArguments } from './options.js';
import { printProblems } from './print-problems.js';
import type { OptionTable } from './settings.js';

export const COMPILE_OPTIONS = {
  ...CONFIG_OPTIONS,
  ...NODE_OPTIONS,
  output: { alias: 'o', type: 'string', requiresArg: true, demandOption: true, describe: 'File to write' },
} as const satisfies OptionTable;

export interface CompileArguments extends NodeArguments {
  readonly config: readonly string[] | undefined;
  readonly output: string;
}

/** Writes nothing when the configuration has an error (exit status 1): a file made in CI should be what was meant. */
export async function runCompile(args: CompileArguments, io: CommandIo): Promise<number> {
  const paths = configPaths(args.config);
  const compiled = await compilePaths(paths, nodeOf(args), io.read, { stdin: io.stdin });
  if (printProblems(compiled.problems, io.stderr)) {
    io.stderr.write(`weft: ${args.output} was not written, because the configuration has errors\n`);
    return 1;
  }
  const { encoded, secrets } = compiled;
  try {
    await writeRules(args.output, encoded, paths.join(' '), secrets);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    io.stderr.write(`weft: cannot write ${args.output}: ${reason}\n`);
    return 1;
  }
  if (secrets.length > 0) {
    const names = secrets.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
    io.stderr.write(
      `weft: ${args.output} holds the private keys of the Secrets ${names}; only its owner may read it\n`,
    );
  }
  const { listeners, virtualHosts, routes, clusters } = encoded.host;
  io.stdout.write(
    `${args.output}: ${encoded.tables.length} bytes of tables; ${listeners.length} listeners, ` +
      `${virtualHosts.length} virtual hosts, ${routes.length} routes, ${clusters.length} clusters\n`,
  );
  return 0;
}
