// SPDX-License-Identifier: Apache-2.0
/** One run -> the Markdown document: where and how it was measured, the bounds, every table, the plots. */
import type { EngineFigures } from '../measure/engine-figures.js';
import type { RunResult, ScenarioResult } from '../measure/result.js';
import { boundRows } from './bounds.js';
import type { Plot } from './plots.js';
import { noiseOf, tableOf } from './rows.js';

const GROUP_TITLES: Readonly<Record<ScenarioResult['scenario']['group'], string>> = {
  h1: 'HTTP/1.1',
  tls: 'HTTPS',
  h2: 'HTTP/2 and gRPC',
  websocket: 'WebSocket',
  tcp: 'TCP',
  features: 'Features',
  operation: 'Operation',
  memory: 'Memory',
  routes: 'Routes',
};

/** `plotFolder` is as seen from the document. */
export function documentOf(run: RunResult, plots: readonly Plot[], plotFolder: string): string {
  const { environment } = run;
  const facts: readonly (readonly [string, string])[] = [
    ['date', environment.date],
    ['command', `\`${environment.command}\``],
    ['commit', `${environment.commit}${environment.dirty ? ', with changes that are not committed' : ''}`],
    ['CPU', `${environment.cpu}, ${environment.cores} cores`],
    ['kernel', environment.kernel],
    ['Node.js', environment.node],
    ['pinning', environment.pinning],
    ['rounds', `${environment.rounds}, of ${environment.seconds} s`],
    ...Object.entries(environment.tools).map(([name, version]) => [name, version] as const),
  ];
  const bounds = boundRows(run).map(({ what, measured, bound, goal, standing }) => [
    what,
    measured,
    bound,
    goal,
    standing,
  ]);
  const groups = Object.entries(GROUP_TITLES).flatMap(([group, title]) => {
    const results = run.scenarios.filter(({ scenario }) => scenario.group === group);
    return results.length === 0 ? [] : [`## ${title}`, ...results.map(section)];
  });
  return [
    '# Results of `npm run perf`',
    'Written by the run that it describes: every figure is of that run and that machine. CPU is user and system time of all ' +
      'threads and processes of the proxy; figures are medians over the rounds. `weft / it` is the ratio of the medians of the ' +
      'figure that counts, with the smallest and largest ratio of a single round; below 1 Weft costs less. `weft-again` is a ' +
      'second instance of the same build: its ratio is the noise, and differences within it mean nothing.',
    table(['', ''], facts),
    '## Bounds',
    table(['what', 'measured', 'bound', 'goal', 'verdict'], bounds),
    ...(plots.length === 0 ? [] : ['## Plots']),
    ...plots.map(({ file, title }) => `![${title}](${plotFolder}/${file})`),
    ...groups,
    ...(run.engine === undefined ? [] : ['## Engine', engineTable(run.engine)]),
    '',
  ].join('\n\n');
}

function section(result: ScenarioResult): string {
  const { columns, rows, notes } = tableOf(result);
  const noise = noiseOf(result);
  const lines = [...(noise === undefined ? [] : [`noise: ${(100 * noise).toFixed(1)}%`]), ...notes];
  return [
    `### ${result.scenario.name}`,
    `${capital(result.scenario.shows)}.`,
    rows.length === 0 ? 'Not measured.' : table(columns, rows),
    ...(lines.length === 0 ? [] : [lines.map((line) => `- ${line}`).join('\n')]),
  ].join('\n\n');
}

function engineTable({ router, reload }: EngineFigures): string {
  const matches = router.matches.map(({ name, engineNs, naiveNs, ratioToNaive }) => [
    name,
    engineNs.toFixed(0),
    naiveNs?.toFixed(0) ?? '',
    ratioToNaive?.toFixed(3) ?? '',
  ]);
  const { engineNs, findMyWayNs } = router.findMyWay;
  const lookup = ['1000 mixed routes at random, the rival is find-my-way', engineNs.toFixed(0), findMyWayNs.toFixed(0)];
  return [
    table(['match', 'engine ns', 'naive ns', 'ratio'], [...matches, [...lookup, router.findMyWay.ratio.toFixed(3)]]),
    table(
      ['10,000 routes in force', 'ms'],
      [
        ['compile and publish all', reload.allRoutesMs.toFixed(1)],
        ['compile and publish one changed endpoint', reload.oneEndpointMs.toFixed(2)],
        ['read all YAML before it', reload.loadAllMs.toFixed(0)],
      ],
    ),
  ].join('\n\n');
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
