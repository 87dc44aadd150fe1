// SPDX-License-Identifier: Apache-2.0
/** Match blocks with a statPrefix are counted by themselves, and go on counting after a change of the configuration. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { gateway, service, to, virtualService } from '../support/istio-yaml.js';
import { exchange } from '../support/raw-client.js';
import { RawUpstream } from '../support/raw-upstream.js';

const HOST = 'counted.example';
let upstream: RawUpstream;
let proxy: Gateway;

function config(extra: string): string[] {
  const match = (prefix: string, statPrefix: string): object => ({ uri: { prefix }, statPrefix });
  return [
    gateway(),
    service(HOST, [{ port: upstream.port }]),
    virtualService(HOST, [
      { match: [{ uri: { prefix: extra } }], directResponse: { status: 204 } },
      { match: [match('/a', 'first'), match('/b', 'first'), match('/c', 'second')], route: [to(HOST)] },
      { match: [{ uri: { prefix: '/gone' }, statPrefix: 'second' }], directResponse: { status: 410 } },
      { route: [to(HOST)] },
    ]),
  ];
}

beforeAll(async () => {
  upstream = await RawUpstream.start();
  proxy = await startGateway({ config: config('/none'), threads: 2 });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

const count = async (route: string, labels: Record<string, string> = {}, name = 'upstream_rq'): Promise<number> =>
  (await proxy.metrics()).sum(`envoy_vhost_route_${name}`, { virtual_host: `${HOST}:80`, route, ...labels });

it('counts each prefix by status, over all threads and after a reload', async () => {
  for (const path of ['/a', '/b', '/a', '/c', '/gone', '/other']) await exchange(proxy.port, HOST, path);
  expect([await count('first'), await count('second')]).toEqual([3, 2]);
  expect(await count('second', { response_code: '410' })).toBe(1);
  expect(await count('second', { response_code_class: '2' }, 'upstream_rq_xx')).toBe(1);
  expect(await (await fetch(`${proxy.adminUrl}/stats`)).text()).toContain(
    `vhost.${HOST}:80.route.first.upstream_rq_200: 3`,
  );
  await proxy.writeConfig(config('/new'));
  await eventually('the new configuration is live', async () =>
    (await exchange(proxy.port, HOST, '/new')).status === 204 ? true : undefined,
  );
  await exchange(proxy.port, HOST, '/b');
  expect(await count('first', {}, 'upstream_rq_completed')).toBe(4);
});
