// SPDX-License-Identifier: Apache-2.0
/**
 * Streams of requests through a running proxy to real servers behind it. What the proxy takes for N requests must be N to
 * each of them; each request that is taken gets one answer; the proxy survives and keeps nothing.
 */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { catchAllConfig } from '../conformance/request-runner.js';
import { eventually, startGateway } from '../support/gateway.js';
import type { Gateway } from '../support/gateway.js';
import type { RandomSource } from '../support/random.js';
import { responseHeadReader, StrictReader } from '../support/strict-reader.js';
import { EngineReader } from './engine-reader.js';
import { generateRequests } from './generate-message.js';
import { essence, startPeer } from './peers.js';
import type { Peer } from './peers.js';
import type { ReadStream } from './read-stream.js';
import { runInputs } from './run-inputs.js';
import { fuzzSettings } from './settings.js';
import { Tap } from './tap.js';

const PATIENCE_MS = 1500;
const STEP_MS = 1;

const engine = new EngineReader();
let peers: Peer[] = [];
let tap: Tap;
let proxy: Gateway;

beforeAll(async () => {
  for (const name of fuzzSettings().peers) peers.push(await startPeer(name));
  tap = await Tap.start(peers);
  proxy = await startGateway({ config: catchAllConfig(tap.port) });
});

afterAll(async () => {
  await proxy.stop();
  await tap.stop();
  for (const peer of peers) await peer.stop();
  peers = [];
});

interface Answers {
  readonly statuses: readonly number[];
  readonly closed: boolean;
  readonly violation: string | null;
}

/** Sends the bytes in up to three pieces and waits for as many answers as are due, or the end. */
async function send(input: string, read: ReadStream, random: RandomSource): Promise<Answers> {
  const methods = read.requests.map((request) => request.method);
  const client = new StrictReader(responseHeadReader(() => methods.shift() ?? 'GET'));
  const due = read.requests.length + (read.end === 'refused' ? 1 : 0);
  const statuses = (): number[] =>
    client.messages.map((message) => Number(message.startLine.slice(9, 12))).filter((status) => status >= 200);
  let closed = false;
  const socket = net.connect({ port: proxy.port, host: '127.0.0.1', noDelay: true });
  const onEnd = (): void => {
    if (!closed) client.end();
    closed = true;
  };
  socket
    .on('error', () => undefined)
    .on('end', onEnd)
    .on('close', onEnd);
  socket.on('data', (chunk) => client.push(chunk));
  for (let rest = input, cuts = random.below(3); rest !== ''; cuts--) {
    const length = cuts > 0 ? 1 + random.below(rest.length) : rest.length;
    socket.write(rest.slice(0, length), 'latin1');
    rest = rest.slice(length);
    if (rest !== '') await sleep(STEP_MS);
  }
  // A head that came in pieces is looked at again when a line has ended.
  if (read.end === 'refused' && !input.endsWith('\n')) socket.write('\r\n');
  const deadline = performance.now() + PATIENCE_MS;
  const lasts = read.end === 'refused' || read.end === 'closed';
  while (!closed && (lasts || statuses().length < due) && performance.now() < deadline) await sleep(STEP_MS);
  socket.destroy();
  return { statuses: statuses(), closed, violation: client.violation };
}

function judge(read: ReadStream, answers: Answers, forwarded: readonly string[]): string | undefined {
  const { statuses, closed, violation } = answers;
  if (violation !== null) return `malformed to the client: ${violation}`;
  const due = read.requests.length + (read.end === 'refused' ? 1 : 0);
  const described = `${statuses.join()} for ${read.requests.length} ${read.end}, ${closed ? 'closed' : 'open'}`;
  // A request can be refused before its body is there.
  const early = read.end === 'incomplete' && (statuses.at(-1) ?? 0) >= 400 ? 1 : 0;
  if (statuses.length > due + early) return `more answers than requests: ${described}`;
  // Requests that the proxy answers itself may end the connection before its time.
  const isEndedByError = closed && (statuses.at(-1) ?? 0) >= 400;
  const isCutInBody = closed && read.end === 'refused';
  if (statuses.length < due && !isEndedByError && !isCutInBody) return `fewer answers than requests: ${described}`;
  const whole = read.requests.map((request) => essence(request.method, request.body));
  for (const request of forwarded) {
    const place = whole.indexOf(request);
    if (place < 0) return `forwarded what the engine does not see: ${request}`;
    whole.splice(0, place + 1);
  }
  return undefined;
}

it('counts requests as each server behind the proxy counts them', async () => {
  let requests = 0;
  const count = await runInputs(generateRequests, async (input, random) => {
    if (input === '') return undefined;
    const read = engine.read(input);
    const answers = await send(input, read, random);
    const forwarded = tap.requests();
    requests += forwarded.length;
    const fault = (await tap.settle()) ?? judge(read, answers, forwarded);
    return proxy.log().includes('"bug"') ? `the proxy reports a bug: ${proxy.log().slice(-500)}` : fault;
  });
  console.log(`proxy before ${peers.map((peer) => peer.name).join(', ')}: ${count} inputs, ${requests} requests`);
  // Inputs that are all refused would show nothing.
  expect(requests).toBeGreaterThan(count / 4);
  // Nothing may be left of them.
  const active = async (): Promise<number> => (await proxy.metrics()).sum('weft_thread_active_requests');
  expect(await eventually('no request is active', async () => ((await active()) === 0 ? 0 : undefined))).toBe(0);
});
