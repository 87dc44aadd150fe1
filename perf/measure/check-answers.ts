// SPDX-License-Identifier: Apache-2.0
/**
 * A proxy before it is measured -> what it does other than it should: answers must equal those of a direct request in status,
 * body and end-to-end headers, the origin must see the forwarding headers, and a path that no route takes must get 404.
 * A proxy that does less work than the others must not win by it.
 */
import { ask } from '../load/ask.js';
import type { Answer } from '../load/ask.js';
import type { Work } from '../peers/contract.js';
import type { Upstream } from '../upstream/upstream.js';
import type { Requests } from './requests.js';

/** For one connection only, or allowed to differ: every proxy may write its own date and server. */
const NOT_COMPARED = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date', 'server']);
/** What proxies say of themselves on every answer. */
const MAY_BE_ADDED = new Set(['via', 'x-envoy-upstream-service-time']);
/** Enough that each weighted upstream of at least 10% is asked, but for one run in 10^9. */
const WEIGHTED_ASKS = 200;
const UPSTREAM_HEADERS = ['x-forwarded-for', 'x-forwarded-proto', 'x-request-id'];

/** Rejects with the first difference. `requests` are those that the load will send. */
export async function checkAnswers(port: number, upstream: Upstream, work: Work, requests: Requests): Promise<void> {
  const path = requests.paths[0] ?? '/';
  const headers = requests.headersOf(0);
  const isHttp2 = work.protocol === 'http2';
  const manner = { isHttp2, isSecure: work.tls !== undefined };
  const direct = await ask(upstream.ports[0] ?? 0, path, headers, { isHttp2 });
  const heads = await upstream.headsDuring(async () => {
    const proxied = await ask(port, path, headers, manner);
    const difference = differenceOf(direct, proxied, work.weights !== undefined);
    if (difference !== undefined) throw new Error(`the answer differs from the origin's: ${difference}`);
  });
  // Below TCP there is no message to add anything to.
  if (heads !== undefined && work.protocol !== 'tcp') checkForwarding(heads);
  if (work.routes !== null) {
    const { status } = await ask(port, '/nowhere', {}, manner);
    if (status !== 404) throw new Error(`a path that no route takes got ${status} instead of 404`);
  }
  if (work.weights !== undefined) await checkWeights(port, work.weights, path);
}

function checkForwarding(heads: readonly string[]): void {
  const seen = heads.at(-1)?.toLowerCase() ?? '';
  const missing = UPSTREAM_HEADERS.filter((name) => !seen.includes(`\r\n${name}: `));
  if (missing.length > 0) throw new Error(`the origin did not get ${missing.join(', ')}`);
}

async function checkWeights(port: number, weights: readonly number[], path: string): Promise<void> {
  const asked = weights.map(() => 0);
  for (let count = 0; count < WEIGHTED_ASKS; count++) {
    const index = Number((await ask(port, path)).headers['x-upstream']);
    asked[index] = (asked[index] ?? 0) + 1;
  }
  const unused = weights.findIndex((weight, index) => weight > 0 && asked[index] === 0);
  if (unused >= 0)
    throw new Error(`upstream ${unused} of weight ${weights[unused]} got none of ${WEIGHTED_ASKS} requests`);
}

/** The first difference that counts, in words; undefined when there is none. */
export function differenceOf(direct: Answer, proxied: Answer, anyUpstream = false): string | undefined {
  if (direct.status !== proxied.status) return `status ${proxied.status} instead of ${direct.status}`;
  if (direct.body !== proxied.body)
    return `${proxied.body.length} bytes of body, not the same as ${direct.body.length}`;
  const isCompared = (name: string): boolean => !NOT_COMPARED.has(name) && !(anyUpstream && name === 'x-upstream');
  for (const [name, value] of Object.entries(direct.headers)) {
    if (isCompared(name) && proxied.headers[name] !== value) return `${name}: ${proxied.headers[name]}, not ${value}`;
  }
  if (direct.headers['date'] !== undefined && proxied.headers['date'] === undefined) return 'no date';
  const added = Object.keys(proxied.headers).find(
    (name) => isCompared(name) && direct.headers[name] === undefined && !MAY_BE_ADDED.has(name),
  );
  return added === undefined ? undefined : `it adds ${added}`;
}
