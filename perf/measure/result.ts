// SPDX-License-Identifier: Apache-2.0
/** What a run gives: every round of every proxy of every scenario, as plain data; all tables and plots are made of it. */
import type { EngineFigures } from './engine-figures.js';
import type { Metric, Scenario } from '../scenario.js';

export type Figures = Readonly<Partial<Record<Metric, number>>>;

/** A round with one failed request is no measurement. */
export type Round = { readonly figures: Figures } | { readonly failure: string };

export interface PeerResult {
  readonly name: string;
  readonly version: string;
  /** In the order of the run, so that equal places of two proxies were measured together. */
  readonly rounds: readonly Round[];
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly peers: readonly PeerResult[];
  /** Who did not take part, and why. */
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
  /** What a reader must know about this row of this run. */
  readonly notes: readonly string[];
}

export interface Environment {
  readonly date: string;
  readonly command: string;
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  readonly commit: string;
  /** The working tree differed from the commit. */
  readonly dirty: boolean;
  readonly tools: Readonly<Record<string, string>>;
  readonly pinning: string;
  readonly rounds: number;
  readonly seconds: number;
}

export interface RunResult {
  readonly environment: Environment;
  /** Undefined: not measured in this run. */
  readonly engine?: EngineFigures;
  readonly scenarios: readonly ScenarioResult[];
}

/** The instance of Weft that ratios are made of, and the second one of the same build whose difference is the noise. */
export const WEFT = 'weft';
export const WEFT_AGAIN = 'weft-again';

/** The values of one figure by round; undefined where the round failed or lacks the figure. */
export function valuesOf(peer: PeerResult, metric: Metric): (number | undefined)[] {
  return peer.rounds.map((round) => ('figures' in round ? round.figures[metric] : undefined));
}

export function isMeasured(peer: PeerResult, metric: Metric): boolean {
  return valuesOf(peer, metric).some((value) => value !== undefined && Number.isFinite(value));
}
