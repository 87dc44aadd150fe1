// SPDX-License-Identifier: Apache-2.0
/**
 * node:tls, loaded when first asked for: a thread that serves plaintext only does without it, which the changes/ note on
 * memory has the measure of.
 */
import type tls from 'node:tls';

export function loadTls(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
