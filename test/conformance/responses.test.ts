// SPDX-License-Identifier: Apache-2.0
/** The corpus of responses through a running proxy: the client gets each as it must, and never a part of it as another's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { fieldValues } from '../support/strict-reader.js';
import { catchAllConfig } from './request-runner.js';
import type { ResponseCase } from './response-case.js';
import { responseCorpus } from './response-corpus.js';
import { AnsweringUpstream, observeResponse } from './response-runner.js';

const onUws = process.env['WEFT_FRONT'] === 'uws';
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

function expectFields(testCase: ResponseCase, values: (name: string) => string[]): void {
  for (const [name, value] of Object.entries(testCase.fields))
    expect([name, ...values(name)]).toEqual(value === null ? [name] : [name, value]);
}

describe.each(responseCorpus)('$title', ({ cases }) => {
  it.each([...cases])('$name ($section, $level)', async (testCase) => {
    const observed = await observeResponse(proxy.port, upstream, testCase);
    expect(observed.violation).toBeNull();
    // uWebSockets.js sends a head with the first byte of the body, so that a body broken before it leaves nothing to be seen.
    const isUnseen = onUws && testCase.outcome === 'broken' && observed.outcome === 'none';
    if (!isUnseen) expect(observed.outcome).toBe(testCase.outcome);
    if (testCase.outcome !== 'broken') expect(observed.status).toBe(testCase.status);
    if (testCase.outcome === 'delivered' && observed.final) {
      const { final } = observed;
      expect(final.body).toBe(testCase.body);
      expectFields(testCase, (name) => fieldValues(final, name));
    }
    // uWebSockets.js writes no interim answers; docs/FRONTS.md.
    if (!onUws) expect(observed.interim).toEqual(testCase.interim);
    // Either way the next request of the client gets its own answer.
    expect(observed.probeBody).toBe('probed');
  });
});
