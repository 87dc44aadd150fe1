// SPDX-License-Identifier: Apache-2.0
/**
 * Encoded tables <-> the bytes of a rules file: a fixed head that can be read without trusting the rest, then msgpackr of
 * the contents. The head's checksum covers everything behind it, so a file that was cut off or changed is told before
 * anything is unpacked.
 *
 *   0  8 bytes  magic `WEFTRULE`
 *   8  u32 LE   format version (of this envelope and of HostData)
 *  12  u32 LE   layout version (of the tables)
 *  16  u32 LE   length of the payload
 *  20  32 bytes SHA-256 of bytes 8..20 and the payload
 *  52           payload
 */
import { createHash } from 'node:crypto';
import { Packr } from 'msgpackr';
import { LAYOUT_VERSION } from '../../assembly/layout.js';
import type { SecretData } from '../model/secret-data.js';
import type { EncodedTables, HostData } from './encoded-tables.js';

/** Bumped when the head or HostData changes. */
export const RULES_FORMAT_VERSION = 2;

const MAGIC = 'WEFTRULE';
const FORMAT_AT = 8;
const LAYOUT_AT = 12;
const LENGTH_AT = 16;
const CHECKSUM_AT = 20;
const HEAD_LENGTH = 52;

/** What is said of a rules file. `created` is an ISO 8601 time; `source` names the configuration it was made from. */
export interface RulesMeta {
  readonly created: string;
  readonly source: string;
}

export interface UnpackedRules {
  readonly encoded: EncodedTables;
  readonly secrets: readonly SecretData[];
  readonly meta: RulesMeta;
}

interface Payload {
  readonly meta: RulesMeta;
  readonly tables: Uint8Array;
  readonly host: HostData;
  readonly secrets: readonly SecretData[];
}

/** Strings that repeat (origins, namespaces) are stored once; plain maps keep the file readable by any msgpack reader. */
const packr = new Packr({ useRecords: false, variableMapSize: true });

function checksum(head: Uint8Array, payload: Uint8Array): Buffer {
  return createHash('sha256').update(head.subarray(FORMAT_AT, CHECKSUM_AT)).update(payload).digest();
}

/** The bytes of a rules file. With `secrets` it holds private keys in the clear: whoever writes it keeps others from reading. */
export function packRules(
  { tables, host }: EncodedTables,
  meta: RulesMeta,
  secrets: readonly SecretData[] = [],
): Uint8Array {
  const payload = packr.pack({ meta, tables, host, secrets } satisfies Payload);
  const head = Buffer.alloc(HEAD_LENGTH);
  head.write(MAGIC, 'latin1');
  head.writeUInt32LE(RULES_FORMAT_VERSION, FORMAT_AT);
  head.writeUInt32LE(LAYOUT_VERSION, LAYOUT_AT);
  head.writeUInt32LE(payload.length, LENGTH_AT);
  checksum(head, payload).copy(head, CHECKSUM_AT);
  return Buffer.concat([head, payload]);
}

/** The contents of a rules file, or why it can't be used. The tables still go through verifyTable before use. */
export function unpackRules(bytes: Uint8Array): UnpackedRules | { readonly error: string } {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.length < HEAD_LENGTH || file.toString('latin1', 0, MAGIC.length) !== MAGIC) {
    return { error: 'this is not a rules file (it does not begin with WEFTRULE)' };
  }
  const format = file.readUInt32LE(FORMAT_AT);
  if (format !== RULES_FORMAT_VERSION) {
    return { error: `the rules file has format ${format}, this build reads ${RULES_FORMAT_VERSION}: compile it again` };
  }
  const layout = file.readUInt32LE(LAYOUT_AT);
  if (layout !== LAYOUT_VERSION) {
    return { error: `the rules file has table layout ${layout}, this build has ${LAYOUT_VERSION}: compile it again` };
  }
  const length = file.readUInt32LE(LENGTH_AT);
  const payload = file.subarray(HEAD_LENGTH);
  if (payload.length !== length) {
    return { error: `the rules file is ${payload.length} bytes behind its head where ${length} were written` };
  }
  if (!checksum(file, payload).equals(file.subarray(CHECKSUM_AT, HEAD_LENGTH))) {
    return { error: 'the checksum of the rules file is wrong: it was changed or damaged after it was written' };
  }
  const { meta, tables, host, secrets } = packr.unpack(payload) as Payload;
  return { encoded: { tables, host }, secrets, meta };
}
