// SPDX-License-Identifier: Apache-2.0
// The work file that the adapter writes -> what both servers need besides routing: the pick of an upstream, the headers that
// go upstream, the access log, and worker processes where more than one is asked for.
import cluster from 'node:cluster';
import { randomUUID } from 'node:crypto';
import { createWriteStream, readFileSync } from 'node:fs';

/** { port, threads, routes, shares, limit, accessLogFile }, see buildWorkFile in perf/peers/npm-config.ts. */
export const work = JSON.parse(readFileSync(process.argv[2], 'utf8'));

/** Runs `serve` here for one thread; else in that many processes behind one listening socket. */
export function serveOnThreads(serve) {
  if (work.threads === 1 || cluster.isWorker) return serve();
  for (let index = 0; index < work.threads; index++) cluster.fork();
  process.on('SIGTERM', () => process.exit(0));
}

/** Keeps the client's id; appends to the addresses that are there already. */
export function addForwardingHeaders(headers, address) {
  headers['x-request-id'] ??= randomUUID();
  headers['x-forwarded-for'] = headers['x-forwarded-for'] ? `${headers['x-forwarded-for']}, ${address}` : address;
  headers['x-forwarded-proto'] = 'http';
}

const totalWeight = work.shares.reduce((sum, { weight }) => sum + weight, 0);

/** The index of an upstream, at random by weight. */
export function pickUpstream() {
  if (work.shares.length === 1) return 0;
  let rest = Math.random() * totalWeight;
  const index = work.shares.findIndex(({ weight }) => (rest -= weight) < 0);
  return index === -1 ? 0 : index;
}

const activeCounts = work.shares.map(() => 0);

/** Counts a request to an upstream; false when its limit is reached. Always true without a breaker. */
export function enterUpstream(index) {
  if (work.limit === null) return true;
  if (activeCounts[index] >= work.limit) return false;
  activeCounts[index]++;
  return true;
}

/** Once for each request that entered. */
export function leaveUpstream(index) {
  if (work.limit !== null) activeCounts[index]--;
}

/** A stream to append lines to; null without an access log. */
export const accessLog = work.accessLogFile === null ? null : createWriteStream(work.accessLogFile, { flags: 'a' });
