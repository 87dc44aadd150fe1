// SPDX-License-Identifier: Apache-2.0
/**
 * Arguments -> a command -> an exit status: 0 fine, 1 the configuration or the run failed, 2 it was called wrongly. Parsing
 * is strict: what is not known is refused with the nearest known name, since a misspelt option that is silently ignored
 * costs an afternoon. Every option can come from the environment (settings.ts).
 */
import yargs from 'yargs';
import type { Argv } from 'yargs';
import { nearestName } from '../resources/nearest-name.js';
import { runAnalyze } from './analyze.js';
import { COMPILE_OPTIONS, runCompile } from './compile.js';
import { DEMO_OPTIONS, runDemo } from './demo.js';
import { EXPLAIN_OPTIONS, runExplain } from './explain.js';
import type { CommandIo } from './options.js';
import { packageVersion } from './package-version.js';
import { PROXY_OPTIONS, runProxy } from './proxy.js';
import { ROUTES_OPTIONS, runRoutes } from './routes.js';
import type { OptionTable } from './settings.js';
import { UsageError, withEnvironment } from './settings.js';

const EXIT_FAILURE = 1;
const EXIT_USAGE = 2;

/** Runs `weft` with the arguments after the command's name; resolves with the exit status. Rejects on bugs only. */
export async function main(argv: string[]): Promise<number> {
  const io: CommandIo = {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    read: (name) => process.env[name],
  };
  let status = 0;
  const finish = async (run: Promise<number>): Promise<void> => {
    status = await run;
  };
  try {
    const parser = commandLine(joinDashes(argv), io, finish);
    await parser.parseAsync();
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr.write(`weft: ${error.message}\nTry weft --help\n`);
      return EXIT_USAGE;
    }
    if (isSystemError(error)) {
      io.stderr.write(`weft: ${error.message}\n`);
      return EXIT_FAILURE;
    }
    throw error;
  }
  return status;
}

function commandLine(argv: string[], io: CommandIo, finish: (run: Promise<number>) => Promise<void>): Argv {
  const options = <Table extends Parameters<typeof withEnvironment>[0]>(table: Table): Table =>
    withEnvironment(table, io.read);
  const parser = yargs(argv)
    .scriptName('weft')
    .usage("$0 COMMAND\n\nA service-mesh proxy and control plane that takes Istio's YAML.")
    .command(
      'analyze <paths..>',
      'Check configuration files and report what is wrong',
      (command) =>
        command
          .options(options(ANALYZE_OPTIONS))
          .positional('paths', { type: 'string', array: true, demandOption: true, describe: 'Files, folders, or -' }),
      (args) => finish(runAnalyze(args, io)),
    )
    .command(
      'routes',
      'Print the routing that a configuration comes to',
      (command) => command.options(options(ROUTES_OPTIONS)),
      (args) => finish(runRoutes(args, io)),
    )
    .command(
      'compile',
      'Write the rule tables of a configuration to a file',
      (command) => command.options(options(COMPILE_OPTIONS)),
      (args) => finish(runCompile(args, io)),
    )
    .command(
      'explain <method> <url>',
      'Tell which way a request would take, and why',
      (command) =>
        command
          .options(options(EXPLAIN_OPTIONS))
          .positional('method', { type: 'string', demandOption: true, describe: 'GET, POST, ...' })
          .positional('url', { type: 'string', demandOption: true, describe: 'http://HOST[:PORT]/PATH, or /PATH' }),
      (args) => finish(runExplain(args, io)),
    )
    .command(
      'proxy',
      'Run the proxy',
      (command) => command.options(options(PROXY_OPTIONS)),
      (args) => finish(runProxy(args, io)),
    )
    .command(
      'demo',
      'Run two small services and a gateway in front of them, from examples/hello',
      (command) => command.options(options(DEMO_OPTIONS)),
      (args) => finish(runDemo(args, io)),
    )
    // Else `-c FOLDER GET URL` would take GET and URL for more folders.
    .parserConfiguration({ 'greedy-arrays': false })
    .check((args) => {
      const twice = repeatedOption(args, OPTION_TABLES[argv[0] ?? ''] ?? {});
      if (twice !== undefined) throw new UsageError(`--${twice} was given more than once`);
      return true;
    })
    .demandCommand(1, 'name a command')
    .strict()
    .recommendCommands()
    .version(packageVersion())
    .alias('help', 'h')
    .exitProcess(false)
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      // A command's own failure arrives here as `error` too; yargs' own errors are about the arguments.
      if (error !== undefined && error !== null && error.name !== 'YError') throw error;
      throw new UsageError(withHint(message, knownOptions(argv[0])));
    });
  return parser;
}

const ANALYZE_OPTIONS = {
  output: {
    alias: 'o',
    choices: ['text', 'json'] as const,
    default: 'text' as const,
    describe: 'text for people, json for programs',
  },
} satisfies OptionTable;

const OPTION_TABLES: Readonly<Record<string, OptionTable>> = {
  analyze: ANALYZE_OPTIONS,
  routes: ROUTES_OPTIONS,
  compile: COMPILE_OPTIONS,
  explain: EXPLAIN_OPTIONS,
  proxy: PROXY_OPTIONS,
  demo: DEMO_OPTIONS,
};

/** `--config -` -> `--config=-`: yargs takes a lone dash for the start of another option. */
function joinDashes(argv: readonly string[]): string[] {
  const joined: string[] = [];
  for (const argument of argv) {
    const previous = joined.at(-1);
    if (argument === '-' && (previous === '-c' || previous === '--config')) joined[joined.length - 1] = '--config=-';
    else joined.push(argument);
  }
  return joined;
}

/** yargs makes a list of what is repeated; only options that are lists may be. */
function repeatedOption(args: Readonly<Record<string, unknown>>, table: OptionTable): string | undefined {
  return Object.keys(table).find((name) => table[name]?.array !== true && Array.isArray(args[name]));
}

function knownOptions(command: string | undefined): string[] {
  return command === undefined ? [] : Object.keys(OPTION_TABLES[command] ?? {});
}

/** `Unknown argument: thread` gets the option that was likely meant. */
function withHint(message: string, known: readonly string[]): string {
  const unknown = /^Unknown arguments?: ([^,\s]+)/.exec(message)?.[1];
  if (unknown === undefined) return message;
  const nearest = nearestName(unknown, known);
  return nearest === undefined ? message : `${message}; did you mean --${nearest}?`;
}

/** What the operating system refused (ENOENT, EADDRINUSE, EACCES ...): the person's to fix, not a bug. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
