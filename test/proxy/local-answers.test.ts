// SPDX-License-Identifier: Apache-2.0
/** Answers that Weft makes itself: status, body, access-log flags and details, and reasons where they are asked for. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Blackhole } from '../support/blackhole.js';
import { startBlackhole } from '../support/blackhole.js';
import { freePort, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { destinationRule, forwarded, gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { exchange, RawClient } from '../support/raw-client.js';
import { ok, RawUpstream } from '../support/raw-upstream.js';

const RESET = 'upstream connect error or disconnect/reset before headers. reset reason: ';
let upstream: RawUpstream;
let blackhole: Blackhole;
/** Two proxies of one configuration: JSON log with reasons, text log without. */
let proxy: Gateway;
let plain: Gateway;

beforeAll(async () => {
  upstream = await RawUpstream.start();
  blackhole = await startBlackhole();
  const refused = await freePort();
  const config = [
    gateway(),
    ...forwarded('empty', []),
    ...forwarded(
      'blackhole',
      [{ port: blackhole.port }],
      {
        trafficPolicy: { connectionPool: { tcp: { connectTimeout: '0.1s' } } },
      },
      { retries: { attempts: 0 } },
    ),
    ...forwarded('down', [{ port: refused }], undefined, {
      retries: { attempts: 0 },
      headers: { response: { set: { 'x-route': 'yes', 'x-code': '%RESPONSE_CODE%' } } },
    }),
    service('web.example', [{ port: upstream.port, labels: { version: 'v1' } }]),
    destinationRule('web.example', { subsets: [{ name: 'unpopulated', labels: { version: 'v9' } }] }),
    virtualService('web.example', [
      { match: [{ uri: { prefix: '/no-subset' } }], route: [to('web.example', 'missing')] },
      { match: [{ uri: { prefix: '/no-pods' } }], route: [to('web.example', 'unpopulated')] },
      { name: 'named', match: [{ uri: { prefix: '/ok' } }], route: [to('web.example')] },
      { match: [{ uri: { prefix: '/direct' } }], directResponse: { status: 403, body: { string: 'no' } } },
    ]),
  ];
  [proxy, plain] = await Promise.all([
    startGateway({ config, accessLog: 'JSON', exposeReasons: true }),
    startGateway({ config, accessLog: 'TEXT' }),
  ]);
});

afterAll(async () => {
  await Promise.all([proxy.stop(), plain.stop()]);
  blackhole.stop();
  await upstream.stop();
});

describe.concurrent('situations', () => {
  it.each([
    ['a host that no VirtualService has', 'nobody.example', '/nobody', 404, '', 'NR', 'route_not_found'],
    ['a path that no rule has', 'web.example', '/nothing', 404, '', 'NR', 'route_not_found'],
    ['a subset that is not defined', 'web.example', '/no-subset', 503, '', 'NC', 'cluster_not_found'],
    ['a subset without endpoints', 'web.example', '/no-pods', 503, 'no healthy upstream', 'UH', 'no_healthy_upstream'],
    ['a service without endpoints', 'empty.example', '/empty', 503, 'no healthy upstream', 'UH', 'no_healthy_upstream'],
    [
      'a refused connection',
      'down.example',
      '/down',
      503,
      `${RESET}remote connection failure`,
      'UF',
      'upstream_reset_before_response_started{remote_connection_failure}',
    ],
    [
      'a connection that does not open in time',
      'blackhole.example',
      '/blackhole',
      503,
      `${RESET}connection timeout`,
      'UF',
      'upstream_reset_before_response_started{connection_timeout}',
    ],
    ['a direct response', 'web.example', '/direct', 403, 'no', '', 'direct_response'],
  ])('%s', async (_, host, path, status, body, flags, details) => {
    const answer = await exchange(proxy.port, host, path);
    expect([answer.status, answer.body.toString(), answer.get('server')]).toEqual([status, body, 'weft']);
    const line = JSON.parse(await proxy.accessLogLine(`"${path}"`)) as Record<string, unknown>;
    expect([line['response_code'], line['response_flags'] ?? '', line['response_code_details']]).toEqual([
      status,
      flags === '' ? '-' : flags,
      details,
    ]);
    expect([line['authority'], line['method'], line['bytes_sent']]).toEqual([host, 'GET', body.length]);
  });

  it('a client that goes away is logged with DC and no status', async () => {
    upstream.on('/ok-held', () => client.close());
    const client = await RawClient.connect(proxy.port);
    client.request('GET', 'web.example', '/ok-held');
    const line = JSON.parse(await proxy.accessLogLine('"/ok-held"')) as Record<string, unknown>;
    expect([line['response_code'], line['response_flags'], line['response_code_details']]).toEqual([
      0,
      'DC',
      'downstream_remote_disconnect',
    ]);
  });

  it('a gRPC client gets every failure as HTTP 200 with a status of gRPC', async () => {
    const answer = await exchange(proxy.port, 'empty.example', '/pkg.Service/Call', {
      method: 'POST',
      fields: 'content-type: application/grpc\r\n',
      body: '',
    });
    expect([answer.status, answer.get('grpc-status'), answer.get('grpc-message'), answer.get('content-type')]).toEqual([
      200,
      '14',
      'no healthy upstream',
      'application/grpc',
    ]);
  });

  it('HEAD gets the head only', async () => {
    const client = await RawClient.connect(proxy.port);
    client.request('HEAD', 'empty.example', '/head');
    const answer = await client.read('HEAD');
    expect([answer.status, answer.get('content-length')]).toEqual([503, '19']);
    client.request('GET', 'web.example', '/ok');
    expect((await client.read()).body.toString()).toBe('hello');
    client.close();
  });

  it('a failure with a request body under way leaves the connection in order', async () => {
    const client = await RawClient.connect(proxy.port);
    client.request('POST', 'empty.example', '/posted', 'content-length: 6\r\n');
    client.send('abc');
    expect((await client.read()).status).toBe(503);
    client.send('def');
    client.request('GET', 'web.example', '/ok');
    const next = await client.read();
    // Either the rest of the body was taken as such, or the connection was closed: never a request made of body bytes.
    expect([next.status, next.brokenAt]).toSatisfy(
      (seen: unknown[]) => (seen[0] === 200 && seen[1] === null) || seen[1] === 'head',
    );
    client.close();
  });
});

describe('response header operations of a route', () => {
  it('apply to failures as well', async () => {
    const answer = await exchange(plain.port, 'down.example', '/');
    expect([answer.status, answer.get('x-route'), answer.get('x-code')]).toEqual([503, 'yes', '503']);
  });
});

describe('reasons', () => {
  it('name the nearest miss of a request that no route takes', async () => {
    const told = (await exchange(proxy.port, 'web.example', '/nowhere', { method: 'DELETE' })).get('x-weft-reason');
    expect(told).toMatch(
      /^no_route no route of virtual host web\.example:\d+ matches; nearest: VirtualService\/.*:\d+: path /,
    );
    const unknown = (await exchange(proxy.port, 'unknown.example', '/')).get('x-weft-reason');
    expect(unknown).toMatch(/^no_route no virtual host on listener /);
  });

  it('are told to the client only where that is switched on', async () => {
    const told = (await exchange(proxy.port, 'web.example', '/no-subset')).get('x-weft-reason');
    expect(told).toContain('cluster_not_found');
    expect(told).toContain('web-example');
    expect((await exchange(plain.port, 'web.example', '/no-subset')).get('x-weft-reason')).toBeUndefined();
    expect((await exchange(proxy.port, 'web.example', '/ok')).get('x-weft-reason')).toBeUndefined();
  });
});

describe('the text log', () => {
  it("has Istio's fields in Istio's order", async () => {
    upstream.on('/ok-logged', async (answer) => {
      await answer.body;
      answer.send(ok('five!'));
    });
    await exchange(plain.port, 'web.example', '/ok-logged?q', {
      method: 'POST',
      fields: 'user-agent: tester\r\nx-forwarded-for: 10.0.0.1\r\n',
      body: 'four',
    });
    const line = await plain.accessLogLine('/ok-logged');
    expect(line).toMatch(
      new RegExp(
        '^\\[\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\\] "POST /ok-logged\\?q HTTP/1\\.1" 200 - via_upstream - "-" 4 5 \\d+ \\d+ ' +
          '"10\\.0\\.0\\.1, ?127\\.0\\.0\\.1" "tester" "[0-9a-f-]{36}" "web\\.example" ' +
          `"127\\.0\\.0\\.1:${upstream.port}" outbound\\|8000\\|\\|web\\.example 127\\.0\\.0\\.1:\\d+ 127\\.0\\.0\\.1:${plain.port} 127\\.0\\.0\\.1:\\d+ - named$`,
      ),
    );
  });
});
