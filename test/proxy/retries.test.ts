// SPDX-License-Identifier: Apache-2.0
/** Retries: what is repeated, how often, where to, and what never is. Numbers of tries are counted at the upstream. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpRetrySpec } from '../../src/resources/types.js';
import { eventually, freePort, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { destinationRule, forwarded, gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import type { Answer, Handler } from '../support/raw-upstream.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

/** Hosts with one retry policy each, all served by the same upstream. */
const POLICIES: Readonly<Record<string, HttpRetrySpec>> = {
  '5xx': { attempts: 2, retryOn: '5xx', backoff: '1ms' },
  'gateway-error': { attempts: 2, retryOn: 'gateway-error', backoff: '1ms' },
  reset: { attempts: 2, retryOn: 'reset', backoff: '1ms' },
  'connect-failure': { attempts: 2, retryOn: 'connect-failure', backoff: '1ms' },
  'refused-stream': { attempts: 2, retryOn: 'refused-stream,reset-before-request', backoff: '1ms' },
  'retriable-4xx': { attempts: 2, retryOn: 'retriable-4xx', backoff: '1ms' },
  codes: { attempts: 2, retryOn: '418,503', backoff: '1ms' },
  'envoy-ratelimited': { attempts: 2, retryOn: 'envoy-ratelimited', backoff: '1ms' },
  'http3-post-connect-failure': {
    attempts: 2,
    retryOn: 'http3-post-connect-failure,retriable-headers',
    backoff: '1ms',
  },
  cancelled: { attempts: 2, retryOn: 'cancelled', backoff: '1ms' },
  'deadline-exceeded': { attempts: 2, retryOn: 'deadline-exceeded', backoff: '1ms' },
  internal: { attempts: 2, retryOn: 'internal', backoff: '1ms' },
  'resource-exhausted': { attempts: 2, retryOn: 'resource-exhausted', backoff: '1ms' },
  unavailable: { attempts: 2, retryOn: 'unavailable', backoff: '1ms' },
  'per-try': { attempts: 1, retryOn: '5xx', perTryTimeout: '100ms', backoff: '1ms' },
  'per-try-number': { attempts: 2, retryOn: '503', perTryTimeout: '100ms', backoff: '1ms' },
  off: { attempts: 0 },
};

let upstream: RawUpstream;
let proxy: Gateway;
let nextPath = 0;

/** A path whose tries are answered by the handlers in order, the last one for all that come after. */
function answeredInTurn(...handlers: readonly Handler[]): string {
  const path = `/retry-${nextPath++}`;
  let tries = 0;
  upstream.on(path, async (answer) => {
    const handler = handlers[Math.min(tries++, handlers.length - 1)];
    // A request that is still being sent is not repeated after an answer.
    await answer.body;
    return handler?.(answer);
  });
  return path;
}

const status =
  (code: number, fields = ''): Handler =>
  (answer: Answer) =>
    answer.send(`HTTP/1.1 ${code} Some\r\n${fields}content-length: 0\r\n\r\n`);
const hello: Handler = (answer) => answer.send(ok('hello'));
const hangUp: Handler = (answer) => answer.socket.end();
const silent: Handler = () => undefined;

async function flagsOf(path: string): Promise<unknown> {
  const line = JSON.parse(await proxy.accessLogLine(`"${path}"`)) as Record<string, unknown>;
  return [line['response_flags'], line['response_code_details']];
}

beforeAll(async () => {
  upstream = await RawUpstream.start();
  const refused = await freePort();
  const place = [{ port: upstream.port }];
  proxy = await startGateway({
    accessLog: 'JSON',
    config: [
      gateway(),
      ...Object.entries(POLICIES).flatMap(([name, retries]) => forwarded(name, place, undefined, { retries })),
      ...forwarded('default', place),
      ...forwarded('half-down', [{ port: refused }, { port: upstream.port }]),
      ...forwarded('down', [{ port: refused }], undefined, {
        retries: { attempts: 1, retryOn: '503', backoff: '1ms' },
      }),
      ...forwarded('total', place, undefined, { timeout: '150ms', retries: { attempts: 50, retryOn: '5xx' } }),
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

/** Status that the client got, and tries that the upstream saw. */
async function outcome(policy: string, path: string, init?: Parameters<typeof exchange>[3]): Promise<number[]> {
  const answer = await exchange(proxy.port, `${policy}.example`, path, init);
  return [answer.status, upstream.requestsFor(path).length];
}

const GRPC = { method: 'POST', body: 'x', fields: 'content-type: application/grpc\r\n' };

describe('the conditions of retryOn', () => {
  it.each<[policy: string, first: Handler, meets: boolean]>([
    ['5xx', status(500), true],
    ['5xx', status(599), true],
    ['5xx', hangUp, true],
    ['5xx', status(404), false],
    ['gateway-error', status(502), true],
    ['gateway-error', status(504), true],
    ['gateway-error', hangUp, true],
    ['gateway-error', status(500), false],
    ['reset', hangUp, true],
    ['reset', status(503), false],
    ['connect-failure', hangUp, false],
    ['refused-stream', hangUp, false],
    ['retriable-4xx', status(409), true],
    ['retriable-4xx', status(404), false],
    ['codes', status(418), true],
    ['codes', status(503), true],
    ['codes', status(500), false],
    ['codes', hangUp, false],
    ['envoy-ratelimited', status(429, 'x-envoy-ratelimited: true\r\n'), true],
    ['envoy-ratelimited', status(429), false],
    ['5xx', status(503, 'x-envoy-ratelimited: true\r\n'), false],
    ['http3-post-connect-failure', status(503), false],
    ['off', status(503), false],
    ['default', status(503), false],
  ])('%s, %#: one more try, or none', async (policy, first, meets) => {
    // A body, so that an ordinary replay of a GET on a connection that had served before does not interfere.
    const path = answeredInTurn(first, hello);
    const [code, tries] = await outcome(policy, path, { method: 'PUT', body: 'x' });
    expect(tries).toBe(meets ? 2 : 1);
    expect(code === 200).toBe(meets);
  });

  it.each([
    ['cancelled', 1],
    ['deadline-exceeded', 4],
    ['resource-exhausted', 8],
    ['internal', 13],
    ['unavailable', 14],
  ])('%s is grpc-status %i in the head of the answer', async (policy, code) => {
    const grpc = (grpcStatus: number): Handler =>
      status(200, `content-type: application/grpc\r\ngrpc-status: ${grpcStatus}\r\n`);
    const repeated = answeredInTurn(grpc(code), grpc(0));
    expect(await outcome(policy, repeated, GRPC)).toEqual([200, 2]);
    const other = answeredInTurn(grpc(5), grpc(0));
    expect(await outcome(policy, other, GRPC)).toEqual([200, 1]);
  });

  it('a number does not stand for a connection that cannot be made', async () => {
    const path = '/number-and-connect';
    expect((await exchange(proxy.port, 'down.example', path)).status).toBe(503);
    expect(await flagsOf(path)).toEqual(['UF', 'upstream_reset_before_response_started{remote_connection_failure}']);
  });
});

describe('tries', () => {
  it('are attempts + 1, counted in x-envoy-attempt-count; the last answer is passed on with URX', async () => {
    const path = answeredInTurn(status(500));
    const answer = await exchange(proxy.port, '5xx.example', path);
    expect(answer.status).toBe(500);
    const counts = upstream.requestsFor(path).map((request) => request.values('x-envoy-attempt-count'));
    expect(counts).toEqual([['1'], ['2'], ['3']]);
    expect(await flagsOf(path)).toEqual(['URX', 'via_upstream']);
  });

  it('send the body again', async () => {
    const bodies: Promise<Buffer>[] = [];
    const body = 'b'.repeat(200_000);
    const path = answeredInTurn(
      async (answer) => {
        bodies.push(answer.body);
        await answer.body;
        answer.send('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
      },
      async (answer) => {
        bodies.push(answer.body);
        await answer.body;
        answer.send(ok('done'));
      },
    );
    expect(await outcome('5xx', path, { method: 'POST', body })).toEqual([200, 2]);
    for (const received of await Promise.all(bodies)) expect(received.toString()).toBe(body);
  });

  it('are not made with a body that is larger than what is kept (1 MiB)', async () => {
    const path = answeredInTurn(async (answer) => {
      while (answer.receivedBytes() < 1_500_000) await new Promise((resolve) => setTimeout(resolve, 5));
      answer.send('HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
    }, hello);
    expect(await outcome('5xx', path, { method: 'POST', body: 'b'.repeat(1_500_000) })).toEqual([503, 1]);
  });

  it('end with the timeout of the route, which spans all of them', async () => {
    const path = answeredInTurn(silent);
    const started = performance.now();
    expect((await exchange(proxy.port, 'total.example', path)).status).toBe(504);
    expect(performance.now() - started).toBeGreaterThan(140);
    expect(await flagsOf(path)).toEqual(['UT', 'response_timeout']);
  });

  it('go to another endpoint than the one that failed', async () => {
    const path = answeredInTurn(hello);
    // One after the other, because the budget allows three retries at once.
    for (let request = 0; request < 12; request++) {
      const answer = await exchange(proxy.port, 'half-down.example', path, { method: 'POST', body: 'x' });
      expect(answer.status).toBe(200);
    }
  });
});

describe('perTryTimeout', () => {
  it('ends a try, and another is made where a reset would be repeated', async () => {
    const path = answeredInTurn(silent, hello);
    expect(await outcome('per-try', path)).toEqual([200, 2]);
  });

  it('of the last try is 504 UT', async () => {
    const path = answeredInTurn(silent);
    expect(await outcome('per-try', path)).toEqual([504, 2]);
    expect(await flagsOf(path)).toEqual(['UT,URX', 'upstream_per_try_timeout']);
  });

  it('is no answer with a status, so a number does not repeat it', async () => {
    const path = answeredInTurn(silent, hello);
    expect(await outcome('per-try-number', path)).toEqual([504, 1]);
    expect(await flagsOf(path)).toEqual(['UT', 'upstream_per_try_timeout']);
  });

  it('is counted', async () => {
    const count = async (): Promise<number> =>
      (await proxy.metrics()).sum('envoy_cluster_upstream_rq_per_try_timeout', {
        cluster_name: 'outbound|8000||per-try.example',
      });
    const before = await count();
    await outcome('per-try', answeredInTurn(silent));
    expect(await count()).toBe(before + 2);
  });
});

describe('without a policy', () => {
  it('a POST that may have been processed is sent once, also when gRPC says unavailable', async () => {
    const unavailable = status(200, 'content-type: application/grpc\r\ngrpc-status: 14\r\n');
    expect(await outcome('default', answeredInTurn(unavailable, hello), GRPC)).toEqual([200, 1]);
    expect(await outcome('default', answeredInTurn(hangUp, hello), { method: 'POST', body: 'x' })).toEqual([503, 1]);
  });

  it('--istio-default-retries repeats it, as Istio does', async () => {
    const istio = await startGateway({
      config: [gateway(), ...forwarded('default', [{ port: upstream.port }])],
      options: ['--istio-default-retries'],
    });
    try {
      const unavailable = status(200, 'content-type: application/grpc\r\ngrpc-status: 14\r\n');
      const path = answeredInTurn(unavailable, hello);
      expect((await exchange(istio.port, 'default.example', path, GRPC)).status).toBe(200);
      expect(upstream.requestsFor(path)).toHaveLength(2);
    } finally {
      await istio.stop();
    }
  });
});

describe('the limits of retries', () => {
  it('count retries, their success, and those that were used up', async () => {
    const stat = async (name: string): Promise<number> =>
      (await proxy.metrics()).sum(`envoy_cluster_upstream_rq_${name}`, {
        cluster_name: 'outbound|8000||gateway-error.example',
      });
    const names = ['retry', 'retry_success', 'retry_limit_exceeded', 'retry_backoff_exponential'];
    const before = await Promise.all(names.map(stat));
    await outcome('gateway-error', answeredInTurn(status(503), hello));
    await outcome('gateway-error', answeredInTurn(status(503)));
    const after = await Promise.all(names.map(stat));
    expect(after.map((value, index) => value - (before[index] ?? 0))).toEqual([3, 1, 1, 3]);
  });

  it('a budget of 20 % of the requests, and 3 in any case, stops a storm: the rest is UO', async () => {
    const waiting: Answer[] = [];
    const path = '/storm';
    upstream.on(path, (answer) => {
      if (answer.request.values('x-envoy-attempt-count')[0] === '1') status(503)(answer);
      else waiting.push(answer);
    });
    const answers = Array.from({ length: 8 }, () => exchange(proxy.port, '5xx.example', path));
    // Three retries hang at the upstream; nobody else gets one.
    await eventually('five requests are answered', async () => {
      const metrics = await proxy.metrics();
      const labels = { cluster_name: 'outbound|8000||5xx.example' };
      return metrics.sum('envoy_cluster_upstream_rq_retry_overflow', labels) >= 5 ? true : undefined;
    });
    expect(waiting).toHaveLength(3);
    for (const answer of waiting) answer.send(ok('late'));
    const statuses = (await Promise.all(answers)).map((answer) => answer.status).sort();
    expect(statuses).toEqual([200, 200, 200, 503, 503, 503, 503, 503]);
    expect(await proxy.accessLogLine('"UO"')).toContain(path);
  });

  it('a retryBudget of the DestinationRule replaces it', async () => {
    const host = 'wide.example';
    const wide = await startGateway({
      config: [
        gateway(),
        service(host, [{ port: upstream.port }]),
        virtualService(host, [{ route: [to(host)], retries: { attempts: 1, retryOn: '503', backoff: '1ms' } }]),
        destinationRule(host, { trafficPolicy: { retryBudget: { percent: 100, minRetryConcurrency: 10 } } }),
      ],
    });
    try {
      const path = '/wide-storm';
      const waiting: Answer[] = [];
      upstream.on(path, (answer) => {
        if (answer.request.values('x-envoy-attempt-count')[0] === '1') status(503)(answer);
        else waiting.push(answer);
      });
      const answers = Array.from({ length: 8 }, () => exchange(wide.port, host, path));
      await eventually('all are repeated', () => (waiting.length === 8 ? true : undefined));
      for (const answer of waiting) answer.send(ok('late'));
      expect((await Promise.all(answers)).every((answer) => answer.status === 200)).toBe(true);
    } finally {
      await wide.stop();
    }
  });
});
