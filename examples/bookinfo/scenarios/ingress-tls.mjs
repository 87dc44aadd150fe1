// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { get } from '../services.mjs';

export const title = 'the gateway serves https with the certificate of a Secret, and sends http there';
export const files = ['bookinfo-gateway-tls.yaml'];

const pem = (name) => readFileSync(new URL(`../tls/${name}`, import.meta.url), 'utf8');

export function more() {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'bookinfo-credential' },
    type: 'kubernetes.io/tls',
    stringData: { 'tls.crt': pem('certificate.pem'), 'tls.key': pem('key.pem') },
  };
  return { extra: JSON.stringify(secret) };
}

export async function run({ weft }) {
  const { http, https: port } = weft.ports;
  const headers = { host: 'bookinfo.example' };
  const redirect = await get({ port: http, path: '/productpage', headers });
  assert.deepEqual([redirect.status, redirect.headers.location], [301, 'https://bookinfo.example/productpage']);
  const answer = await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/productpage', headers, agent: false };
    const tls = { ca: pem('authority.pem'), servername: 'bookinfo.example' };
    https
      .get({ ...options, ...tls }, (response) => {
        response
          .resume()
          .on('end', () => resolve({ status: response.statusCode, subject: response.socket.authorized }));
      })
      .on('error', reject);
  });
  assert.equal(answer.status, 200);
}
