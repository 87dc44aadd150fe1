// SPDX-License-Identifier: Apache-2.0
/**
 * Rule tables <-> files: what `weft compile` writes, `weft proxy --rules` reads, and a running proxy keeps in its state
 * folder, so that it can start with its last good tables while its configuration source is away.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { SecretData } from '../model/secret-data.js';
import { packRules, unpackRules } from '../rules/envelope.js';
import type { EncodedTables } from '../rules/encoded-tables.js';

/** Name of the file in the state folder. */
const LAST_GOOD_FILE = 'last-good.weft';

export type ReadRulesResult =
  | { readonly ok: true; readonly encoded: EncodedTables; readonly secrets: readonly SecretData[] }
  | { readonly ok: false; readonly reason: string };

/**
 * Written beside the target, flushed and renamed, so that a crash leaves the old file or the new one. Only
 * its owner may read it, since it may hold private keys. Rejects on I/O errors.
 */
export async function writeRules(
  file: string,
  encoded: EncodedTables,
  source: string,
  secrets: readonly SecretData[] = [],
): Promise<void> {
  const bytes = packRules(encoded, { created: new Date().toISOString(), source }, secrets);
  const temporary = `${file}.${process.pid}.tmp`;
  const handle = await open(temporary, 'w', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}

export async function readRules(file: string): Promise<ReadRulesResult> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    return { ok: false, reason: `cannot read ${file}: ${messageOf(error)}` };
  }
  const unpacked = unpackRules(bytes);
  if ('error' in unpacked) return { ok: false, reason: `${file}: ${unpacked.error}` };
  return { ok: true, encoded: unpacked.encoded, secrets: unpacked.secrets };
}

/** Where the last good tables lie in a state folder. */
export function lastGoodPath(stateDir: string): string {
  return join(stateDir, LAST_GOOD_FILE);
}

export async function saveLastGood(
  stateDir: string,
  encoded: EncodedTables,
  source: string,
  secrets: readonly SecretData[],
): Promise<void> {
  const file = lastGoodPath(stateDir);
  await mkdir(dirname(file), { recursive: true });
  await writeRules(file, encoded, source, secrets);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
