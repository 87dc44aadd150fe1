// SPDX-License-Identifier: Apache-2.0
/** Injected faults as clients that speak gRPC see them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import type { ReadResponse } from '../support/raw-client.js';
import { RawUpstream } from '../support/raw-upstream.js';

let upstream: RawUpstream;
let proxy: Gateway;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  const place = [{ port: upstream.port }];
  const abort = (abortion: object): object => ({ abort: { ...abortion, percentage: { value: 100 } } });
  proxy = await startGateway({
    accessLog: 'JSON',
    config: [
      gateway(),
      ...forwarded('grpc', place, undefined, { fault: abort({ grpcStatus: 'RESOURCE_EXHAUSTED' }) }),
      ...forwarded('http', place, undefined, { fault: abort({ httpStatus: 503 }) }),
      ...forwarded('some', place, undefined, {
        fault: { abort: { grpcStatus: 'UNAVAILABLE', percentage: { value: 30 } } },
      }),
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

function call(name: string, path = '/s/M'): Promise<ReadResponse> {
  const fields = 'content-type: application/grpc\r\nte: trailers\r\n';
  return exchange(proxy.port, `${name}.example`, path, { method: 'POST', body: '', fields });
}

const get = (answer: ReadResponse, name: string): string | undefined =>
  answer.fields.find(([candidate]) => candidate.toLowerCase() === name)?.[1];

describe('an abort', () => {
  it('by gRPC status is HTTP 200 with that status, and the upstream is not asked', async () => {
    const answer = await call('grpc', '/aborted/M');
    expect([answer.status, get(answer, 'grpc-status'), get(answer, 'grpc-message')]).toEqual([
      200,
      '8',
      'fault filter abort',
    ]);
    expect(get(answer, 'content-type')).toBe('application/grpc');
    expect(upstream.requestsFor('/aborted/M')).toEqual([]);
    const line = JSON.parse(await proxy.accessLogLine('/aborted/M')) as Record<string, unknown>;
    expect([line['response_flags'], line['response_code_details']]).toEqual(['FI', 'fault_filter_abort']);
  });

  it('by gRPC status is the same for a client of plain HTTP, with a body', async () => {
    const answer = await exchange(proxy.port, 'grpc.example', '/');
    expect([answer.status, get(answer, 'grpc-status'), answer.body.toString()]).toEqual([
      200,
      '8',
      'fault filter abort',
    ]);
  });

  it('by HTTP status is translated for a gRPC client', async () => {
    const answer = await call('http');
    expect([answer.status, get(answer, 'grpc-status')]).toEqual([200, '14']);
  });

  it('of 30 % is drawn for each request: 400 draws within six standard deviations (55)', async () => {
    let aborted = 0;
    for (let round = 0; round < 20; round++) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => call('some')));
      aborted += answers.filter((answer) => get(answer, 'grpc-status') === '14').length;
    }
    expect(Math.abs(aborted - 120)).toBeLessThanOrEqual(55);
  });
});
