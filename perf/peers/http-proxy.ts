// SPDX-License-Identifier: Apache-2.0
/**
 * The npm package http-proxy as a peer. It has no routes of its own: its program finds exact paths and header values in a
 * Map, and walks prefixes and regular expressions in rule order until one matches.
 */
import { onlyPlainHttp1 } from './contract.js';
import { npmPeer } from './npm-server.js';

export const httpProxy = npmPeer({
  name: 'http-proxy',
  program: 'http-proxy.mjs',
  packages: ['http-proxy'],
  unsupported: onlyPlainHttp1,
});
