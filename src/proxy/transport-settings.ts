// SPDX-License-Identifier: Apache-2.0
/** A cluster's TLS settings -> a key that is equal where connections are opened alike. */
import type { UpstreamTls } from '../model/model.js';

/** '' for plaintext; where a setting stands in a file does not count. */
export function settingsKeyOf(settings: UpstreamTls | undefined): string {
  if (settings === undefined) return '';
  const { certificate, verifiesServer, authorities, sni, subjectAltNames } = settings;
  return JSON.stringify([certificate, verifiesServer, authorities, sni, subjectAltNames]);
}
