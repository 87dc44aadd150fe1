// SPDX-License-Identifier: Apache-2.0
/**
 * Answers of a hostile upstream through a running proxy. The client gets one well-formed answer or none, what is passed on
 * as whole is what llhttp reads in the same bytes, and the client's next request gets its own answer.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { catchAllConfig } from '../conformance/request-runner.js';
import { deliver } from '../conformance/response-case.js';
import { AnsweringUpstream, observeResponse } from '../conformance/response-runner.js';
import type { ObservedResponse } from '../conformance/response-runner.js';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { generateResponse } from './generate-message.js';
import { isStricter } from './llhttp-differences.js';
import { readResponseByLlhttp } from './llhttp-reader.js';
import type { ReadResponse } from './llhttp-reader.js';
import { runInputs } from './run-inputs.js';

let upstream: AnsweringUpstream;
let proxy: Gateway;

beforeAll(async () => {
  upstream = await AnsweringUpstream.start();
  proxy = await startGateway({ config: catchAllConfig(upstream.port) });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

function judge(input: string, observed: ObservedResponse, reference: ReadResponse | undefined): string | undefined {
  if (observed.violation !== null) return `malformed to the client: ${observed.violation}`;
  if (observed.probeBody !== 'probed') return `the next request got another answer: ${observed.probeBody}`;
  if (observed.outcome === 'none') return 'no answer: the connection ended before one';
  if (observed.outcome !== 'delivered' || !observed.final) return undefined;
  const delivered = JSON.stringify({ status: observed.status, body: observed.final.body });
  if (isStricter(undefined, input)) return undefined;
  if (!reference) return `delivered what llhttp refuses: ${delivered}`;
  return JSON.stringify(reference) === delivered
    ? undefined
    : `delivered another answer: ${delivered}, llhttp ${JSON.stringify(reference)}`;
}

it('passes on of an upstream what llhttp reads, or refuses it', async () => {
  const count = await runInputs(generateResponse, async (input, random) => {
    const method = random.chance(0.15) ? 'HEAD' : 'GET';
    const reference = await readResponseByLlhttp(method, input);
    // Without an end of its own, the end of the connection has to be the answer's.
    const head = input.slice(0, input.indexOf('\r\n\r\n'));
    const isFramed = !/ 1\d\d/.test(head) && /\n(content-length|transfer-encoding):/i.test(head);
    const ends = reference !== undefined && isFramed && !isStricter(undefined, input);
    const testCase = deliver('', '', input, { method, closes: !ends || random.chance(0.3) });
    return judge(input, await observeResponse(proxy.port, upstream, testCase), reference);
  });
  console.log(`responses: ${count} inputs`);
  expect(count).toBeGreaterThan(0);
});
