// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';

export const title = 'half of the visits see reviews v3 (200 visits, within six standard deviations: 42)';
export const files = [
  'bookinfo-gateway.yaml',
  'destination-rule-all.yaml',
  'virtual-service-all-v1.yaml',
  'virtual-service-reviews-50-v3.yaml',
];

export async function run({ page }) {
  const seen = { v1: 0, v3: 0 };
  for (let round = 0; round < 20; round++) {
    for (const { reviews } of await Promise.all(Array.from({ length: 10 }, () => page()))) seen[reviews.version]++;
  }
  assert.equal(seen.v1 + seen.v3, 200);
  assert.ok(Math.abs(seen.v3 - 100) <= 42, `v3 was seen ${seen.v3} times`);
}
