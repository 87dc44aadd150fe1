// SPDX-License-Identifier: Apache-2.0
/**
 * `weft analyze PATH...`: configuration files -> what is wrong with them, for people or as JSON, and an exit status for
 * scripts. It stops before the mesh is built, so it needs no cluster and no running proxy.
 *
 * JSON (`-o json`): `{ "summary": { "documents", "resources", "errors", "warnings", "infos" }, "problems": [Problem] }`
 * with Problem as in src/resources/problem.ts. Fields may be added, never renamed.
 */
import type { Argv, ArgumentsCamelCase, CommandModule } from 'yargs';
import { checkReferences } from '../resources/check-references.js';
import { loadResources } from '../resources/load-resources.js';
import type { Problem, Severity } from '../resources/problem.js';
import { readSources } from '../resources/read-sources.js';

export interface AnalyzeArguments {
  readonly paths: readonly string[];
  readonly output: 'text' | 'json';
}

/** The streams of the command; tests give their own. */
export interface AnalyzeStreams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly stdin: AsyncIterable<Buffer | string>;
}

/** Exit statuses: errors in the configuration are told apart from a command that could not do its work. */
const EXIT_CLEAN = 0;
const EXIT_ERRORS = 1;
const EXIT_FAILED = 2;

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

/** Runs the command; the result is the exit status: 0 no errors, 1 errors, 2 nothing could be read. */
export async function runAnalyze(args: AnalyzeArguments, streams: AnalyzeStreams): Promise<number> {
  const { documents, problems: readProblems } = await readSources(args.paths, { stdin: streams.stdin });
  const unreadable = readProblems.find((problem) => problem.code === 'unreadable-file');
  if (unreadable !== undefined) {
    streams.stderr.write(`weft analyze: ${unreadable.position.file}: ${unreadable.message}\n`);
    return EXIT_FAILED;
  }
  const loaded = loadResources(documents);
  // A resource with an error stays known to the others, and its own references are reported in the same run.
  const references = checkReferences([...loaded.resources, ...loaded.faulty]);
  const problems = [...readProblems, ...loaded.problems, ...references].sort(compareProblems);
  const summary = {
    documents: documents.length,
    resources: loaded.resources.length,
    errors: count(problems, 'error'),
    warnings: count(problems, 'warning'),
    infos: count(problems, 'info'),
  };
  if (args.output === 'json') {
    streams.stdout.write(`${JSON.stringify({ summary, problems }, null, 2)}\n`);
  } else {
    for (const problem of problems) streams.stdout.write(`${formatProblem(problem)}\n`);
    const counts = [
      plural(summary.errors, 'error'),
      plural(summary.warnings, 'warning'),
      plural(summary.infos, 'note'),
    ].join(', ');
    const left = summary.documents - summary.resources;
    const leftOut = left === 0 ? '' : ` (${left} left out)`;
    streams.stdout.write(`${plural(summary.documents, 'document')}${leftOut}: ${counts}\n`);
  }
  return summary.errors > 0 ? EXIT_ERRORS : EXIT_CLEAN;
}

/** One line: `file:line:column severity code kind namespace/name path: message; hint`. */
export function formatProblem(problem: Problem): string {
  const { file, line, column } = problem.position;
  const subject = [`${file}:${line}:${column}`, problem.severity, problem.code];
  if (problem.resource !== undefined) {
    const { kind, namespace, name } = problem.resource;
    subject.push(kind, namespace === '' ? name : `${namespace}/${name}`);
  }
  if (problem.path !== '') subject.push(problem.path);
  return `${subject.join(' ')}: ${problem.message}${problem.hint === '' ? '' : `; ${problem.hint}`}`;
}

/** Grouped by file, and from top to bottom, as one reads and mends them; errors first where they meet. */
function compareProblems(left: Problem, right: Problem): number {
  const { position: from } = left;
  const { position: to } = right;
  if (from.file !== to.file) return from.file < to.file ? -1 : 1;
  return from.line - to.line || from.column - to.column || RANK[left.severity] - RANK[right.severity];
}

function count(problems: readonly Problem[], severity: Severity): number {
  return problems.filter((problem) => problem.severity === severity).length;
}

function plural(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

interface CommandArguments {
  readonly paths: string[];
  readonly output: string;
}

function buildOptions(yargs: Argv): Argv<CommandArguments> {
  return yargs
    .positional('paths', {
      describe: 'files, folders, or - for standard input',
      type: 'string',
      array: true,
      demandOption: true,
    })
    .option('output', {
      alias: 'o',
      describe: 'text for people, json for programs',
      choices: ['text', 'json'],
      default: 'text',
    });
}

export const analyzeCommand: CommandModule<object, CommandArguments> = {
  command: 'analyze <paths..>',
  describe: 'Check configuration files and report what is wrong',
  builder: buildOptions,
  handler: async (args: ArgumentsCamelCase<CommandArguments>): Promise<void> => {
    const output = args.output === 'json' ? 'json' : 'text';
    process.exitCode = await runAnalyze({ paths: args.paths, output }, process);
  },
};
