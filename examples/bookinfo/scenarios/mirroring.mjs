// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export const title = 'v3 sees what v1 is asked, for the host with -shadow, and nobody sees its answers';
export const files = [
  'bookinfo-gateway.yaml',
  'destination-rule-all.yaml',
  'virtual-service-all-v1.yaml',
  'virtual-service-reviews-mirror-v3.yaml',
];

export async function run({ page, services }) {
  const shadow = services['reviews-v3'].requests;
  const before = shadow.length;
  for (let visit = 0; visit < 5; visit++) assert.equal((await page()).reviews.version, 'v1');
  for (let wait = 0; wait < 100 && shadow.length < before + 5; wait++) await sleep(20);
  assert.equal(shadow.length, before + 5);
  for (const request of shadow.slice(before)) assert.equal(request.headers.host, 'reviews-shadow:9080');
}
