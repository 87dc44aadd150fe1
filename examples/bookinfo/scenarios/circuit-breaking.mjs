// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'details serve one request, let one wait, and the breaker refuses the rest';
export const files = ['bookinfo-gateway.yaml', 'circuit-breaker.yaml'];

export async function run({ ask }) {
  const slow = { headers: { 'x-slow-ms': '300' } };
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask('details:9080', '/details/0', slow)));
  const served = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 503);
  assert.equal(served.length, 2);
  assert.equal(refused.length, 8);
  for (const { headers } of refused) assert.equal(headers['x-envoy-overloaded'], 'true');
  assert.equal((await ask('details:9080', '/details/0')).status, 200);
}
