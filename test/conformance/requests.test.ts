// SPDX-License-Identifier: Apache-2.0
/** The corpus of requests through a running proxy: each case gets exactly its outcome. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import { fieldValues } from '../support/strict-reader.js';
import type { RequestCase } from './message-case.js';
import { requestCorpus } from './request-corpus.js';
import { catchAllConfig, hostOf, observeRequest, RecordingUpstream } from './request-runner.js';
import type { Observed } from './request-runner.js';
import { uwsDifference } from './uws-differences.js';

const onUws = process.env['WEFT_FRONT'] === 'uws';
let upstream: RecordingUpstream;
let proxy: Gateway;

beforeAll(async () => {
  upstream = await RecordingUpstream.start();
  proxy = await startGateway({ config: catchAllConfig(upstream.port) });
});

afterAll(async () => {
  await proxy.stop();
  await upstream.stop();
});

async function observe(testCase: RequestCase, isBrief: boolean): Promise<Observed> {
  const lines = testCase.requests.length > 0 ? testCase.requests.map((request) => request.line) : [testCase.bytes];
  const methods = lines.map((line) => line.split(' ')[0] ?? '');
  const { bytes, halfClose } = testCase;
  const answers = testCase.end === 'refused' ? Infinity : testCase.requests.length + testCase.statuses.length;
  return observeRequest(proxy.port, upstream, bytes, {
    answers,
    halfClose,
    methods,
    probes: testCase.end !== 'waits',
    isBrief,
  });
}

/** Whatever the outcome, nothing malformed may leave the proxy and nothing hidden may be served. */
function expectNoHarm(observed: Observed): void {
  expect(observed.violations).toEqual([]);
  expect(observed.requests.map((request) => request.line)).not.toContain('GET /smuggled');
}

function isAsExpected(testCase: RequestCase, observed: Observed): boolean {
  const seen = observed.requests.map((request) => request.line).join();
  return observed.end === testCase.end && seen === testCase.requests.map((request) => request.line).join();
}

function expectOutcome(testCase: RequestCase, observed: Observed): void {
  const lines = testCase.requests.map((request) => request.line);
  expect([observed.end, observed.requests.map((request) => request.line)]).toEqual([testCase.end, lines]);
  // What uWebSockets.js refuses it answers with a status of its own.
  if (testCase.statuses.length > 0 && !onUws) expect(observed.statuses).toEqual(testCase.statuses);
  testCase.requests.forEach((wanted, index) => {
    const request = observed.requests[index];
    if (!request) return;
    if (wanted.body !== undefined) expect(request.body).toBe(wanted.body);
    if (wanted.host !== undefined) expect(hostOf(request)).toBe(wanted.host);
    for (const [name, value] of Object.entries(wanted.fields ?? {}))
      expect([name, ...fieldValues(request.message, name)]).toEqual(value === null ? [name] : [name, value]);
  });
}

describe.each(requestCorpus)('$title', ({ title, cases }) => {
  it.each([...cases])('$name ($section, $level)', async (testCase) => {
    const difference = onUws ? uwsDifference(title, testCase.name) : undefined;
    const observed = await observe(testCase, difference !== undefined);
    expectNoHarm(observed);
    if (difference && !isAsExpected(testCase, observed)) expect(difference.ends).toContain(observed.end);
    else if (!difference) expectOutcome(testCase, observed);
  });
});

describe('the corpus', () => {
  it('names each case once', () => {
    const names = requestCorpus.flatMap(({ title, cases }) => cases.map((testCase) => `${title}: ${testCase.name}`));
    expect(names).toHaveLength(new Set(names).size);
  });

  it('has messages to be served and messages to be refused in number', () => {
    const ends = requestCorpus.flatMap(({ cases }) => cases.map((testCase) => testCase.end));
    expect(ends.filter((end) => end === 'refused').length).toBeGreaterThan(200);
    expect(ends.filter((end) => end === 'open').length).toBeGreaterThan(80);
  });
});
