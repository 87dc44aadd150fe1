// SPDX-License-Identifier: Apache-2.0
/** The rules of a Secret that a table cannot say. Whether certificates are good is asked where one is used. */
import type { Draft, Place } from './findings.js';
import type { SecretSpec } from './types.js';

const BASE64 = /^[A-Za-z0-9+/\s]*=?\s*=?\s*$/;

export function checkSecret(spec: Draft<SecretSpec>, place: Place): void {
  for (const [key, value] of Object.entries(spec.data ?? {})) {
    if (value === undefined || BASE64.test(value)) continue;
    const hint = 'Encode the value, or use stringData.';
    place.at('data', key).report('invalid-base64', `is not base64 (${key})`, hint);
  }
}
