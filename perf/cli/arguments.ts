// SPDX-License-Identifier: Apache-2.0
/** The command line of `npm run perf` -> what to run. */
import yargs from 'yargs';

export interface RunArguments {
  readonly scenarios: readonly string[];
  /** Undefined: all that are installed. */
  readonly peers: readonly string[] | undefined;
  readonly rounds: number;
  readonly seconds: number;
  readonly json: string | undefined;
  /** The document; undefined: none is written. */
  readonly out: string | undefined;
  readonly list: boolean;
  readonly unpinned: boolean;
}

/** Ends the process with status 1 and the help when the arguments are wrong. */
export async function parseRunArguments(args: readonly string[]): Promise<RunArguments> {
  const parsed = await yargs([...args])
    .scriptName('npm run perf --')
    .usage('$0\n\nMeasures Weft beside its peers, with the same work, on this machine')
    .options({
      scenario: { type: 'string', describe: 'Only these rows, separated by commas; name* takes all that begin so' },
      peers: { type: 'string', describe: 'Only these, separated by commas; none: Weft alone; default: all installed' },
      rounds: { type: 'number', default: 5, describe: 'Rounds of each proxy in each row' },
      seconds: { type: 'number', default: 1, describe: 'Load of each round' },
      json: { type: 'string', describe: 'File for every round of every proxy' },
      out: {
        type: 'string',
        describe: 'Markdown document, with plots in plots/ beside it [default: perf/RESULTS.md when all rows run]',
      },
      list: { type: 'boolean', default: false, describe: 'Print the rows and the proxies, and measure nothing' },
      unpinned: { type: 'boolean', default: false, describe: 'Run although the machine has one core only' },
    })
    .check(({ rounds, seconds }) => {
      if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds takes a whole number from 1');
      if (!Number.isInteger(seconds) || seconds < 1) throw new Error('--seconds takes a whole number from 1');
      return true;
    })
    .strict()
    .parse();
  const scenarios = listOf(parsed.scenario) ?? [];
  const peers = listOf(parsed.peers);
  return {
    scenarios,
    peers: peers?.length === 1 && peers[0] === 'none' ? [] : peers,
    rounds: parsed.rounds,
    seconds: parsed.seconds,
    json: parsed.json,
    out: parsed.out ?? (scenarios.length === 0 ? 'perf/RESULTS.md' : undefined),
    list: parsed.list,
    unpinned: parsed.unpinned,
  };
}

function listOf(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}
