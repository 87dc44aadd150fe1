// SPDX-License-Identifier: Apache-2.0
/** A folder -> the one certificate (P-256, for perf.example) that all proxies of a run show; made when it is first asked for. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Authority } from '../../test/support/certificates.js';
import type { ServerCertificate } from '../peers/contract.js';

export function certificateIn(directory: string): ServerCertificate {
  const files = {
    certificate: join(directory, 'server.crt'),
    privateKey: join(directory, 'server.key'),
    both: join(directory, 'server.pem'),
  };
  if (existsSync(files.both)) return files;
  const { certificate, privateKey } = new Authority('Weft perf').issue({
    commonName: 'perf.example',
    dnsNames: ['perf.example'],
  });
  writeFileSync(files.certificate, certificate);
  writeFileSync(files.privateKey, privateKey);
  writeFileSync(files.both, certificate + privateKey);
  return files;
}
