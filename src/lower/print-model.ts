// SPDX-License-Identifier: Apache-2.0
/**
 * A routing model -> the table that people read (`weft routes`), at most 120 columns wide, or JSON. Long cells are wrapped,
 * never cut: what a route does must be readable in full.
 */
import type {
  CertificateSource,
  Cluster,
  FilterChain,
  HeaderMatch,
  Listener,
  Origin,
  Route,
  RoutingModel,
  StringMatch,
  TcpProxy,
} from '../model/model.js';
import type { ForwardAction, RouteMatch, WeightedCluster } from '../model/model.js';

const INDENT = '    ';
const GAP = '  ';
/** 120 columns less the indent. */
const WIDTH = 116;
const NUMBER_WIDTH = 4;
/** A column gets what its longest cell needs, up to this; the action has the rest. */
const MATCH_LIMIT = 40;
const SOURCE_LIMIT = 36;

export function printModel(model: RoutingModel): string {
  const clusters = new Map(model.clusters.map((cluster) => [cluster.name, cluster]));
  const blocks = model.listeners.map((listener) => printListener(listener, clusters));
  return blocks.length === 0 ? 'no listeners\n' : `${blocks.join('\n')}`;
}

/** Bodies of direct responses become base64. */
export function modelToJson(model: RoutingModel): string {
  return JSON.stringify(
    model,
    (_key, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value),
    2,
  );
}

type Row = readonly [number: string, match: string, action: string, source: string];

function printListener(listener: Listener, clusters: ReadonlyMap<string, Cluster>): string {
  return listener.filterChains.map((chain) => printFilterChain(listener, chain, clusters)).join('\n');
}

function printFilterChain(listener: Listener, chain: FilterChain, clusters: ReadonlyMap<string, Cluster>): string {
  const { address, port, configPort, kind } = listener;
  const { filter } = chain;
  if (filter.kind === 'tcp') return printTcp(listener, chain, filter);
  const { routeConfigName, virtualHosts } = filter;
  const mapped = port === configPort ? '' : ` (port ${configPort})`;
  const title: Row = ['#', 'MATCH', 'ACTION', 'SOURCE'];
  const blocks = virtualHosts.map((virtualHost) => ({
    virtualHost,
    rows: virtualHost.routes.map((route, index): Row => printRoute(route, index, clusters)),
  }));
  const widths = columnWidths([title, ...blocks.flatMap(({ rows }) => rows)]);
  const lines = wrap(
    `${kind} ${address}:${port}${mapped}${printTls(chain)}, routes ${routeConfigName}, from ${printOrigin(chain.origin)}`,
    WIDTH,
  );
  lines.push(printRow(title, widths));
  for (const { virtualHost, rows } of blocks) {
    lines.push(...wrap(virtualHost.domains.join(', '), WIDTH).map((line) => `  ${line}`));
    if (rows.length === 0) lines.push(`${INDENT}no routes: every request is answered with 404`);
    lines.push(...rows.map((row) => printRow(row, widths)));
  }
  return `${lines.join('\n')}\n`;
}

function printTcp(listener: Listener, chain: FilterChain, { clusters, idleTimeoutMs }: TcpProxy): string {
  const { address, port, configPort, kind } = listener;
  const mapped = port === configPort ? '' : ` (port ${configPort})`;
  const total = clusters.reduce((sum, { weight }) => sum + weight, 0);
  const targets = clusters.map(({ cluster, weight }) =>
    clusters.length === 1 ? cluster : `${Math.round((100 * weight) / total)} % ${cluster}`,
  );
  const to = targets.length === 0 ? 'no cluster: connections are closed' : targets.join(', ');
  const idle = idleTimeoutMs === 0 ? '' : `, idle timeout ${idleTimeoutMs} ms`;
  const text = `${kind} ${address}:${port}${mapped}${printTls(chain)}, TCP to ${to}${idle}, from ${printOrigin(chain.origin)}`;
  return `${wrap(text, WIDTH).join('\n')}\n`;
}

function printTls({ tls, match }: FilterChain): string {
  const names = match.serverNames.length === 0 ? 'any name' : match.serverNames.join(' ');
  if (tls === undefined) return match.transportProtocol === 'tls' ? `, TLS passed on for ${names}` : '';
  const sources = tls.certificates.map(sourceName);
  const client = tls.clientCertificate === 'ignored' ? '' : `, client certificate ${tls.clientCertificate}`;
  return `, TLS for ${names} with ${sources.length === 0 ? 'no certificate' : sources.join(' and ')}${client}`;
}

function sourceName(source: CertificateSource): string {
  return source.kind === 'secret' ? `secret ${source.namespace}/${source.name}` : `file ${source.certificate}`;
}

function printRoute(route: Route, index: number, clusters: ReadonlyMap<string, Cluster>): Row {
  return [String(index + 1), printMatch(route.match), printAction(route, clusters), printOrigin(route.origin)];
}

function columnWidths(rows: readonly Row[]): readonly number[] {
  const longest = (column: 1 | 3): number => rows.reduce((width, row) => Math.max(width, row[column].length), 0);
  const match = Math.min(longest(1), MATCH_LIMIT);
  const source = Math.min(longest(3), SOURCE_LIMIT);
  return [NUMBER_WIDTH, match, WIDTH - NUMBER_WIDTH - match - source - 3 * GAP.length, source];
}

/** Cells that are too long go on in further lines. */
function printRow(row: Row, widths: readonly number[]): string {
  const cells = row.map((text, index) => text.split('\n').flatMap((line) => wrap(line, widths[index] ?? 0)));
  const height = Math.max(...cells.map((cell) => cell.length));
  const lines: string[] = [];
  for (let line = 0; line < height; line++) {
    const parts = cells.map((cell, index) => (cell[line] ?? '').padEnd(widths[index] ?? 0));
    lines.push(`${INDENT}${parts.join(GAP)}`.trimEnd());
  }
  return lines.join('\n');
}

/** Breaks at spaces, else where the width ends. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width);
    const end = space > 0 ? space : width;
    lines.push(rest.slice(0, end).trimEnd());
    rest = rest.slice(end).trimStart();
  }
  lines.push(rest);
  return lines;
}

function printMatch(match: RouteMatch): string {
  const parts: string[] = [];
  const { path } = match;
  if (path.kind !== 'any') {
    const ignoreCase = path.kind !== 'regex' && path.ignoreCase ? ' (any case)' : '';
    parts.push(`${path.kind} ${path.value === '' ? '""' : path.value}${ignoreCase}`);
  }
  if (match.method !== undefined) parts.push(`method ${printString(match.method)}`);
  if (match.scheme !== undefined) parts.push(`scheme ${printString(match.scheme)}`);
  if (match.authority !== undefined) parts.push(`authority ${printString(match.authority)}`);
  for (const header of match.headers) parts.push(printHeader(header));
  for (const { name, value } of match.queryParams) {
    parts.push(value.kind === 'present' ? `query ${name}` : `query ${name} ${printString(value)}`);
  }
  return parts.length === 0 ? 'any' : parts.join(', ');
}

function printHeader({ name, value, invert }: HeaderMatch): string {
  const test = value.kind === 'present' ? '' : ` ${printString(value)}`;
  return `${invert ? 'without header' : 'header'} ${name}${test}`;
}

function printString(match: StringMatch): string {
  const sign = { exact: '=', prefix: '^', regex: '~' }[match.kind];
  return `${sign} ${match.value}`;
}

function printAction(route: Route, clusters: ReadonlyMap<string, Cluster>): string {
  const { action } = route;
  switch (action.kind) {
    case 'direct':
      return `answer ${action.status}`;
    case 'redirect': {
      const { scheme, authority, port, path, prefixRewrite } = action;
      const parts = [
        scheme === undefined ? '' : `scheme ${scheme}`,
        authority === undefined ? '' : `host ${authority}`,
        port === undefined ? '' : `port ${port}`,
        path === undefined ? '' : `path ${path}`,
        prefixRewrite === undefined ? '' : `prefix ${prefixRewrite}`,
      ];
      return `redirect ${action.status}: ${parts.filter((part) => part !== '').join(', ')}`;
    }
    case 'forward':
      return printForward(action, clusters);
  }
}

function printForward(action: ForwardAction, clusters: ReadonlyMap<string, Cluster>): string {
  const total = action.clusters.reduce((sum, { weight }) => sum + weight, 0);
  const targets = action.clusters.map((target) => printTarget(target, total, clusters));
  const { rewrite, timeoutMs, fault } = action;
  const parts = [targets.join('\n')];
  if (rewrite?.kind === 'path') parts.push(`rewrite to ${rewrite.value}`);
  if (rewrite?.kind === 'regex') parts.push(`rewrite ${rewrite.pattern} to ${rewrite.substitution}`);
  if (timeoutMs > 0) parts.push(`timeout ${timeoutMs} ms`);
  const { attempts, conditions, statusCodes = [], perTryTimeoutMs, repeatsUnsafe } = action.retry;
  if (repeatsUnsafe === true || perTryTimeoutMs !== undefined) {
    const reasons = conditions.filter(
      (condition) => condition !== 'retriable-status-codes' || statusCodes.length === 0,
    );
    const tries = perTryTimeoutMs === undefined ? '' : ` of ${perTryTimeoutMs} ms`;
    parts.push(`${attempts} retries${tries} on ${[...reasons, ...statusCodes].join(', ')}`);
  }
  for (const { cluster, perMillion } of action.mirrors ?? []) {
    const [, port = '', subset = '', host = ''] = cluster.split('|');
    parts.push(`mirror ${percent(perMillion)} to ${host}:${port}${subset === '' ? '' : ` ${subset}`}`);
  }
  if (action.cors !== undefined) parts.push('CORS');
  if (fault?.delay !== undefined) parts.push(`delay ${fault.delay.delayMs} ms for ${percent(fault.delay.perMillion)}`);
  if (fault?.abort !== undefined) {
    const { grpcStatus, status, perMillion } = fault.abort;
    parts.push(`abort ${grpcStatus === undefined ? status : `gRPC ${grpcStatus}`} for ${percent(perMillion)}`);
  }
  return parts.join(', ');
}

function printTarget(target: WeightedCluster, total: number, clusters: ReadonlyMap<string, Cluster>): string {
  const [, port = '', subset = '', host = ''] = target.cluster.split('|');
  const share = target.weight === total ? '' : `${Math.round((target.weight * 1000) / total) / 10}% `;
  const cluster = clusters.get(target.cluster);
  const version = subset === '' ? '' : ` ${subset}`;
  const authority = target.hostRewrite === undefined ? '' : ` as ${target.hostRewrite}`;
  const name = host === '' ? target.cluster : `${host}:${port}`;
  return `${share}${name}${version}${authority}${printUpstreamTls(cluster)}${printState(cluster)}`;
}

function printUpstreamTls(cluster: Cluster | undefined): string {
  const tls = cluster?.upstreamTls;
  if (tls === undefined) return '';
  const { certificate, sni, verifiesServer } = tls;
  const shown = certificate === undefined ? '' : ` as ${sourceName(certificate)}`;
  return ` over TLS${sni === undefined ? '' : ` to ${sni}`}${shown}${verifiesServer ? '' : ', unverified'}`;
}

/** Only what will answer an error is said. */
function printState(cluster: Cluster | undefined): string {
  if (cluster === undefined) return ' (unknown: 503)';
  return cluster.endpoints.some((endpoint) => endpoint.healthy) ? '' : ' (no endpoint: 503)';
}

function percent(perMillion: number): string {
  return `${perMillion / 10_000}%`;
}

function printOrigin(origin: Origin): string {
  return origin.file === '' ? `${origin.kind} ${origin.name}` : `${origin.file}:${origin.line}`;
}
