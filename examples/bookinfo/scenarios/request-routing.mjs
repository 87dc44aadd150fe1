// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'everybody gets reviews v1, and jason v2';
export const files = [
  'bookinfo-gateway.yaml',
  'destination-rule-all.yaml',
  'virtual-service-all-v1.yaml',
  'virtual-service-reviews-test-v2.yaml',
];

export async function run({ page }) {
  for (let visit = 0; visit < 6; visit++) {
    assert.equal((await page()).reviews.version, 'v1');
    const { reviews } = await page({ 'end-user': 'jason' });
    assert.equal(reviews.version, 'v2');
    assert.equal(reviews.reviews[0].rating.color, 'black');
  }
  assert.equal((await page()).details.author, 'William Shakespeare');
}
