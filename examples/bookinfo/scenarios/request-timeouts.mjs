// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'reviews give up after half a second, although ratings take two';
export const files = [
  'bookinfo-gateway.yaml',
  'destination-rule-all.yaml',
  'virtual-service-all-v1.yaml',
  'virtual-service-reviews-timeout.yaml',
];

export async function run({ page }) {
  const started = performance.now();
  const { status, reviews, details } = await page();
  const tookMs = performance.now() - started;
  assert.equal(status, 200);
  assert.deepEqual(reviews, { error: 504 });
  assert.equal(details.year, 1595);
  assert.ok(tookMs >= 490 && tookMs < 2000, `it took ${tookMs} ms`);
}
