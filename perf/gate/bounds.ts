// SPDX-License-Identifier: Apache-2.0
/**
 * Everything the gate measures, in one table: what it is called, what a change must not push it over, and where it should
 * get. A bound lies so far above today's value that only a real regression crosses it, also on a busy machine; when a change
 * makes a figure much better, lower its bound in the same commit, or the gain can be lost again unnoticed. For all figures
 * less is better.
 */

export type Group = 'router' | 'heads' | 'allocation' | 'start' | 'memory' | 'reload';
export const GROUPS: readonly Group[] = ['router', 'heads', 'allocation', 'start', 'memory', 'reload'];

/** `x` is a ratio to a rival in the same process or round. */
export type Unit = 'x' | 'ns' | 'ms' | 'B' | 'MB';

export interface Measure {
  readonly group: Group;
  readonly title: string;
  readonly unit: Unit;
  /** Absent: printed, not judged; but it has to be measured. */
  readonly bound?: number;
  readonly goal?: number;
  /** The bound is a time on the reference machine and grows with the slowdown of this one (calibrate.ts). */
  readonly isScaled?: true;
}

export const MEASURES = {
  'match-10': { group: 'router', title: '10 prefix routes, last hit', unit: 'ns' },
  'match-100': { group: 'router', title: '100 prefix routes, last hit', unit: 'ns' },
  'match-1000': { group: 'router', title: '1,000 prefix routes, last hit', unit: 'ns' },
  'match-10000': {
    group: 'router',
    title: '10,000 prefix routes, last hit',
    unit: 'ns',
    bound: 1000,
    goal: 100,
    isScaled: true,
  },
  'match-100000': { group: 'router', title: '100,000 prefix routes, last hit', unit: 'ns' },
  'match-flatness': { group: 'router', title: '100,000 prefix routes / 10', unit: 'x', bound: 3, goal: 1.2 },
  'match-10-naive': { group: 'router', title: '10 prefix routes / loop', unit: 'x', bound: 0.3 },
  'match-1000-naive': { group: 'router', title: '1,000 prefix routes / loop', unit: 'x', bound: 0.006 },
  'match-exact': { group: 'router', title: '10,000 exact routes', unit: 'ns' },
  'match-exact-naive': { group: 'router', title: '10,000 exact routes / Map', unit: 'x', bound: 1.2 },
  'match-regex': {
    group: 'router',
    title: '1,000 regex routes, worst shape',
    unit: 'ns',
    bound: 5000,
    goal: 1000,
    isScaled: true,
  },
  'match-regex-naive': { group: 'router', title: '1,000 regex routes / loop', unit: 'x', bound: 0.006 },
  'match-header': { group: 'router', title: '100 header routes, last hit', unit: 'ns' },
  'match-header-naive': { group: 'router', title: '100 header routes / loop', unit: 'x', bound: 13, goal: 1 },
  'match-hosts': { group: 'router', title: '10,000 wildcard hosts', unit: 'ns' },
  'find-my-way': { group: 'router', title: '1,000 routes at random / find-my-way', unit: 'x', bound: 0.5, goal: 0.2 },
  'table-bytes': { group: 'router', title: 'tables per route, of 10,000 prefixes', unit: 'B', bound: 350 },

  'head-request': { group: 'heads', title: 'request head: parse, normalise, write', unit: 'ns' },
  'head-request-naive': { group: 'heads', title: 'request head / JavaScript', unit: 'x', bound: 0.35 },
  'head-response': { group: 'heads', title: 'response head: parse, write', unit: 'ns' },
  'head-response-naive': { group: 'heads', title: 'response head / JavaScript', unit: 'x', bound: 0.4 },
  'engine-exchange': { group: 'heads', title: 'all engine calls of a request', unit: 'ns' },
  'engine-exchange-naive': { group: 'heads', title: 'all engine calls / JavaScript heads', unit: 'x', bound: 0.42 },

  'allocation-uws': { group: 'allocation', title: 'heap per request, uWebSockets.js front', unit: 'B', bound: 3600 },
  'allocation-wire': { group: 'allocation', title: 'heap per request, wire front', unit: 'B', bound: 5300 },

  'node-start': { group: 'start', title: 'start of Node.js itself', unit: 'ms' },
  'start-demo': { group: 'start', title: "first answer, demo's rules", unit: 'ms' },
  'start-demo-node': { group: 'start', title: "first answer, demo's rules / Node.js", unit: 'x', bound: 15 },
  'start-rules': { group: 'start', title: 'first answer, 10,000 compiled routes', unit: 'ms' },
  'start-rules-node': { group: 'start', title: 'first answer, 10,000 compiled routes / Node.js', unit: 'x', bound: 20 },

  'resident-demo': { group: 'memory', title: "resident, demo's rules, 2 threads", unit: 'MB', bound: 130, goal: 60 },
  'resident-routes': { group: 'memory', title: 'resident, 10,000 routes, 2 threads', unit: 'MB', bound: 240, goal: 80 },
  'engine-reserved': { group: 'memory', title: "engine memory reserved, demo's rules", unit: 'MB', bound: 900 },

  'reload-first': { group: 'reload', title: 'first publish of 10,000 routes', unit: 'ms' },
  'reload-all': {
    group: 'reload',
    title: 'compile and publish 10,000 changed routes',
    unit: 'ms',
    bound: 300,
    goal: 100,
    isScaled: true,
  },
  'reload-endpoint': {
    group: 'reload',
    title: 'compile and publish one changed endpoint',
    unit: 'ms',
    bound: 200,
    goal: 1,
    isScaled: true,
  },
  'load-all': { group: 'reload', title: 'read 10,000 changed routes of YAML', unit: 'ms' },
  'load-one': { group: 'reload', title: 'read one changed file beside them', unit: 'ms' },
  'stage-mesh': { group: 'reload', title: '  of one publish: mesh', unit: 'ms' },
  'stage-lower': { group: 'reload', title: '  of one publish: lower', unit: 'ms' },
  'stage-check-references': { group: 'reload', title: '  of one publish: check references', unit: 'ms' },
  'stage-encode': { group: 'reload', title: '  of one publish: encode', unit: 'ms' },
  'stage-publish': { group: 'reload', title: '  of one publish: publish', unit: 'ms' },
} as const satisfies Record<string, Measure>;

export type MeasureName = keyof typeof MEASURES;
