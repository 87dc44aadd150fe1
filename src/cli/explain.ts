// SPDX-License-Identifier: Apache-2.0
/** `weft explain METHOD URL`: which way one request would take through a configuration, and why; no traffic is sent. */
import { RequestProbe } from '../control/explain-request.js';
import type { ProbeRequest } from '../control/explain-request.js';
import { compilePaths } from '../control/pipeline.js';
import { readRules } from '../control/rules-file.js';
import type { RoutingModel } from '../model/model.js';
import { FilterChainIndex } from '../model/filter-chain-index.js';
import type { EncodedTables, HostData } from '../rules/encoded-tables.js';
import { explanationOf } from './explanation.js';
import { CONFIG_OPTIONS, configPaths, NODE_OPTIONS, nodeOf } from './options.js';
import type { CommandIo, NodeArguments } from './options.js';
import { printExplanation } from './print-explanation.js';
import { printProblems } from './print-problems.js';
import type { OptionTable } from './settings.js';
import { UsageError } from './settings.js';

export const EXPLAIN_OPTIONS = {
  ...CONFIG_OPTIONS,
  rules: { type: 'string', requiresArg: true, describe: 'File of weft compile, instead of --config' },
  ...NODE_OPTIONS,
  port: {
    type: 'number',
    requiresArg: true,
    describe: 'Port of the configuration, or listened on; default: that of the URL',
  },
  header: {
    alias: 'H',
    type: 'string',
    array: true,
    requiresArg: true,
    describe: "A header of the request, 'name: value'; may be given several times",
  },
  output: { alias: 'o', choices: ['text', 'json'] as const, default: 'text', describe: 'How to print it' },
} as const satisfies OptionTable;

export interface ExplainArguments extends NodeArguments {
  readonly config: readonly string[] | undefined;
  readonly rules: string | undefined;
  readonly port: number | undefined;
  readonly header: readonly string[] | undefined;
  readonly output: 'text' | 'json';
  readonly method: string;
  readonly url: string;
}

/** Exit status 0 when a route takes the request, 1 when none does, 2 when it can't be told. */
export async function runExplain(args: ExplainArguments, io: CommandIo): Promise<number> {
  const { request, urlPort } = requestOf(args);
  const source = await tablesOf(args, io);
  if (source === undefined) return 2;
  const { encoded, model } = source;
  const listener = listenerFor(encoded.host, args.port ?? urlPort, args.port !== undefined);
  const chain = filterChainFor(encoded.host, listener, request.authority);
  const found = new RequestProbe(encoded).explain(request, chain);
  const { method, authority, target } = request;
  const explanation = explanationOf({ method, authority, target }, found, encoded.host, model);
  io.stdout.write(args.output === 'json' ? `${JSON.stringify(explanation, null, 2)}\n` : printExplanation(explanation));
  return explanation.outcome === 'not-found' || explanation.outcome === 'refused' ? 1 : 0;
}

async function tablesOf(
  args: ExplainArguments,
  io: CommandIo,
): Promise<{ encoded: EncodedTables; model?: RoutingModel } | undefined> {
  if (args.rules !== undefined) {
    const result = await readRules(args.rules);
    if (result.ok) return { encoded: result.encoded };
    io.stderr.write(`weft: ${result.reason}\n`);
    return undefined;
  }
  const compiled = await compilePaths(configPaths(args.config), nodeOf(args), io.read, { stdin: io.stdin });
  printProblems(compiled.problems, io.stderr);
  return { encoded: compiled.encoded, model: compiled.model };
}

/** Throws UsageError. A URL without scheme and host, such as `/api`, takes its host from `-H 'host: ...'`. */
function requestOf(args: ExplainArguments): { request: ProbeRequest; urlPort: number } {
  const headers = (args.header ?? []).map(parseHeader);
  const host = headers.find(({ name }) => name.toLowerCase() === 'host')?.value;
  if (args.url.startsWith('/') && host === undefined) {
    throw new UsageError(`${args.url} names no host: give a whole URL, or -H 'host: NAME'`);
  }
  const text = args.url.startsWith('/') ? `http://${host}${args.url}` : args.url;
  const match = /^http:\/\/([^/?#]+)([^#]*)/i.exec(text);
  const authority = match?.[1];
  if (authority === undefined)
    throw new UsageError(`${JSON.stringify(args.url)} is no URL: it must be http://HOST[:PORT]/PATH`);
  const target = match?.[2] === undefined || match[2] === '' ? '/' : match[2];
  return {
    request: {
      method: args.method,
      target: target.startsWith('?') ? `/${target}` : target,
      authority: host ?? authority,
      headers: headers.filter(({ name }) => name.toLowerCase() !== 'host'),
    },
    urlPort: Number(/:(\d+)$/.exec(authority)?.[1] ?? 80),
  };
}

function parseHeader(text: string): { name: string; value: string } {
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/.exec(text);
  if (match === null) throw new UsageError(`-H: ${JSON.stringify(text)} is not 'name: value'`);
  return { name: match[1] ?? '', value: match[2] ?? '' };
}

/** Clients take the server name from the URL, so the host of the request chooses the chain here. */
function filterChainFor({ filterChains }: HostData, listener: number, authority: string): number {
  const serverName = authority.replace(/:\d+$/, '');
  const chains = filterChains.filter((chain) => chain.listener === listener);
  const found = new FilterChainIndex(chains).find(serverName);
  if (found !== undefined) return filterChains.indexOf(found);
  const names = chains.flatMap(({ match }) => match.serverNames).join(', ');
  throw new UsageError(`the TLS handshake is refused: no server has the name ${serverName}; there are: ${names}`);
}

/**
 * The configuration's port is meant first, then the port listened on. A URL's port that fits neither is taken for the one
 * listener there is, if there is only one: people paste URLs that pass through other port mappings.
 */
function listenerFor({ listeners }: HostData, port: number, explicit: boolean): number {
  const byConfig = listeners.findIndex((listener) => listener.configPort === port);
  if (byConfig >= 0) return byConfig;
  const byPort = listeners.findIndex((listener) => listener.port === port);
  if (byPort >= 0) return byPort;
  if (!explicit && listeners.length === 1) return 0;
  const ports = listeners.map(({ configPort }) => configPort).join(', ');
  throw new UsageError(
    listeners.length === 0
      ? 'the configuration gives this proxy no listener; check --labels and --namespace against the Gateway'
      : `nothing listens on port ${port}; the configuration has ports ${ports}`,
  );
}
