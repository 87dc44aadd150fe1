// SPDX-License-Identifier: Apache-2.0
/**
 * Chunks of a connection -> how many requests ended in them. Counting is all the origin needs: bodies are skipped, by their
 * content-length or by the terminating chunk.
 */

const HEAD_END = Buffer.from('\r\n\r\n');
/** Bodies of the suite are text without this sequence, so finding it is enough to see the end of a chunked body. */
const CHUNKED_END = Buffer.from('\r\n0\r\n\r\n');
const LENGTH = /\r\ncontent-length: *(\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;
const NOTHING = Buffer.alloc(0);

/** What is left over between two chunks of a connection. */
export interface Framing {
  /** Body bytes still to come. */
  skipBytes: number;
  chunked: boolean;
  /** The beginning of a head, or the last bytes of a chunked body. */
  tail: Buffer;
}

export function newFraming(): Framing {
  return { skipBytes: 0, chunked: false, tail: NOTHING };
}

/** Requests whose last byte is in `chunk`; updates `framing`. The chunk is not kept. */
export function countRequests(framing: Framing, chunk: Buffer): number {
  let bytes = framing.tail.length === 0 ? chunk : Buffer.concat([framing.tail, chunk]);
  framing.tail = NOTHING;
  let count = 0;
  while (bytes.length > 0) {
    if (framing.skipBytes > 0) {
      const skipped = Math.min(framing.skipBytes, bytes.length);
      framing.skipBytes -= skipped;
      bytes = bytes.subarray(skipped);
      if (framing.skipBytes === 0) count++;
      continue;
    }
    const mark = framing.chunked ? CHUNKED_END : HEAD_END;
    const at = bytes.indexOf(mark);
    if (at < 0) {
      // A head is kept whole; of a chunked body only what may be the beginning of its end.
      const kept = framing.chunked ? bytes.subarray(Math.max(0, bytes.length - CHUNKED_END.length + 1)) : bytes;
      framing.tail = Buffer.from(kept);
      return count;
    }
    const end = at + mark.length;
    if (framing.chunked) {
      framing.chunked = false;
      count++;
    } else if (isBodyless(bytes)) {
      count++;
    } else {
      const head = bytes.toString('latin1', 0, end);
      framing.skipBytes = Number(LENGTH.exec(head)?.[1] ?? 0);
      framing.chunked = CHUNKED.test(head);
      // An empty chunked body begins with its end, which lacks the line break that the head has already taken.
      if (framing.chunked) {
        bytes = bytes.subarray(end - 2);
        continue;
      }
      if (framing.skipBytes === 0) count++;
    }
    bytes = bytes.subarray(end);
  }
  return count;
}

/** GET, which nothing in the suite sends with a body: spares reading the head. */
function isBodyless(bytes: Buffer): boolean {
  return bytes[0] === 0x47 && bytes[1] === 0x45;
}
