// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export const title = 'details serve one request, let one wait, and the breaker refuses the rest';
export const files = ['bookinfo-gateway.yaml', 'circuit-breaker.yaml'];

export async function run({ ask, services }) {
  const slow = { headers: { 'x-slow-ms': '1000' } };
  const { requests } = services['details-v1'];
  const before = requests.length;
  // While its connection is being opened, the first one is itself the one that waits.
  const first = ask('details:9080', '/details/0', slow);
  for (let wait = 0; wait < 200 && requests.length === before; wait++) await sleep(20);
  const others = Array.from({ length: 9 }, () => ask('details:9080', '/details/0', slow));
  const answers = await Promise.all([first, ...others]);
  const served = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503);
  assert.equal(served.length, 2);
  assert.equal(refused.length, 8);
  for (const { headers } of refused) assert.equal(headers['x-envoy-overloaded'], 'true');
  assert.equal((await ask('details:9080', '/details/0')).status, 200);
}
