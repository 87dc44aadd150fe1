// SPDX-License-Identifier: Apache-2.0
/** CORS: which preflights are answered without the upstream, and what browsers are told with the answers of the upstream. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CorsPolicySpec, HttpRouteSpec } from '../../src/resources/types.js';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { forwarded, gateway } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import type { ReadResponse } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const FULL: CorsPolicySpec = {
  allowOrigins: [{ exact: 'https://a.example' }, { prefix: 'https://b.' }, { regex: 'https://c[0-9]+\\.example' }],
  allowMethods: ['GET', 'PUT'],
  allowHeaders: ['x-one', 'x-two'],
  exposeHeaders: ['x-shown', 'x-also'],
  maxAge: '90s',
  allowCredentials: true,
};

const POLICIES: Readonly<Record<string, CorsPolicySpec>> = {
  full: FULL,
  any: { allowOrigins: [{ exact: '*' }], allowMethods: ['*'], allowHeaders: ['*'] },
  old: { allowOrigin: ['https://a.example'] },
  ignore: { ...FULL, unmatchedPreflights: 'IGNORE' },
};

let upstream: RawUpstream;
let proxy: Gateway;

beforeAll(async () => {
  upstream = await RawUpstream.start((answer) =>
    answer.send(ok('from upstream', 'access-control-allow-origin: nobody\r\nx-shown: 1\r\n')),
  );
  const place = [{ port: upstream.port }];
  const route = (rest: HttpRouteSpec): HttpRouteSpec => rest;
  proxy = await startGateway({
    accessLog: 'JSON',
    config: [
      gateway(),
      ...Object.entries(POLICIES).flatMap(([name, corsPolicy]) => forwarded(name, place, undefined, { corsPolicy })),
      ...forwarded('plain', place),
      ...forwarded('down', [], undefined, { corsPolicy: FULL }),
      ...forwarded(
        'aborted',
        place,
        undefined,
        route({ corsPolicy: FULL, fault: { abort: { httpStatus: 418, percentage: { value: 100 } } } }),
      ),
    ],
  });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

let nextPath = 0;

function preflight(name: string, origin: string, fields = ''): Promise<ReadResponse> {
  const asked = `origin: ${origin}\r\naccess-control-request-method: PUT\r\n${fields}`;
  return exchange(proxy.port, `${name}.example`, `/cors-${nextPath++}`, { method: 'OPTIONS', fields: asked });
}

function simple(name: string, origin: string): Promise<ReadResponse> {
  return exchange(proxy.port, `${name}.example`, `/cors-${nextPath++}`, { fields: `origin: ${origin}\r\n` });
}

/** The CORS fields of an answer. */
function corsOf(answer: ReadResponse): Record<string, string> {
  const named = answer.fields.filter(([name]) => name.toLowerCase().startsWith('access-control-'));
  return Object.fromEntries(named.map(([name, value]) => [name.toLowerCase().slice('access-control-'.length), value]));
}

describe('a preflight', () => {
  it.each(['https://a.example', 'https://b.anything', 'https://c42.example'])('of %s is answered', async (origin) => {
    const before = upstream.requests.length;
    const answer = await preflight('full', origin);
    expect([answer.status, answer.body.length]).toEqual([200, 0]);
    expect(corsOf(answer)).toEqual({
      'allow-origin': origin,
      'allow-methods': 'GET,PUT',
      'allow-headers': 'x-one,x-two',
      'allow-credentials': 'true',
      'max-age': '90',
    });
    expect(upstream.requests.length).toBe(before);
  });

  it('is told what it asked for where everything is allowed', async () => {
    const answer = await preflight('any', 'https://z.example', 'access-control-request-headers: x-q, x-r\r\n');
    expect(corsOf(answer)).toEqual({
      'allow-origin': 'https://z.example',
      'allow-methods': 'PUT',
      'allow-headers': 'x-q, x-r',
    });
  });

  it('knows the deprecated allowOrigin', async () => {
    expect(corsOf(await preflight('old', 'https://a.example'))).toEqual({ 'allow-origin': 'https://a.example' });
  });

  it.each(['https://A.example', 'https://a.example.evil', 'https://c42.example.evil', 'https://c.example'])(
    'of %s goes to the upstream',
    async (origin) => {
      const answer = await preflight('full', origin);
      expect(answer.body.toString()).toBe('from upstream');
      expect(corsOf(answer)).toEqual({ 'allow-origin': 'nobody' });
    },
  );

  it('of an unknown origin is answered without permission with IGNORE', async () => {
    const answer = await preflight('ignore', 'https://evil.example');
    expect([answer.status, corsOf(answer)]).toEqual([200, {}]);
  });

  it('that asks for no method is an ordinary OPTIONS', async () => {
    const fields = 'origin: https://a.example\r\n';
    const answer = await exchange(proxy.port, 'full.example', '/options', { method: 'OPTIONS', fields });
    expect(answer.body.toString()).toBe('from upstream');
  });

  it('is logged as cors_response', async () => {
    const path = '/logged-preflight';
    const fields = 'origin: https://a.example\r\naccess-control-request-method: GET\r\n';
    await exchange(proxy.port, 'full.example', path, { method: 'OPTIONS', fields });
    expect(await proxy.accessLogLine(path)).toContain('cors_response');
  });

  it('comes after faults', async () => {
    expect((await preflight('aborted', 'https://a.example')).status).toBe(418);
  });
});

describe('any other request', () => {
  it('of an allowed origin: the answer says so, instead of what the upstream said', async () => {
    const answer = await simple('full', 'https://a.example');
    expect(answer.body.toString()).toBe('from upstream');
    expect(corsOf(answer)).toEqual({
      'allow-origin': 'https://a.example',
      'allow-credentials': 'true',
      'expose-headers': 'x-shown,x-also',
    });
    expect(answer.fields.filter(([name]) => name.toLowerCase() === 'access-control-allow-origin')).toHaveLength(1);
  });

  it('of another origin, or without one, is forwarded and its answer left alone', async () => {
    expect(corsOf(await simple('full', 'https://evil.example'))).toEqual({ 'allow-origin': 'nobody' });
    expect(corsOf(await exchange(proxy.port, 'full.example', '/no-origin'))).toEqual({ 'allow-origin': 'nobody' });
  });

  it('of an allowed origin gets CORS fields with answers of the proxy too', async () => {
    const answer = await simple('down', 'https://a.example');
    expect([answer.status, corsOf(answer)['allow-origin']]).toEqual([503, 'https://a.example']);
  });

  it('of a route without a policy is left alone after one with it', async () => {
    const answers = await Promise.all([simple('full', 'https://a.example'), simple('plain', 'https://a.example')]);
    expect(answers.map((answer) => corsOf(answer)['allow-origin'])).toEqual(['https://a.example', 'nobody']);
  });
});
