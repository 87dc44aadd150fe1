// SPDX-License-Identifier: Apache-2.0
/** `weft routes`: configuration -> the routing model that a proxy would run, as a table, YAML or JSON. */
import { stringify } from 'yaml';
import { loadPaths, lowerResources } from '../control/pipeline.js';
import { modelToJson, printModel } from '../lower/print-model.js';
import type { RoutingModel } from '../model/model.js';
import { CONFIG_OPTIONS, configPaths, NODE_OPTIONS, nodeOf } from './options.js';
import type { CommandIo, NodeArguments } from './options.js';
import { printProblems } from './print-problems.js';
import type { OptionTable } from './settings.js';

export const ROUTES_OPTIONS = {
  ...CONFIG_OPTIONS,
  ...NODE_OPTIONS,
  output: { alias: 'o', choices: ['table', 'yaml', 'json'] as const, default: 'table', describe: 'How to print it' },
} as const satisfies OptionTable;

export interface RoutesArguments extends NodeArguments {
  readonly config: readonly string[] | undefined;
  readonly output: 'table' | 'yaml' | 'json';
}

/** Exit status 1 when something in the configuration is an error; what has none is printed all the same. */
export async function runRoutes(args: RoutesArguments, io: CommandIo): Promise<number> {
  const loaded = await loadPaths(configPaths(args.config), { stdin: io.stdin });
  const lowered = lowerResources(loaded.resources, nodeOf(args), io.read);
  io.stdout.write(print(lowered.model, args.output));
  return printProblems([...loaded.problems, ...lowered.problems], io.stderr) ? 1 : 0;
}

function print(model: RoutingModel, output: RoutesArguments['output']): string {
  const text = output === 'table' ? printModel(model) : modelToJson(model);
  const shown = output === 'yaml' ? stringify(JSON.parse(text), { aliasDuplicateObjects: false }) : text;
  return shown.endsWith('\n') ? shown : `${shown}\n`;
}
