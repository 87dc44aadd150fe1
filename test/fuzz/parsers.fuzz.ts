// SPDX-License-Identifier: Apache-2.0
/** The engine's parser beside llhttp: what both take for requests must be the same requests, ending at the same bytes. */
import { expect, it } from 'vitest';
import { EngineReader } from './engine-reader.js';
import { generateRequests } from './generate-message.js';
import { isStricter } from './llhttp-differences.js';
import { readRequestsByLlhttp } from './llhttp-reader.js';
import type { ReadStream } from './read-stream.js';
import { runInputs } from './run-inputs.js';

function compare(input: string, engine: ReadStream, llhttp: ReadStream): string | undefined {
  const common = Math.min(engine.requests.length, llhttp.requests.length);
  for (let index = 0; index < common; index++) {
    const [ours, theirs] = [JSON.stringify(engine.requests[index]), JSON.stringify(llhttp.requests[index])];
    if (ours !== theirs) return `another request: ${ours}, llhttp ${theirs}`;
  }
  const counts = `${engine.requests.length} ${engine.end}, llhttp ${llhttp.requests.length} ${llhttp.end} ${llhttp.code ?? ''}`;
  if (engine.requests.length > common && !isStricter(llhttp.code ?? '', input))
    return `more requests than llhttp: ${counts}`;
  const isStopped = engine.end === 'refused' || engine.end === 'closed';
  if (llhttp.requests.length > common && !isStopped) return `fewer requests, but not refused: ${counts}`;
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
