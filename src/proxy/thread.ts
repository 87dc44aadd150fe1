// SPDX-License-Identifier: Apache-2.0
/**
 * The entry of a data-path thread: attaches to the shared memory, opens the fronts that the main thread asks for, and
 * ends only after its uWebSockets.js apps are closed, because a thread that ends while one is open aborts the process.
 */
import { BroadcastChannel, parentPort, workerData } from 'node:worker_threads';
import { Engine } from '../engine/engine.js';
import { Logger } from '../telemetry/log.js';
import { AccessLog } from './access-log-entry.js';
import { DataPath } from './data-path.js';
import { loadUws } from './fronts/uws-module.js';
import type { FrontListener } from './fronts/front-listener.js';
import { UwsListener } from './fronts/uws-front.js';
import { AcceptBalance } from './fronts/accept-balance.js';
import type { AdmittedClient } from './fronts/listener-clients.js';
import { ConnectionStart } from './fronts/connection-start.js';
import { SourceTable } from './fronts/source-table.js';
import { TlsAcceptor } from './fronts/tls-acceptor.js';
import { canReusePort, WireListener } from './fronts/wire-front.js';
import type { FromThread, ListenerWish, ListenFailure, ThreadData, ToThread } from './messages.js';
import type { CapacityMessage } from './contracts.js';
import { trimHeap } from './trim-heap.js';

/** A thread that met an error nobody caught serves until its replacement does, but no longer than this. */
const REPLACEMENT_WAIT_MS = 5000;
/**
 * A thread that ends has had no request for this long: a client that has just got an answer without `connection: close`
 * sends its next request into a connection that must not be gone (RFC 9112 9.6).
 */
const QUIET_MS = 100;

if (!parentPort) throw new Error('thread.ts runs as a worker thread only');
const port = parentPort;
const data = workerData as ThreadData;
const say = (message: FromThread): void => port.postMessage(message);

/** Sends its lines to the main thread, where the level is decided. */
class RelayLogger extends Logger {
  constructor() {
    super('trace', () => undefined);
  }

  override log(...[level, component, message, fields]: Parameters<Logger['log']>): void {
    say({ kind: 'log', level, component, message, fields: { thread: data.index, ...fields } });
  }
}

/** The batch's memory goes to the main thread with it. */
function sendLines(lines: Uint8Array<ArrayBuffer>, count: number): void {
  port.postMessage({ kind: 'access-log', lines, count } satisfies FromThread, [lines.buffer]);
}

const logger = new RelayLogger();
const engine = new Engine(data.module, data.memory);
engine.attach(data.index);
const others = new BroadcastChannel(data.channel);
others.unref();

const path = new DataPath({
  engine,
  logger,
  limits: data.limits,
  exposeReasons: data.exposeReasons,
  ...(data.accessLog ? { accessLog: new AccessLog(data.accessLog, sendLines) } : {}),
  tellOthers: (message) => others.postMessage(message),
});
others.onmessage = path.guard((event: unknown) => path.upstreams.onCapacity((event as { data: CapacityMessage }).data));
const acceptor = new TlsAcceptor(path, data.ticketSecret);
const start = new ConnectionStart(path, acceptor);
for (const generation of data.generations) path.addGeneration(generation);
if (data.currentSlot >= 0) useGeneration(data.currentSlot);

const balance = new AcceptBalance(engine);
const newListener = chooseFront();
const listeners = new Map<string, FrontListener>();
/** Closed to new connections; their open ones are closed when the thread has drained. */
const retired = new Set<FrontListener>();
/** Wishes are met one after the other, or two of them would open the same port. */
let listening = Promise.resolve();
let ending = false;
/** Ends a drain before its time; null when none is under way. */
let endDrain: (() => void) | null = null;

function useGeneration(slot: number): void {
  const generation = path.useGeneration(slot);
  if (generation === undefined) return;
  acceptor.use(generation);
  start.use(generation);
}

/** What makes a listener; null where another thread serves the ports alone. */
function chooseFront(): ((wish: ListenerWish) => FrontListener) | null {
  const everyone = new SourceTable<AdmittedClient>();
  const newWire = (wish: ListenerWish): FrontListener =>
    new WireListener(path, path.upstreams, everyone, balance, start, wish);
  if (data.front !== 'uws') {
    if (data.portSharing === 'one-thread' && data.place > 0) return null;
    return newWire;
  }
  const uws = loadUws();
  if (uws.ok) return (wish) => (wish.needsWire ? newWire(wish) : new UwsListener(path, uws.module, wish.name));
  return (wish) => {
    if (wish.needsWire) return newWire(wish);
    throw new Error(`uWebSockets.js did not load: ${uws.reason}`);
  };
}

/** Beside uWebSockets.js nobody shares the port of a wire listener, where Node.js itself can't: one thread has it alone. */
function servesHere({ needsWire }: ListenerWish): boolean {
  return !needsWire || data.front !== 'uws' || canReusePort() || data.place === 0;
}

async function listen(request: number, wishes: readonly ListenerWish[]): Promise<void> {
  const failures: ListenFailure[] = [];
  const wanted = new Set(wishes.map((wish) => wish.name));
  for (const [name, listener] of listeners) {
    if (wanted.has(name)) continue;
    listener.stopAccepting();
    listeners.delete(name);
    retired.add(listener);
  }
  for (const wish of wishes) {
    if (newListener === null || listeners.has(wish.name) || ending || !servesHere(wish)) continue;
    try {
      const listener = newListener(wish);
      await listener.listen(wish);
      listeners.set(wish.name, listener);
      balance.setAccepting(true);
    } catch (error) {
      failures.push({ name: wish.name, error: error instanceof Error ? error.message : String(error) });
    }
  }
  say({ kind: 'listening', request, failures });
}

/** Closes everything and lets the thread end by itself. */
function end(): void {
  for (const listener of [...listeners.values(), ...retired]) listener.close();
  listeners.clear();
  retired.clear();
  path.upstreams.closeAll();
  path.timers.close();
  path.close();
  others.close();
  // The port keeps the thread alive; everything that could abort the process is closed now.
  setImmediate(() => port.close());
}

/** Stops accepting; ends when no request has come for a moment, or after `drainMs`. */
function drain(drainMs: number): void {
  if (ending) return;
  ending = true;
  // First the ports: clients that are told to close connect again at once, and must not get in line here.
  for (const listener of listeners.values()) listener.stopAccepting();
  balance.setAccepting(false);
  path.draining = true;
  path.upstreams.closeIdle();
  let quiet: NodeJS.Timeout | undefined;
  const finish = (): void => {
    path.onIdle = null;
    endDrain = null;
    clearTimeout(limit);
    clearTimeout(quiet);
    // The last response may still be in the library's buffers.
    setImmediate(end);
  };
  const finishWhenQuiet = (): void => {
    clearTimeout(quiet);
    quiet = setTimeout(() => {
      if (path.isIdle) finish();
    }, QUIET_MS);
  };
  const limit = setTimeout(finish, drainMs);
  endDrain = finish;
  path.onIdle = finishWhenQuiet;
  if (path.isIdle) finishWhenQuiet();
}

let dying = false;
process.on('uncaughtException', (error: unknown) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  if (dying) {
    logger.critical('main', 'another error while waiting to be replaced', { error: text });
    return;
  }
  dying = true;
  // The ports stay open, where they can: the main thread asks for the drain once the replacement has them open too.
  if (data.portSharing === 'one-thread') drain(REPLACEMENT_WAIT_MS);
  say({ kind: 'dying', error: text });
  setTimeout(() => drain(REPLACEMENT_WAIT_MS), REPLACEMENT_WAIT_MS).unref();
});
process.on('unhandledRejection', (reason) => {
  throw reason;
});

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'generation':
      path.addGeneration(message.generation);
      say({ kind: 'has-generation', serial: message.generation.serial });
      break;
    case 'use':
      useGeneration(message.slot);
      break;
    case 'ticket-secret':
      acceptor.setTicketSecret(message.secret);
      break;
    case 'retire':
      path.removeGeneration(message.slot, message.serial);
      break;
    case 'listen':
      listening = listening.then(() => listen(message.request, message.listeners));
      break;
    case 'drain':
      drain(message.drainMs);
      break;
    case 'stop':
      if (endDrain) endDrain();
      else drain(0);
      break;
    case 'crash':
      setImmediate(() => {
        throw new Error('crashed on request');
      });
      break;
  }
});

// What loading the modules left behind; later a pause would be some request's.
await trimHeap();
say({ kind: 'ready' });
