// SPDX-License-Identifier: Apache-2.0
/**
 * Option tables -> yargs options, each with its environment variable (`--listen-map` is WEFT_LISTEN_MAP). The command line
 * wins over the environment, which wins over the default. yargs' own `.env()` is not used: in strict mode it refuses every
 * WEFT_ variable that is not an option of the very command that runs.
 */
import type { Options } from 'yargs';

/** Reads one environment variable; undefined when it is not set. */
export type ReadSetting = (name: string) => string | undefined;

export type OptionTable = Readonly<Record<string, Options>>;

/** A setting that can't be used as written; the message is for the person who wrote it. */
export class UsageError extends Error {}

export function environmentName(option: string): string {
  return `WEFT_${option.toUpperCase().replaceAll('-', '_')}`;
}

/** Throws UsageError for a variable that does not fit its option's type. Lists are separated by commas. */
export function withEnvironment<Table extends OptionTable>(table: Table, read: ReadSetting): Table {
  const result: Record<string, Options> = {};
  for (const [name, option] of Object.entries(table)) {
    const variable = environmentName(name);
    const text = read(variable);
    const described = { ...option, describe: `${option.describe ?? ''} [env: ${variable}]` };
    result[name] =
      text === undefined || text === '' ? described : { ...described, default: parse(variable, text, option) };
  }
  return result as Table;
}

function parse(variable: string, text: string, option: Options): unknown {
  if (option.array === true) return text.split(',').map((part) => part.trim());
  if (option.type === 'number') {
    const value = Number(text);
    if (!Number.isFinite(value)) throw new UsageError(`${variable}: ${JSON.stringify(text)} is not a number`);
    return value;
  }
  if (option.type === 'boolean') {
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    throw new UsageError(`${variable}: ${JSON.stringify(text)} is neither true nor false`);
  }
  if (Array.isArray(option.choices) && !option.choices.includes(text)) {
    throw new UsageError(`${variable}: ${JSON.stringify(text)} is none of ${option.choices.join(', ')}`);
  }
  return text;
}

/** `80=8080,443=8443` -> map; throws UsageError. */
export function parseListenMap(text: string): Map<number, number> {
  const map = new Map<number, number>();
  for (const pair of splitList(text)) {
    const match = /^(\d+)=(\d+)$/.exec(pair);
    const from = Number(match?.[1]);
    const to = Number(match?.[2]);
    if (match === null || !isPort(from) || !isPort(to)) {
      throw new UsageError(`--listen-map: ${JSON.stringify(pair)} is not CONFIGPORT=LISTENPORT, such as 80=8080`);
    }
    map.set(from, to);
  }
  return map;
}

/** `istio=ingressgateway,team=edge` -> labels; throws UsageError. */
export function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const pair of splitList(text)) {
    const equals = pair.indexOf('=');
    if (equals <= 0) throw new UsageError(`--labels: ${JSON.stringify(pair)} is not NAME=VALUE`);
    labels[pair.slice(0, equals)] = pair.slice(equals + 1);
  }
  return labels;
}

/** `127.0.0.1:15000` or `[::1]:15000`; throws UsageError naming `option`. */
export function parseAddress(option: string, text: string): { address: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:]+)):(\d+)$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (address === undefined || !(isPort(port) || port === 0)) {
    throw new UsageError(`${option}: ${JSON.stringify(text)} is not ADDRESS:PORT, such as 127.0.0.1:15000`);
  }
  return { address, port };
}

/** Throws UsageError unless `value` is a port, 0 (any), or -1 (none). */
export function checkPort(option: string, value: number): number {
  if (value !== 0 && value !== -1 && !isPort(value)) throw new UsageError(`${option}: ${value} is not a port`);
  return value;
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 65536;
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
