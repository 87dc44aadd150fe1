// SPDX-License-Identifier: Apache-2.0
/**
 * h2load in HTTP/1.1 as the load of a set rate, and what it prints of a closed loop in HTTP/2. At a rate its log has a line for
 * each request, and percentiles are computed from all of them. Latency counts from when the request was sent, so a client that falls behind hides waiting; hence a round whose rate
 * was not reached is no measurement.
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { percentile } from '../measure/statistics.js';
import { runProgram } from './program.js';

export interface PacedLoad {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly ratePerSecond: number;
  readonly path: string;
}

export interface PacedFigures {
  readonly requests: number;
  readonly ratePerSecond: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
}

/** Less than this share of the wanted rate: the client or the proxy did not keep up, and latency means nothing. */
const REACHED_SHARE = 0.95;

const FINISHED = /^finished in ([\d.]+)(us|ms|s), /m;
const REQUESTS = /^requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored/m;
const UNIT_SECONDS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1 };

/** The figures of a closed loop. Throws when the output holds none, when a request failed, or when none succeeded. */
export function parseClosed(output: string): { readonly requests: number; readonly seconds: number } {
  const [, took, unit = ''] = FINISHED.exec(output) ?? [];
  const [, done, succeeded, failed, errored] = (REQUESTS.exec(output) ?? []).map(Number);
  const seconds = Number(took) * (UNIT_SECONDS[unit] ?? NaN);
  if (done === undefined || !(seconds > 0)) throw new Error(`h2load printed no figures:\n${output}`);
  if (failed !== 0 || errored !== 0 || succeeded !== done) {
    throw new Error(`failed requests: ${failed} failed, ${errored} errored, ${succeeded} of ${done} succeeded`);
  }
  if (done === 0) throw new Error('no request was answered');
  return { requests: done, seconds };
}

/** Rejects when a request failed or the rate was not reached. The log goes to `directory` and is removed. */
export async function runH2load(load: PacedLoad, directory: string, cpus: string | undefined): Promise<PacedFigures> {
  const log = join(directory, 'h2load.log');
  await rm(log, { force: true });
  const perConnection = load.ratePerSecond / load.connections;
  const args = ['--h1', '-t1', '-c', `${load.connections}`, '-D', `${Math.ceil(load.seconds)}`];
  args.push('--rps', perConnection.toFixed(3), `--log-file=${log}`, `http://127.0.0.1:${load.port}${load.path}`);
  await runProgram('h2load', args, cpus);
  const figures = parseLog(await readFile(log, 'utf8'));
  await rm(log, { force: true });
  if (figures.ratePerSecond < REACHED_SHARE * load.ratePerSecond) {
    const [got, wanted] = [figures.ratePerSecond, load.ratePerSecond].map(Math.round);
    throw new Error(`${got} requests/s where ${wanted} were wanted`);
  }
  return figures;
}

/**
 * Log lines (start in µs since the epoch, status, µs until the end of the answer, separated by tabs) -> figures. Throws when
 * a request failed or there is none.
 */
export function parseLog(log: string): PacedFigures {
  const durations: number[] = [];
  let first = Infinity;
  let last = 0;
  for (const line of log.split('\n')) {
    if (line === '') continue;
    const [start = NaN, status = NaN, duration = NaN] = line.split('\t').map(Number);
    if (status < 200 || status > 299) throw new Error(`a request failed with status ${status}`);
    if (!Number.isFinite(start) || !(duration >= 0)) throw new Error(`not a line of a request: ${line}`);
    durations.push(duration);
    first = Math.min(first, start);
    last = Math.max(last, start);
  }
  if (durations.length < 2) throw new Error('no request was answered');
  const rising = Float64Array.from(durations).sort();
  return {
    requests: rising.length,
    ratePerSecond: (rising.length - 1) / ((last - first) / 1e6),
    p50Us: percentile(rising, 0.5),
    p90Us: percentile(rising, 0.9),
    p99Us: percentile(rising, 0.99),
    p999Us: percentile(rising, 0.999),
  };
}
