// SPDX-License-Identifier: Apache-2.0
/** The engine's parser beside llhttp: what both take for requests must be the same requests, ending at the same bytes. */
import { expect, it } from 'vitest';
import { EngineReader } from './engine-reader.js';
import { generateRequests } from './generate-message.js';
import { readRequestsByLlhttp } from './llhttp-reader.js';
import type { ReadStream } from './read-stream.js';
import { runInputs } from './run-inputs.js';

interface Stricter {
  /** llhttp's codes. */
  readonly codes: readonly string[];
  /** What in the stream explains them. */
  readonly pattern: RegExp;
}

/** Where llhttp or Node refuse what Weft takes, with good reason to take it. */
const STRICTER: readonly Stricter[] = [
  // Unknown methods, heads beyond 16 KiB, extensions beyond theirs, and CONNECT, which Node leaves to a listener.
  { codes: ['HPE_INVALID_METHOD', 'HPE_HEADER_OVERFLOW', 'HPE_CHUNK_EXTENSIONS_OVERFLOW', 'CONNECT'], pattern: /^/ },
  // A trailer is no framing to Weft, and is dropped; llhttp takes it at its word.
  {
    codes: ['HPE_INVALID_TRANSFER_ENCODING', 'HPE_INVALID_CONTENT_LENGTH', 'HPE_UNEXPECTED_CONTENT_LENGTH'],
    pattern: /\r\n0+[ \t]*(;[^\n]*)?\r\n([^\r\n]+\r\n)*(content-length|transfer-encoding):/i,
  },
  // White space around the signs of an extension, which recipients have to accept (RFC 9112 7.1.1).
  {
    codes: ['HPE_INVALID_CHUNK_SIZE', 'HPE_STRICT', 'HPE_INVALID_CONSTANT'],
    pattern: /[0-9a-f][ \t]+;|;[^\r\n]*[ \t"]/i,
  },
  // A tab behind the number is white space around a value (RFC 9110 5.5).
  { codes: ['HPE_INVALID_CONTENT_LENGTH'], pattern: /content-length:[^\r\n]*\t/i },
];

function isStricter(code: string, input: string): boolean {
  return STRICTER.some(({ codes, pattern }) => codes.includes(code) && pattern.test(input));
}

function compare(input: string, engine: ReadStream, llhttp: ReadStream): string | undefined {
  const common = Math.min(engine.requests.length, llhttp.requests.length);
  for (let index = 0; index < common; index++) {
    const [ours, theirs] = [JSON.stringify(engine.requests[index]), JSON.stringify(llhttp.requests[index])];
    if (ours !== theirs) return `another request: ${ours}, llhttp ${theirs}`;
  }
  const counts = `${engine.requests.length} ${engine.end}, llhttp ${llhttp.requests.length} ${llhttp.end} ${llhttp.code ?? ''}`;
  if (engine.requests.length > common && !isStricter(llhttp.code ?? '', input))
    return `more requests than llhttp: ${counts}`;
  if (llhttp.requests.length > common && engine.end !== 'refused') return `fewer requests, but not refused: ${counts}`;
  return undefined;
}

it('agrees with llhttp on the requests in a stream, however it is cut', async () => {
  const engine = new EngineReader();
  const count = await runInputs(generateRequests, async (input, random) => {
    const whole = engine.read(input);
    const pieceBytes = 1 + random.below(40);
    const pieces = engine.read(input, pieceBytes);
    if (JSON.stringify(whole) !== JSON.stringify(pieces)) {
      return `cut into pieces it means something else: ${pieceBytes} bytes, ${JSON.stringify([whole, pieces])}`;
    }
    return compare(input, whole, await readRequestsByLlhttp(input));
  });
  console.log(`parsers: ${count} inputs`);
  expect(count).toBeGreaterThan(0);
});
