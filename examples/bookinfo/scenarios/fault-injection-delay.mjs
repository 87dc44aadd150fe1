// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'ratings take 0.7 seconds for jason, and no time for others';
export const files = [
  'bookinfo-gateway.yaml',
  'destination-rule-all.yaml',
  'virtual-service-all-v1.yaml',
  'virtual-service-reviews-v2.yaml',
  'virtual-service-ratings-test-delay.yaml',
];

export async function run({ page }) {
  const started = performance.now();
  const slow = await page({ 'end-user': 'jason' });
  assert.equal(slow.reviews.reviews[0].rating.Reviewer1, 5);
  assert.ok(performance.now() - started >= 690);
  assert.equal((await page()).reviews.reviews[0].rating.Reviewer1, 5);
}
