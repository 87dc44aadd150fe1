// SPDX-License-Identifier: Apache-2.0
/** Circuit breakers, timeouts and faults end to end (Istio connectionPool, timeout, fault), with two data-path threads. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import type { ReadResponse } from '../support/raw-client.js';
import type { Answer } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const EXACT_LIMIT = 7;
const PARALLEL = 60;
let upstream: RawUpstream;
let proxy: Gateway;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  const endpoint = [{ port: upstream.port }];
  const pool = (tcp: object, http: object): { trafficPolicy: { connectionPool: object } } => ({
    trafficPolicy: { connectionPool: { tcp, http } },
  });
  proxy = await startGateway({
    threads: 2,
    accessLog: 'JSON',
    config: [
      gateway(),
      ...forwarded('one', endpoint, pool({ maxConnections: 1 }, { http1MaxPendingRequests: 1 })),
      ...forwarded('requests', endpoint, pool({}, { http2MaxRequests: EXACT_LIMIT })),
      ...forwarded('connections', endpoint, pool({ maxConnections: EXACT_LIMIT }, {})),
      ...forwarded('single-use', endpoint, pool({}, { maxRequestsPerConnection: 1 })),
      ...forwarded('twice', endpoint, pool({}, { maxRequestsPerConnection: 2 })),
      ...forwarded('idle', endpoint, pool({}, { idleTimeout: '0.1s' })),
      ...forwarded('slow', endpoint, undefined, { timeout: '0.2s' }),
      ...forwarded('delayed', endpoint, undefined, {
        timeout: '0.3s',
        fault: { delay: { fixedDelay: '0.6s', percentage: { value: 100 } } },
      }),
      ...forwarded('aborted', endpoint, undefined, {
        retries: { attempts: 3 },
        fault: { abort: { httpStatus: 503, percentage: { value: 100 } } },
        headers: { response: { set: { 'x-route': 'aborted' } } },
      }),
      ...forwarded('never-aborted', endpoint, undefined, { fault: { abort: { httpStatus: 503 } } }),
      ...forwarded('some-aborted', endpoint, undefined, {
        fault: { abort: { httpStatus: 418, percentage: { value: 50 } } },
      }),
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

function ask(name: string, target: string): Promise<ReadResponse> {
  return exchange(proxy.port, `${name}.example`, target);
}

/** Makes the origin hold requests for `path`; returns those it holds. */
function hold(path: string): Answer[] {
  const held: Answer[] = [];
  upstream.on(path, (answer) => held.push(answer));
  return held;
}

async function flagsOf(path: string): Promise<unknown[]> {
  await proxy.accessLogLine(`"${path}"`);
  const lines = (await proxy.accessLog()).map((line) => JSON.parse(line) as Record<string, unknown>);
  return lines.filter((line) => line['path'] === path).map((line) => line['response_flags']);
}

describe('circuit breakers', () => {
  it('with one connection and one pending request refuse the third with 503 UO', async () => {
    const held = hold('/one');
    const first = ask('one', '/one');
    await eventually('the first request is held', () => (held.length === 1 ? true : undefined));
    const others = [ask('one', '/one'), ask('one', '/one')];
    const third = await Promise.race(others);
    expect([third.status, third.get('x-envoy-overloaded')]).toEqual([503, 'true']);
    expect(third.body.toString()).toContain('reset reason: overflow');
    expect(held).toHaveLength(1);
    held[0]?.send(ok('first'));
    expect((await first).body.toString()).toBe('first');
    await eventually('the pending request is held', () => (held.length === 2 ? true : undefined));
    held[1]?.send(ok('second'));
    const answers = await Promise.all(others);
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 503]);
    expect(upstream.requestsFor('/one')).toHaveLength(2);
    expect((await flagsOf('/one')).filter((flags) => flags === 'UO')).toHaveLength(1);
  });

  it('let exactly http2MaxRequests requests through, over all threads', async () => {
    const held = hold('/requests');
    const answers = Array.from({ length: PARALLEL }, () => ask('requests', '/requests'));
    let refused = 0;
    for (const answer of answers) void answer.then(({ status }) => (refused += status === 503 ? 1 : 0));
    await eventually('the others are refused', () => (refused === PARALLEL - EXACT_LIMIT ? true : undefined));
    // A refusal may overtake an admitted request on its way to the upstream.
    await eventually('the admitted ones arrive', () => (held.length >= EXACT_LIMIT ? true : undefined));
    expect(held).toHaveLength(EXACT_LIMIT);
    for (const answer of held) answer.send(ok('x'));
    const statuses = (await Promise.all(answers)).map((answer) => answer.status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(EXACT_LIMIT);
    expect((await ask('requests', '/')).status).toBe(200);
  });

  it('open exactly maxConnections connections, over all threads, and serve all who wait', async () => {
    let most = 0;
    const under = new Set<Answer>();
    upstream.on('/connections', async (answer) => {
      under.add(answer);
      most = Math.max(most, under.size);
      await sleep(20);
      under.delete(answer);
      answer.send(ok('x'));
    });
    const answers = await Promise.all(Array.from({ length: PARALLEL }, () => ask('connections', '/connections')));
    expect(answers.map((answer) => answer.status)).toEqual(answers.map(() => 200));
    expect(most).toBe(EXACT_LIMIT);
  });

  it('close connections after maxRequestsPerConnection', async () => {
    for (let index = 0; index < 4; index++) expect((await ask('single-use', '/single-use')).status).toBe(200);
    expect(new Set(upstream.requestsFor('/single-use').map((request) => request.connection)).size).toBe(4);
    for (let index = 0; index < 12; index++) expect((await ask('twice', '/twice')).status).toBe(200);
    const perConnection = new Map<number, number>();
    for (const { connection } of upstream.requestsFor('/twice'))
      perConnection.set(connection, (perConnection.get(connection) ?? 0) + 1);
    expect(Math.max(...perConnection.values())).toBe(2);
  });

  it('close connections that were idle for idleTimeout', async () => {
    let seen: Answer | undefined;
    upstream.on('/idle', (answer) => {
      seen = answer;
      answer.send(ok('x'));
    });
    await ask('idle', '/idle');
    await expect(seen?.closed).resolves.toBeUndefined();
  });
});

describe('timeouts', () => {
  it('answer 504 UT when no response has come, and release the upstream', async () => {
    const held = hold('/slow');
    const answer = await ask('slow', '/slow');
    expect([answer.status, answer.body.toString()]).toEqual([504, 'upstream request timeout']);
    await expect(held[0]?.closed).resolves.toBeUndefined();
    expect(await flagsOf('/slow')).toEqual(['UT']);
  });

  it('break a response that has begun', async () => {
    upstream.on('/slow-body', (answer) => answer.send('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'));
    const answer = await ask('slow', '/slow-body');
    expect([answer.status, answer.brokenAt]).toEqual([200, 'body']);
    expect(await flagsOf('/slow-body')).toEqual(['UT']);
  });

  it('are passed on to the upstream', async () => {
    await ask('slow', '/told');
    expect(upstream.requestsFor('/told')[0]?.values('x-envoy-expected-rq-timeout-ms')).toEqual(['200']);
  });
});

describe('faults', () => {
  it('delay without using up the timeout', async () => {
    const start = performance.now();
    const answer = await ask('delayed', '/delayed');
    expect(answer.status).toBe(200);
    expect(performance.now() - start).toBeGreaterThanOrEqual(599);
    expect(await flagsOf('/delayed')).toEqual(['DI']);
  });

  it('abort before the upstream sees anything, are not retried, and carry the headers of the route', async () => {
    const answer = await ask('aborted', '/aborted');
    expect([answer.status, answer.body.toString(), answer.get('x-route')]).toEqual([
      503,
      'fault filter abort',
      'aborted',
    ]);
    expect(await flagsOf('/aborted')).toEqual(['FI']);
    expect(upstream.requestsFor('/aborted')).toEqual([]);
  });

  it('without a percentage never happen', async () => {
    expect((await ask('never-aborted', '/')).status).toBe(200);
  });

  it('of 50 percent hit 400 requests within five standard deviations', async () => {
    const statuses: number[] = [];
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(Array.from({ length: 40 }, () => ask('some-aborted', '/some')));
      statuses.push(...answers.map((answer) => answer.status));
    }
    const aborted = statuses.filter((status) => status === 418).length;
    expect(statuses.filter((status) => status === 200)).toHaveLength(400 - aborted);
    expect(Math.abs(aborted - 200)).toBeLessThan(50);
  });
});
