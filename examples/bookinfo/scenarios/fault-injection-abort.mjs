// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'ratings answer 500 to jason without being asked, and serve others';
export const files = [
  'bookinfo-gateway.yaml',
  'destination-rule-all.yaml',
  'virtual-service-all-v1.yaml',
  'virtual-service-reviews-v2.yaml',
  'virtual-service-ratings-test-abort.yaml',
];

export async function run({ page, services }) {
  const before = services['ratings-v1'].requests.length;
  assert.equal((await page({ 'end-user': 'jason' })).reviews.reviews[0].rating.error, 500);
  assert.equal(services['ratings-v1'].requests.length, before);
  assert.equal((await page()).reviews.reviews[0].rating.Reviewer1, 5);
}
