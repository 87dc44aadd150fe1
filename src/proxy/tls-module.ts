// SPDX-License-Identifier: Apache-2.0
/** node:tls, loaded when first asked for: threads that serve plaintext only do without it. */
import type tls from 'node:tls';

export function loadTls(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
