// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'ratings that fail twice are asked a third time, and nobody notices';
export const files = ['bookinfo-gateway.yaml', 'destination-rule-all.yaml', 'virtual-service-ratings-retry.yaml'];

export async function run({ ask }) {
  const good = await ask('ratings:9080', '/ratings/0', { headers: { 'x-fail-tries': '2' } });
  assert.equal(good.status, 200);
  assert.equal(JSON.parse(good.body).attempt, 3);
  const bad = await ask('ratings:9080', '/ratings/0', { headers: { 'x-fail-tries': '9' } });
  assert.equal(bad.status, 503);
}
