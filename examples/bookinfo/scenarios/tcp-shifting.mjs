// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';

export const title = 'one in five connections goes to v2 (200 connections, within six standard deviations: 34)';
export const files = ['bookinfo-gateway.yaml', 'tcp-echo-20-v2.yaml'];

/** What the service answers to a word on a connection of its own. */
async function say(port, word) {
  const socket = net.connect({ host: '127.0.0.1', port });
  socket.end(word);
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString();
}

export async function run({ weft }) {
  const seen = { one: 0, two: 0 };
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => say(weft.ports.tcp, 'world')));
    for (const answer of answers) {
      const [version, word] = answer.split(' ');
      assert.equal(word, 'world');
      seen[version]++;
    }
  }
  assert.equal(seen.one + seen.two, 200);
  assert.ok(Math.abs(seen.two - 40) <= 34, `v2 was asked ${seen.two} times`);
}
