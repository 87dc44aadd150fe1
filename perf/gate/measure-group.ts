// SPDX-License-Identifier: Apache-2.0
/**
 * The name of a group -> its figures, sent to the parent process. Each group has a process of its own, so that no group runs
 * on code that V8 has compiled for another, or pays for another's garbage; a process that fails sends nothing.
 */
import { measureHeads } from '../engine/heads.js';
import type { MatchFigure, RouterFigures } from '../engine/router.js';
import { measureRouter } from '../engine/router.js';
import { measureAllocation } from './allocation.js';
import type { Group } from './bounds.js';
import { measureSlowdown } from './calibrate.js';
import type { GroupResult } from './judge.js';
import { measureMemory, measureStart } from './processes.js';
import { measureReload } from './reload.js';

const BYTES_PER_MB = 1e6;

type Values = GroupResult['values'];

/** Figures, and the slowdown where the group measures it itself. */
interface Measured {
  readonly values: Values;
  readonly slowdown?: number;
}

function routerValues({ matches, flatness, findMyWay }: RouterFigures): Values {
  const of = (name: string): MatchFigure | undefined => matches.find((figure) => figure.name === name);
  const regexes = matches.filter(({ name }) => name.includes('regex'));
  const worst = (values: readonly (number | undefined)[]): number => Math.max(...values.map((value) => value ?? NaN));
  const tables = of('10000 prefix routes');
  return {
    'match-10': of('10 prefix routes')?.engineNs ?? NaN,
    'match-100': of('100 prefix routes')?.engineNs ?? NaN,
    'match-1000': of('1000 prefix routes')?.engineNs ?? NaN,
    'match-10000': tables?.engineNs ?? NaN,
    'match-100000': of('100000 prefix routes')?.engineNs ?? NaN,
    'match-flatness': flatness,
    'match-10-naive': of('10 prefix routes')?.ratioToNaive ?? NaN,
    'match-1000-naive': of('1000 prefix routes')?.ratioToNaive ?? NaN,
    'match-exact': of('10000 exact routes')?.engineNs ?? NaN,
    'match-exact-naive': of('10000 exact routes')?.ratioToNaive ?? NaN,
    'match-regex': worst(regexes.map(({ engineNs }) => engineNs)),
    'match-regex-naive': worst(regexes.map(({ ratioToNaive }) => ratioToNaive)),
    'match-header': of('100 header routes')?.engineNs ?? NaN,
    'match-header-naive': of('100 header routes')?.ratioToNaive ?? NaN,
    'match-hosts': of('10000 wildcard hosts')?.engineNs ?? NaN,
    'find-my-way': findMyWay.ratio,
    'table-bytes': (tables?.tableBytes ?? NaN) / (tables?.routes ?? NaN),
  };
}

function headValues(): Values {
  const figures = measureHeads();
  return {
    'head-request': figures.requestNs,
    'head-request-naive': figures.requestRatio,
    'head-response': figures.responseNs,
    'head-response-naive': figures.responseRatio,
    'engine-exchange': figures.exchangeNs,
    'engine-exchange-naive': figures.exchangeRatio,
  };
}

async function startValues(): Promise<Values> {
  const { nodeMs, demoMs, demoRatio, rulesMs, rulesRatio } = await measureStart();
  return {
    'node-start': nodeMs,
    'start-demo': demoMs,
    'start-demo-node': demoRatio,
    'start-rules': rulesMs,
    'start-rules-node': rulesRatio,
  };
}

async function memoryValues(): Promise<Values> {
  const { demoBytes, routesBytes, engineBytes } = await measureMemory();
  return {
    'resident-demo': demoBytes / BYTES_PER_MB,
    'resident-routes': routesBytes / BYTES_PER_MB,
    'engine-reserved': engineBytes / BYTES_PER_MB,
  };
}

async function reloadValues(): Promise<Measured> {
  const figures = await measureReload();
  const { stages, slowdown } = figures;
  return {
    slowdown,
    values: {
      'reload-first': figures.firstMs,
      'reload-all': figures.allRoutesMs,
      'reload-endpoint': figures.oneEndpointMs,
      'load-all': figures.loadAllMs,
      'load-one': figures.loadOneMs,
      'stage-mesh': stages.mesh,
      'stage-lower': stages.lower,
      'stage-check-references': stages['check references'],
      'stage-encode': stages.encode,
      'stage-publish': stages.publish,
    },
  };
}

const MEASURE: Readonly<Record<Group, () => Measured | Promise<Measured>>> = {
  router: async () => ({ values: routerValues(await measureRouter()) }),
  heads: () => ({ values: headValues() }),
  allocation: async () => ({
    values: { 'allocation-uws': await measureAllocation('uws'), 'allocation-wire': await measureAllocation('wire') },
  }),
  start: async () => ({ values: await startValues() }),
  memory: async () => ({ values: await memoryValues() }),
  reload: reloadValues,
};

const group = process.argv[2] as Group;
const startedMs = performance.now();
const { values, slowdown = measureSlowdown() } = await MEASURE[group]();
const result: GroupResult = { group, values, slowdown, tookMs: performance.now() - startedMs };
process.send?.(result, () => process.disconnect());
