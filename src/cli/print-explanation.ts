// SPDX-License-Identifier: Apache-2.0
/** An Explanation -> the text of `weft explain`: one fact a line, in the order in which the request meets them. */
import type { RedirectAction } from '../model/model.js';
import type { ExplainedCluster, Explanation } from './explanation.js';

const LABEL_WIDTH = 13;

export function printExplanation(explanation: Explanation): string {
  const { request, listener, virtualHost, tried, route, nearestMiss } = explanation;
  const lines = [
    line('request', `${request.method} ${request.target}  host: ${request.authority}`),
    line('listener', `${listener.name}  (port ${listener.configPort} of the configuration)  ${listener.source}`),
  ];
  if (virtualHost !== undefined) {
    lines.push(line('virtual host', `${virtualHost.name}  by ${virtualHost.domain}: ${virtualHost.why}`));
  }
  for (const [number, { name, source, failed }] of tried.entries()) {
    const label = number === 0 ? 'routes' : '';
    const verdict = failed === undefined ? 'taken' : `no: ${failed}`;
    lines.push(line(label, `#${number + 1} ${name === '' ? '' : `${name} `}${source}  ${verdict}`));
  }
  if (route !== undefined) lines.push(line('route', `${route.source} (${route.path})`));
  lines.push(...outcomeLines(explanation));
  if (nearestMiss !== undefined) lines.push(line('nearest miss', `${nearestMiss.source}: ${nearestMiss.failed}`));
  return `${lines.join('\n')}\n`;
}

function outcomeLines(explanation: Explanation): string[] {
  const {
    outcome,
    status,
    reason,
    redirect,
    body,
    clusters = [],
    timeoutMs = 0,
    retryAttempts = 0,
    fault,
  } = explanation;
  switch (outcome) {
    case 'refused':
      return [line('refused', `${status}: ${reason}`)];
    case 'not-found':
      return [line('not found', `404: ${reason}`)];
    case 'redirect':
      return [line('redirect', `${status} ${redirect === undefined ? '' : redirectTarget(redirect)}`)];
    case 'direct-response':
      return [line('answer', `${status}, body of ${Buffer.byteLength(body ?? '')} bytes`)];
    case 'forward': {
      const lines = clusters.flatMap((cluster, index) => clusterLines(cluster, index === 0));
      lines.push(line('timeout', timeoutMs === 0 ? 'none' : `${timeoutMs} ms`));
      lines.push(line('retries', retryAttempts === 0 ? 'none' : `up to ${retryAttempts}`));
      if (fault?.delay !== undefined) {
        lines.push(
          line('fault', `${fault.delay.delayMs} ms delay for ${fault.delay.perMillion / 10_000} % of requests`),
        );
      }
      if (fault?.abort !== undefined) {
        lines.push(line('fault', `answer ${fault.abort.status} for ${fault.abort.perMillion / 10_000} % of requests`));
      }
      return lines;
    }
  }
}

function clusterLines({ name, percent, state, endpoints, limits }: ExplainedCluster, first: boolean): string[] {
  const note = state === 'ok' ? '' : `  ${state}: 503`;
  const lines = [line(first ? 'clusters' : '', `${percent} %  ${name}${note}`)];
  if (endpoints.length > 0) lines.push(line('', `  endpoints ${endpoints.join(', ')}`));
  const limited = Object.entries(limits).map(([limit, value]) => `${limit} ${value}`);
  if (limited.length > 0) lines.push(line('', `  limits ${limited.join(', ')}`));
  return lines;
}

function redirectTarget({ scheme, authority, port, path, prefixRewrite }: RedirectAction): string {
  const parts: string[] = [];
  if (scheme !== undefined) parts.push(`scheme ${scheme}`);
  if (authority !== undefined) parts.push(`host ${authority}`);
  if (port !== undefined) parts.push(`port ${port === 'listener' ? 'of the request' : port}`);
  if (path !== undefined) parts.push(`path ${path}`);
  if (prefixRewrite !== undefined) parts.push(`prefix ${prefixRewrite}`);
  return parts.length === 0 ? 'to the same place' : `with ${parts.join(', ')}`;
}

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${text}`.trimEnd();
}
